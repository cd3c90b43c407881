"""What several pages quote from the record of measurements."""

from __future__ import annotations

from typing import Any

from figures_src.declared.values import Value, call
from figures_src.plots import curves
from kvlab.benchmark import predictions, record


def measured(path: str, **limits: float) -> Value:
    """Return one measurement, such as `"bench.rounds"`, within the limits of what is said of it."""
    return call(record.measured, path=path, **limits)


def curve(name: str, part: str) -> Value:
    """Return a part of a measured curve, such as `"measured"`, or of its formula, such as `"predicted"`."""
    return call(predictions.curve, **_points(name)).field(part)


def held_out_error(name: str, **limits: float) -> Value:
    """Return the error of a curve's formula on unseen points, within the limits of what is said of it."""
    return call(predictions.held_out_error, **_points(name), **limits)


def _points(name: str) -> dict[str, Any]:
    unit = "bytes" if name == "memory" else "seconds"
    columns = {"contexts": measured(f"curves.{name}.contexts"), "measured": measured(f"curves.{name}.measured_{unit}")}
    return {"name": name, **columns}


# That a text takes longer without a cache is what is said of it.
SAVED = measured("bench.generation.uncached_over_cached", at_least=1)


def curves_data() -> list[curves.Row]:
    """Return the measured points, what the formulas predict for them, and which of them the fit has not seen."""
    rows = []
    for run in ("cached", "uncached"):
        columns = (curve(run, part).result for part in ("contexts", "held_out", "measured", "predicted"))
        rows += [curves.Row(run, *point) for point in zip(*columns, strict=True)]
    return rows
