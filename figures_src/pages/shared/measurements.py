"""What several pages quote from the record of measurements."""

from __future__ import annotations

from figures_src.declared.values import Value, call
from figures_src.plots.style import Data
from kvlab.benchmark import record


def measured(path: str, **limits: float) -> Value:
    """Return one measurement, such as `"curves.cached.held_out_error"`, within the limits of what is said of it."""
    return call(record.measured, path=path, **limits)


# That a text takes longer without a cache is what is said of it.
SAVED = measured("bench.generation.uncached_over_cached", at_least=1)


def curves_data() -> Data:
    """Return the measured points, what the formulas predict for them, and which of them the fit has not seen."""
    columns: dict[str, list[object]] = {"run": [], "tokens": [], "held_out": [], "measured_s": [], "predicted_s": []}
    for run in ("cached", "uncached"):
        tokens, held_out, seconds, predicted = (
            measured(f"curves.{run}.{what}").result
            for what in ("contexts", "held_out", "measured_seconds", "predicted_seconds")
        )
        columns["run"] += [run] * len(tokens)
        columns["tokens"] += tokens
        columns["held_out"] += held_out
        columns["measured_s"] += seconds
        columns["predicted_s"] += predicted
    return columns
