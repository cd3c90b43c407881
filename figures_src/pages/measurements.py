"""What several pages quote from the record of measurements."""

from __future__ import annotations

from figures_src.values import Value, call
from kvlab.benchmark import record


def measured(path: str) -> Value:
    """Return one measurement, such as `"curves.cached.held_out_error"`."""
    return call(record.measured, path=path)
