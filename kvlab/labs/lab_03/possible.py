"""Whether lab 03's numbers can be what their columns say: a time in the wrong unit passes any fit."""

from __future__ import annotations

from itertools import combinations
from math import log
from statistics import median

from kvlab.accounting.formats import ELEMENTS
from kvlab.benchmark.predictions import cached_terms
from kvlab.cache.protocol import READ_TILE
from kvlab.catalog.mistakes import Case
from kvlab.labs.lab import Finding
from kvlab.labs.lab_03.csv_file import QUANTITIES, TIMES, Measurements, seen
from kvlab.sizing import Decoder

FEWEST_CONTEXTS, FEWEST_READS = 6, 4  # half of them fix three constants, or two; the rest have to judge
# A decode step of the MiniGPT makes some seventy calls of NumPy. None takes less than a tenth of a microsecond; where
# one takes a tenth of a millisecond, nobody measures. In nanoseconds.
FASTEST_STEP, SLOWEST_STEP = 10 * TIMES["us"], 10 * TIMES["ms"]
CLEARLY = 3  # as far within these limits a time must lie in another unit, before that unit is said to be the right one
SLACK = 1.5  # what noise may do to a ratio of two times before it is called impossible
# Exponents of the growth with the context: a step is nearly flat, a pass over all tokens nearly proportional.
STEEPEST_STEP, FLATTEST_PASS = 0.5, 0.25

# Which of the checks here a column has a part in.
TOUCHED = {"context": {"contexts", "memory", "times"}, "memory": {"memory"}, "cached": {"times"}, "uncached": {"times"}}


def case(decoder: Decoder, context: int) -> Case:
    """Return what a row measures: the K and V of one sequence of `context` tokens, in fp32."""
    return Case(decoder, context, 1, ELEMENTS["fp32"])


def capacity_of(decoder: Decoder) -> int:
    """Return the tokens that the model was made for."""
    assert decoder.max_context is not None  # a model that is run has positions
    return decoder.max_context


def impossible(measured: Measurements, decoder: Decoder) -> dict[str, Finding]:
    """Return what was seen, for each of the checks `contexts`, `memory` and `times` that fails, and of `few` contexts.

    Where contexts are none that the model has, nothing else is looked at; where there are few, no times, since noise
    would be taken for growth.
    """
    context = _context(measured, decoder)
    if context:
        return {"contexts": context}
    few = _few(measured, decoder)
    found = {"few": few, "memory": _memory(measured, decoder), "times": None if few else _times(measured)}
    return {check: finding for check, finding in found.items() if finding}


def least(measured: Measurements, quantity: str) -> dict[int, float]:
    """Return the least time of each context's rounds, in nanoseconds."""
    return {context: float(min(values)) for context, values in measured.rounds(quantity).items()}


def _context(measured: Measurements, decoder: Decoder) -> Finding | None:
    capacity = capacity_of(decoder)
    for line, value in zip(measured.lines, measured.columns["context"].scaled("context"), strict=True):
        if value.denominator != 1 or value > capacity:
            return seen("context", line=line, context=f"{float(value):g}", most=capacity)
    return None


def _few(measured: Measurements, decoder: Decoder) -> Finding | None:
    points, reads = len(measured.contexts), len(set(cached_terms(measured.contexts, capacity_of(decoder))[1].tolist()))
    if points >= FEWEST_CONTEXTS and reads >= FEWEST_READS:
        return None
    return seen("few", points=points, fewest=FEWEST_CONTEXTS, blocks=reads, of=FEWEST_READS, block=READ_TILE)


def _memory(measured: Measurements, decoder: Decoder) -> Finding | None:
    """Return the first row whose bytes are not those of the formula."""
    sizes = {context: case(decoder, context).size for context in measured.contexts}
    columns = (measured.columns[quantity].scaled(quantity) for quantity in ("context", "memory"))
    for line, context, value in zip(measured.lines, *columns, strict=True):
        if value != sizes[int(context)]:
            return seen("memory", line=line, context=int(context), bytes=float(value), formula=sizes[int(context)])
    return None


def _times(measured: Measurements) -> Finding | None:
    """Return why the times cannot be those of a step and of a pass; None where they can."""
    cached, uncached = least(measured, "cached"), least(measured, "uncached")
    step, ratios = median(cached.values()), {context: uncached[context] / cached[context] for context in cached}
    ratio = median(ratios.values())
    if _growth(cached) >= STEEPEST_STEP:
        return seen("recomputed" if 1 / SLACK < ratio < SLACK else "text_cached", **_ends(cached))
    if not FASTEST_STEP <= step <= SLOWEST_STEP:
        fastest, slowest = (limit // TIMES["us"] for limit in (FASTEST_STEP, SLOWEST_STEP))
        return seen("step", microseconds=step / TIMES["us"], fastest=fastest, slowest=slowest)
    if median(ratio / context for context, ratio in ratios.items()) > SLACK:
        return seen("text_uncached", times=ratio)
    if _growth(uncached) <= FLATTEST_PASS and ratio > 1 / SLACK:
        return seen("flat", **_ends(uncached))
    return seen("faster", times=ratio) if ratio < 1 / SLACK else None


def _growth(times: dict[int, float]) -> float:
    """Return the exponent of the growth with the context: the median over all pairs, which one point bends little."""
    pairs = combinations(times.items(), 2)
    return median(log(later / sooner) / log(longer / shorter) for (shorter, sooner), (longer, later) in pairs)


def _ends(times: dict[int, float]) -> dict[str, str | int | float]:
    first, last = min(times), max(times)
    return {"first": first, "last": last, "times": times[last] / times[first]}


def exchanged(measured: Measurements, decoder: Decoder) -> Finding | None:
    """Return which two columns have each other's numbers, if exchanging them mends all that they have a part in."""
    wrong = set(impossible(measured, decoder))
    for one, other in combinations(QUANTITIES, 2) if wrong else ():
        # Where contexts are wrong, nothing else has been looked at, and all may be.
        touched = TOUCHED[one] | TOUCHED[other]
        if touched & wrong and not touched & set(impossible(measured.with_exchanged(one, other), decoder)):
            return seen("exchanged", one=named(measured, one), other=named(measured, other))
    return None


def other_unit(measured: Measurements, decoder: Decoder) -> Finding | None:
    """Return the unit in which the times would be possible, if only the headers are wrong."""
    for changed in (("cached",), ("uncached",), ("cached", "uncached")):
        for unit in TIMES:
            other = measured
            for quantity in changed:
                other = other.with_unit(quantity, unit)
            step = median(least(other, "cached").values())
            likely = CLEARLY * FASTEST_STEP <= step <= SLOWEST_STEP / CLEARLY
            if likely and "times" not in impossible(other, decoder):
                columns = [named(measured, quantity) for quantity in changed]
                return seen("unit" if len(changed) == 1 else "units", column=columns[0], unit=unit)
    return None


def named(measured: Measurements, quantity: str) -> str:
    """Return a column's name as its header writes it."""
    return f"{quantity}_{measured.columns[quantity].unit}"
