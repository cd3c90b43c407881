"""Lab 03, solved: measure the MiniGPT's memory and times against the context, and lay the formulas over them.

`python my_curves.py` writes the measurements to my_curves.csv, and the overlay to my_curves.overlay.csv;
`kvlab lab check 03 my_curves.csv` judges the measurements.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one thread, chosen before NumPy is loaded

import csv
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache, GrowingCache, slots_read
from kvlab.decoding.generation import recompute
from kvlab.model import load_model
from kvlab.training import MINIGPT

CONTEXTS = range(16, 129, 16)  # two in each block of slots that a query reads
ROUNDS = 400
TOKEN = 7  # any: a step costs the same for each
MODEL = load_model(MINIGPT)

Task = Callable[[], object]


def memory_bytes(context: int) -> int:
    """Return the bytes of the arrays that hold the K and V of `context` tokens, and no others."""
    cache = GrowingCache.for_model(MODEL.architecture)
    MODEL.forward(np.full((1, context), TOKEN), cache)
    return cache.nbytes


def cached_step(context: int) -> Task:
    """Return one decode step, its own token the last of `context`, ready to be run again and again."""
    cache = DenseCache.for_model(MODEL.architecture)
    MODEL.forward(np.full((1, context - 1), TOKEN), cache)

    def step() -> None:
        cache.hold(context - 1)  # forget the step before
        MODEL.logits(MODEL.forward(np.array([[TOKEN]]), cache)[0, -1])

    return step


def uncached_pass(context: int) -> Task:
    """Return one step without a cache: a pass over all of `context` tokens."""
    return lambda: recompute(MODEL, [TOKEN] * context)


def rounds(tasks: dict[int, Task], in_a_row: int) -> list[dict[int, float]]:
    """Return the microseconds of each task in each round; in a round all take turns, in random order."""
    for task in tasks.values():  # once each, not counted: the first run of anything is not like the others
        task()
    order, rng = list(tasks), random.Random(3)
    found = []
    for _ in range(ROUNDS):
        rng.shuffle(order)
        found.append({context: microseconds(tasks[context], in_a_row) for context in order})
    return found


def microseconds(task: Task, in_a_row: int) -> float:
    """Return how long one run of a task takes, the mean of some in a row."""
    started = time.perf_counter()
    for _ in range(in_a_row):
        task()
    return (time.perf_counter() - started) / in_a_row * 1e6


def measure() -> list[dict[str, float]]:
    """Return a row for each context and round."""
    # Steps among steps and passes among passes: a pass leaves the processor's caches to the next task as it likes.
    cached = rounds({context: cached_step(context) for context in CONTEXTS}, in_a_row=5)
    uncached = rounds({context: uncached_pass(context) for context in CONTEXTS}, in_a_row=1)
    memory = {context: memory_bytes(context) for context in CONTEXTS}
    return [
        {
            "context_tokens": context,
            "memory_B": memory[context],
            "cached_us": round(steps[context], 2),
            "uncached_us": round(passes[context], 2),
        }
        for steps, passes in zip(cached, uncached, strict=True)
        for context in CONTEXTS
    ]


def summed_up(rounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one time a context: its median share of a round, times the least round.

    The least time of each context would do, were the processor always equally fast. Where it changes its pace, some
    contexts have met a fast moment and others have not; a share of a round is the same at every pace.
    """
    whole = rounds.sum(axis=1)
    return np.median(rounds / whole[:, None], axis=0) * whole.min()


def terms(run: str, context: int) -> list[float]:
    """Return what each constant of a run's formula is multiplied by."""
    capacity = MODEL.architecture.max_context
    if run == "cached":
        return [1, slots_read(context - 1, capacity)]
    return [1, context, sum(slots_read(position, capacity) for position in range(context))]


def overlay(rows: list[dict[str, float]], run: str) -> list[dict[str, object]]:
    """Return the time at each context next to what the formula predicts, fitted on half of the contexts."""
    times = summed_up(np.array([row[f"{run}_us"] for row in rows]).reshape(ROUNDS, len(CONTEXTS)))
    design = np.array([terms(run, context) for context in CONTEXTS])
    # Contexts that read the same slots are one point measured twice: the halves take turns by what is read.
    _, place = np.unique(design, axis=0, return_inverse=True)
    fitted = place.ravel() % 2 == 0
    # Divided by what was measured, so that relative errors are what the fit makes small.
    constants, *_ = np.linalg.lstsq(design[fitted] / times[fitted, None], np.ones(fitted.sum()), rcond=None)
    points = zip(CONTEXTS, times, design @ constants, fitted, strict=True)
    return [
        {
            "run": run,
            "context_tokens": context,
            "measured_us": f"{measured:.2f}",
            "formula_us": f"{predicted:.2f}",
            "error": f"{predicted / measured - 1:+.1%}",
            "fitted": bool(seen),
        }
        for context, measured, predicted, seen in points
    ]


def write(path: Path, rows: list[dict[str, float]] | list[dict[str, object]]) -> None:
    """Write rows as a CSV, their keys its header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    measurements = measure()
    write(Path(__file__).with_suffix(".csv"), measurements)
    laid_over = overlay(measurements, "cached") + overlay(measurements, "uncached")
    write(Path(__file__).with_suffix(".overlay.csv"), laid_over)
