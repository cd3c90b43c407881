"""Rivals of the formulas: simpler ones, which a measurement that is worth something has to tell from the right ones."""

from __future__ import annotations

from kvlab.benchmark.fit import every_second, fitted
from kvlab.benchmark.predictions import TERMS
from kvlab.errors import KvlabError


def held_out_error(run: str, constants: int, contexts: list[int], seconds: list[float]) -> float:
    """Return the largest error of a formula's first terms on the points of a curve that their fit has not seen.

    Args:
        run: `"cached"` (a constant, and one a slot read) or `"uncached"` (a constant, one a token, one a slot read).
        constants: how many of the terms, from the first on.
        contexts: tokens.
        seconds: measured at each.

    Raises:
        KvlabError: an unknown run, or not so many terms.
    """
    if run not in TERMS:
        raise KvlabError(f"unknown run {run!r}; known are {', '.join(TERMS)}")
    terms = TERMS[run](tuple(contexts), max(contexts))
    if not 1 <= constants <= len(terms):
        raise KvlabError(f"the formula has {len(terms)} constants, and {constants} of them were asked for")
    # The points that the whole formula is judged on, so that the errors compare.
    return fitted(tuple(contexts), tuple(seconds), terms[:constants], every_second(terms)).held_out_error


def last_over_first(seconds: list[float]) -> float:
    """Return how many times as long the last point of a curve takes as its first."""
    return seconds[-1] / seconds[0]


def over_at_last(slower: list[float], faster: list[float]) -> float:
    """Return how many times as long one curve takes as another at their last point."""
    return slower[-1] / faster[-1]
