"""What pages quote from the record of measurements: whether it is there, and whether it is still true."""

from __future__ import annotations

import html
from collections.abc import Iterable
from functools import cache

from figures_src.declared.values import Value
from figures_src.words import Words
from kvlab.benchmark import record

REASONS = {"missing": "book.not_measured", "noisy": "book.too_noisy", "contradicted": "book.not_borne_out"}
CELLS = {"missing": "book.no_measurement", "noisy": "book.noisy_cell", "contradicted": "book.noisy_cell"}


def require(values: Iterable[Value]) -> None:
    """Raise `NotMeasuredError` when one of the values needs a measurement that is missing or too noisy."""
    for value in values:
        if value.measured:
            _ = value.result


def fingerprint() -> str:
    """Return all that pages can say of measurements, as one text: the record, and whether it is still true."""
    return f"{record.find()!r} {stale()}"


@cache
def stale() -> bool:
    """Return whether the record was measured before the code last changed: the live server shows it all the same."""
    found = record.find()
    return found is not None and found.stale


def stale_note(values: Iterable[Value], words: Words) -> str:
    """Return what a caption says of values of which some were measured before the code last changed; else nothing."""
    return words("book.stale_figure") if stale() and any(value.measured for value in values) else ""


def stale_mark(value: Value, words: Words) -> str:
    """Return the mark after a number that was measured before the code last changed; none after others."""
    if not (value.measured and stale()):
        return ""
    return f'<small class="kv-stale"> ({html.escape(words("book.stale"))})</small>'
