"""Timing on a machine that does other things too: the least of many rounds, interleaved in random order.

What else runs can only slow a round down, and it slows whatever is running; so contenders take turns in an order that
changes, each keeps its least time, and what is said afterwards is a ratio of two of these.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from kvlab.errors import KvlabError

Task = Callable[[], Any]

# Read by the libraries when they are loaded, and not again.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclass(frozen=True)
class Timed:
    """The rounds of one contender.

    Attributes:
        seconds: of each round.
    """

    seconds: tuple[float, ...]

    @property
    def least(self) -> float:
        """The least time, in seconds."""
        return min(self.seconds)

    @property
    def noise(self) -> float:
        """How far the least times of the odd and of the even rounds lie apart, as a share of the smaller."""
        odd, even = min(self.seconds[::2]), min(self.seconds[1::2])
        return abs(odd - even) / min(odd, even)


def take_one_thread() -> None:
    """Let the BLAS run one thread. Raises `KvlabError` when NumPy is loaded already with more: then it is too late."""
    if "numpy" in sys.modules and os.environ.get(THREADS[0]) != "1":  # OpenBLAS, which NumPy's wheels bring
        raise KvlabError("NumPy is loaded already; threads are chosen before, in a process of its own")
    for name in THREADS:
        os.environ[name] = "1"


def interleaved(tasks: Mapping[str, Task], rounds: int, repeat: int = 1, seed: int = 0) -> dict[str, Timed]:
    """Run each task once a round, in a random order, and return its rounds, after one that is not counted.

    Args:
        tasks: what to run, by name; what a task returns before it is timed again is discarded.
        rounds: at least 2.
        repeat: how often a task runs in a row each time it is timed; a round is the mean of these.
        seed: of the order.

    Raises:
        KvlabError: fewer than 2 rounds, from which no noise can be told.
    """
    if rounds < 2:
        raise KvlabError(f"{rounds} rounds tell nothing of noise; ask for at least 2")
    order, rng = list(tasks), random.Random(seed)
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for _ in range(rounds):
        rng.shuffle(order)
        for name in order:
            task = tasks[name]
            started = time.perf_counter()
            for _ in range(repeat):
                task()
            seconds[name].append((time.perf_counter() - started) / repeat)
    return {name: Timed(tuple(rounds)) for name, rounds in seconds.items()}


def steady(timed: Mapping[str, Timed]) -> dict[str, float]:
    """Return a time for each contender, in seconds, in which a change of pace between rounds has no part.

    Its median share of a round, times the least round: for many short tasks that are compared with each other, where
    the least times of some come from a moment in which the processor was faster, and those of others do not.
    """
    least_round = min(map(sum, zip(*(run.seconds for run in timed.values()), strict=True)))
    return {name: share * least_round for name, share in _shares(timed).items()}


def noise_of_shares(timed: Mapping[str, Timed]) -> float:
    """Return how far the shares of the odd and of the even rounds lie apart at most, as a share of the smaller."""
    halves = [_shares({name: Timed(run.seconds[start::2]) for name, run in timed.items()}) for start in (0, 1)]
    return max(abs(odd - even) / min(odd, even) for odd, even in zip(*(half.values() for half in halves), strict=True))


def _shares(timed: Mapping[str, Timed]) -> dict[str, float]:
    rounds = [sum(seconds) for seconds in zip(*(run.seconds for run in timed.values()), strict=True)]
    return {
        name: median(second / whole for second, whole in zip(run.seconds, rounds, strict=True))
        for name, run in timed.items()
    }
