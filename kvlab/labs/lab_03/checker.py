"""Lab 03: the reader's measurements against the formulas, memory to the byte, times within 10 %.

The file is the CSV that the reader's program wrote; nothing of the reader's runs here. What cannot be read is refused
by its line, what cannot be what its column says is named, and only then is a formula fitted: on half of the contexts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kvlab import catalog
from kvlab.benchmark.fit import PROMISE, Curve, Terms, every_second, fitted
from kvlab.benchmark.predictions import cached_terms, uncached_terms
from kvlab.benchmark.record import NOISE_LIMIT
from kvlab.benchmark.timing import Timed, noise_of_shares, steady
from kvlab.errors import KvlabError
from kvlab.labs.lab import Finding, Result
from kvlab.labs.lab_03.csv_file import MalformedError, Measurements, read, seen
from kvlab.labs.lab_03.memory import explained
from kvlab.labs.lab_03.possible import capacity_of, exchanged, impossible, named, other_unit
from kvlab.sizing import Decoder

CHECKS = ("columns", "contexts", "memory", "times", "cached", "uncached")


def check(path: Path) -> Result:
    """Judge the CSV that the reader's program wrote about the MiniGPT."""
    if path.suffix == ".py":
        return Result.of(CHECKS, (), [seen("program", path=str(path))])
    return judge(path.read_bytes(), catalog.model("MiniGPT").decoder)


def judge(content: bytes, decoder: Decoder) -> Result:
    """Judge a file of measurements of a model, as far as it can be read."""
    try:
        measured = read(content)
    except MalformedError as error:
        return Result.of(CHECKS, (), [error.finding])
    swap, wrong = exchanged(measured, decoder), impossible(measured, decoder)
    if swap:
        return Result.of(CHECKS, (), [swap])
    if "contexts" in wrong:
        return Result.of(CHECKS, ("columns",), [wrong["contexts"]])
    findings = (explained(measured, decoder) or [wrong["memory"]]) if "memory" in wrong else []
    passed = {"columns", "contexts", "memory", "times"} - set(wrong)
    if "few" in wrong:
        return Result.of(CHECKS, passed - {"contexts", "times"}, [wrong["few"], *findings])
    if "times" in wrong:
        return Result.of(CHECKS, passed, [*findings, other_unit(measured, decoder) or wrong["times"]])
    for quantity, terms in (("cached", cached_terms), ("uncached", uncached_terms)):
        missed = missing(measured, quantity, terms(measured.contexts, capacity_of(decoder)))
        findings += [missed] if missed else []
        passed |= set() if missed else {quantity}
    return Result.of(CHECKS, passed, findings)


def missing(measured: Measurements, quantity: str, terms: Terms) -> Finding | None:
    """Return what was seen where a formula, fitted on half of the contexts, misses one; None where it misses none."""
    rounds = {str(at): Timed(tuple(map(float, times))) for at, times in measured.rounds(quantity).items()}
    fewest, column = min(len(timed.seconds) for timed in rounds.values()), named(measured, quantity)
    times, noise = summed_up(rounds)
    if noise > NOISE_LIMIT:
        return seen("noise", column=column, percent=100 * noise, rounds=fewest)
    curve = fitted(measured.contexts, times, terms, every_second(terms))
    # Its own points too: a fit that misses one of those is not borne out by the others.
    errors = _errors(curve)
    worst = max(errors, key=errors.__getitem__)
    if errors[worst] <= PROMISE:
        return None
    name = "scattered" if fewest == 1 else "missed"
    found = _apart(column, curve, terms)
    return found or seen(name, column=column, context=worst, percent=100 * errors[worst])


def summed_up(rounds: Mapping[str, Timed]) -> tuple[tuple[float, ...], float]:
    """Return one time a context, and how far the two halves of the rounds lie apart; 0 where there are no rounds.

    Of the least times and the median shares of a round, those whose halves agree better, whatever the formula says.
    """
    least = tuple(timed.least for timed in rounds.values())
    counts = {len(timed.seconds) for timed in rounds.values()}
    noise = max((timed.noise for timed in rounds.values() if len(timed.seconds) > 1), default=0.0)
    if len(counts) > 1 or 1 in counts or noise_of_shares(rounds) >= noise:
        return least, noise
    return tuple(steady(rounds).values()), noise_of_shares(rounds)


def _apart(column: str, curve: Curve, terms: Terms) -> Finding | None:
    """Return the one context without which the formula holds, if there is one."""
    for place, context in enumerate(curve.contexts):
        held_out = list(every_second([np.delete(term, place) for term in terms]))
        held_out.insert(place, True)
        try:
            rest = fitted(curve.contexts, curve.measured, terms, tuple(held_out))
        except KvlabError:  # without this one, too few are left to fix the constants
            continue
        if max(error for at, error in _errors(rest).items() if at != context) <= PROMISE:
            times = curve.measured[place] / rest.predicted[place]
            return seen("first" if place == 0 else "apart", column=column, context=context, times=times)
    return None


def _errors(curve: Curve) -> dict[int, float]:
    """Return the relative error at each context, those of the fit included."""
    points = zip(curve.contexts, curve.measured, curve.predicted, strict=True)
    return {context: abs(predicted - measured) / measured for context, measured, predicted in points}
