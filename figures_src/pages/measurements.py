"""What several pages quote from the record of measurements."""

from __future__ import annotations

from figures_src.values import Value, call
from kvlab.benchmark import record

PROMISE = 0.1  # the share by which a formula may miss a measurement


def measured(path: str, **limits: float) -> Value:
    """Return one measurement, such as `"curves.cached.held_out_error"`, within the limits of what is said of it."""
    return call(record.measured, path=path, **limits)


# That a text takes longer without a cache is what is said of it.
SAVED = measured("bench.generation.uncached_over_cached", at_least=1)
