"""What pages quote from the record of measurements: whether it is there, and whether it is still true."""

from __future__ import annotations

import html
from collections.abc import Iterable
from functools import cache

from figures_src.values import Value
from figures_src.words import Words
from kvlab.benchmark import record
from kvlab.benchmark.record import NotMeasuredError


def require(values: Iterable[Value]) -> None:
    """Raise `NotMeasuredError` when one of the values needs a measurement that is missing or too noisy."""
    for value in values:
        if value.measured:
            _ = value.result


def sentence(error: NotMeasuredError, words: Words) -> str:
    """Return what a page says in the place of what it cannot say."""
    return words("book.too_noisy" if error.noisy else "book.not_measured")


@cache
def stale() -> bool:
    """Return whether the record was measured before the code last changed: the live server shows it all the same."""
    found = record.find()
    return found is not None and found.stale


def stale_mark(value: Value, words: Words) -> str:
    """Return what stands behind a number that was measured before the code last changed; nothing behind others."""
    if not (value.measured and stale()):
        return ""
    return f'<small class="kv-stale"> ({html.escape(words("book.stale"))})</small>'
