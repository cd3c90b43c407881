"""`curves` and `measure`: formulas judged by measurements, and the record from which pages quote."""

from __future__ import annotations

from typing import Any

import click

from kvlab.cli.arguments import as_json
from kvlab.cli.terminal import print_card, print_json, progress


@click.command()
@click.option("--quick", is_flag=True, help="Fewer rounds.")
@as_json
def curves(quick: bool, json_: bool) -> None:
    """Measure memory and time against context, cached and uncached, and judge the formulas on points not fitted."""
    from kvlab.benchmark.timing import take_one_thread

    take_one_thread()
    from kvlab.benchmark import curves as benchmark
    from kvlab.benchmark.machine import machine
    from kvlab.benchmark.predictions import judged

    with progress("measuring", total=benchmark.STEPS) as advance:
        results = judged(benchmark.curves(quick, advance))
    if json_:
        print_json(**results, machine=machine())
        return
    print_curves(results)


def print_curves(curves: dict[str, Any]) -> None:
    """Print a card for each curve: what was measured at each context, and the formula."""
    for name, curve in curves.items():
        unit = "bytes" if name == "memory" else "seconds"
        points = zip(
            curve["contexts"], curve[f"measured_{unit}"], curve[f"predicted_{unit}"], curve["held_out"], strict=True
        )
        scale, shown = (1, "B") if unit == "bytes" else (1e6, "µs")
        rows = {
            f"{context} tokens": f"{a * scale:,.0f} {shown}, formula {b * scale:,.0f}" + ("" if out else ", fitted")
            for context, a, b, out in points
        }
        noise = {"noise": f"{curve['noise']:.1%}"} if "noise" in curve else {}
        print_card(name, rows | {"held-out error": f"{curve['held_out_error']:.1%}"} | noise)


@click.command()
@click.option("--quick", is_flag=True, help="The short measurement that a build takes where there is none.")
@as_json
def measure(quick: bool, json_: bool) -> None:
    """Take the measurements that pages quote, and keep them for builds on this machine."""
    from kvlab.benchmark.timing import take_one_thread

    take_one_thread()
    from datetime import UTC, datetime

    from kvlab.benchmark import bench, record
    from kvlab.benchmark import curves as curve_benchmark
    from kvlab.benchmark.machine import machine

    record.require_place()
    with progress("measuring", total=bench.steps(quick) + curve_benchmark.STEPS) as advance:
        results = {"curves": curve_benchmark.curves(quick, advance), "bench": bench.bench(quick, advance)}
    today = datetime.now(UTC).date().isoformat()
    place = record.keep(record.Record(record.current_key(), today, quick, machine(), results))
    if json_:
        print_json(record=str(place), **results)
        return
    print_card("measured", {"record": str(place), "taken": today})
