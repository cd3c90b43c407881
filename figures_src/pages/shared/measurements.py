"""What several pages quote from the record of measurements."""

from __future__ import annotations

from figures_src.declared.values import Value, call
from figures_src.plots import curves
from kvlab.benchmark import record


def measured(path: str, **limits: float) -> Value:
    """Return one measurement, such as `"curves.cached.held_out_error"`, within the limits of what is said of it."""
    return call(record.measured, path=path, **limits)


# That a text takes longer without a cache is what is said of it.
SAVED = measured("bench.generation.uncached_over_cached", at_least=1)


def curves_data() -> list[curves.Row]:
    """Return the measured points, what the formulas predict for them, and which of them the fit has not seen."""
    rows = []
    for run in ("cached", "uncached"):
        columns = (
            measured(f"curves.{run}.{what}").result
            for what in ("contexts", "held_out", "measured_seconds", "predicted_seconds")
        )
        rows += [curves.Row(run, *point) for point in zip(*columns, strict=True)]
    return rows
