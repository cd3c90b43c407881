"""`bench`: speed as ratios, against the roofline and against peers."""

from __future__ import annotations

from typing import Any

import click

from kvlab.cli.arguments import as_json
from kvlab.cli.terminal import print_card, print_json, progress


@click.command()
@click.option("--quick", is_flag=True, help="Half a minute instead of some minutes.")
@as_json
def bench(quick: bool, json_: bool) -> None:
    """Measure speed: decode against its roofline and its peers, and what byte identity costs. One thread.

    Peers are torch and transformers; where they are not installed, their ratios are null.
    """
    from kvlab.benchmark.timing import take_one_thread

    take_one_thread()
    from kvlab.benchmark import bench as benchmark
    from kvlab.benchmark.machine import machine
    from kvlab.benchmark.predictions import bounded

    with progress("measuring", total=benchmark.steps(quick)) as advance:
        results = bounded(benchmark.bench(quick, advance))
    if json_:
        print_json(**results, machine=machine())
        return
    parts = {part: figures for part, figures in results.items() if isinstance(figures, dict)}
    for part, figures in parts.items():
        print_card(part, {name: _shown(figure) for name, figure in figures.items() if not isinstance(figure, list)})


def _shown(figure: Any) -> str:
    if isinstance(figure, dict):
        return ", ".join(f"{name}: {_shown(value)}" for name, value in figure.items())
    return "not measured" if figure is None else f"{figure:.3g}"
