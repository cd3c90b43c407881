"""What noise does to measurements, on an imagined machine whose true times are known: all of them are 1."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from statistics import fmean, median

import numpy as np

from kvlab.benchmark.fit import every_second, fitted
from kvlab.errors import KvlabError

WAYS: dict[str, Callable[[Iterable[float]], float]] = {"mean": fmean, "median": median, "least": min}


def excess(way: str, rounds: int, mean_disturbance: float, seed: int) -> float:
    """Return how far above the true time a summary of rounds lies, as a share of it.

    Each round is disturbed by an exponentially distributed share; with more rounds the first ones stay the same.

    Args:
        way: how the rounds are summed up: `"mean"`, `"median"` or `"least"`.
        rounds: at least 1.
        mean_disturbance: as a share of the true time.
        seed: of the disturbances.

    Raises:
        KvlabError: an unknown way, or no rounds.
    """
    if way not in WAYS or rounds < 1:
        raise KvlabError(f"{rounds} rounds cannot be summed up as {way!r}; known are {', '.join(WAYS)}, of 1 or more")
    rng = random.Random(seed)
    return float(WAYS[way](rng.expovariate(1 / mean_disturbance) for _ in range(rounds)))


def drift_error(order: str, place: int, contexts: int, rounds: int, slower: float, seed: int) -> float:
    """Return how far above the true time the least time of a context lies, on a machine that slows down evenly.

    Args:
        order: `"ascending"`, one context after another with all its rounds, or `"drawn"`, all contexts once a round,
            in an order that is drawn each time.
        place: of the context, from 0 on.
        contexts: how many.
        rounds: of each.
        slower: the share by which the machine is slower at the end than at the beginning.
        seed: of the order.

    Raises:
        KvlabError: an unknown order.
    """
    if order not in ("ascending", "drawn"):
        raise KvlabError(f"unknown order {order!r}; known are ascending, drawn")
    runs = [at for at in range(contexts) for _ in range(rounds)]
    if order == "drawn":
        rng = random.Random(seed)
        runs = [at for _ in range(rounds) for at in rng.sample(range(contexts), contexts)]
    return slower * runs.index(place) / (len(runs) - 1)  # the first time is the least: the machine only slows down


def fit_error(constants: int, held_out: bool, points: int, noise: float, draws: int, seed: int) -> float:
    """Return the largest error of a polynomial that is fitted on half of the points of a constant, measured noisily.

    Args:
        constants: of the polynomial; the constant alone is the true formula.
        held_out: whether the error is that on the points that the fit has not seen, or on its own.
        points: how many.
        noise: each is off by a random share of at most so much, either way.
        draws: how many times this is done; returned is the median.
        seed: of the noise.

    Raises:
        KvlabError: there are more constants than points to fit them on.
    """
    rng, places = random.Random(seed), np.linspace(0, 1, points)
    terms, unseen = [places**power for power in range(constants)], every_second([places])
    errors = []
    for _ in range(draws):
        measured = tuple(1 + rng.uniform(-noise, noise) for _ in range(points))
        curve = fitted(tuple(range(points)), measured, terms, unseen)
        of_points = zip(curve.measured, curve.predicted, unseen, strict=True)
        errors.append(max(abs(predicted - value) / value for value, predicted, out in of_points if out is held_out))
    return round(median(errors), 12)  # beyond, a fit through its own points leaves what the last bits leave
