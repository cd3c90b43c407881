"""Lab 03: measure the MiniGPT's memory and times against the context.

`python my_curves.py` writes the measurements to my_curves.csv; `kvlab lab check 03 my_curves.csv` judges them.

It runs as it stands, and what it writes does not pass: each TODO is a decision to take. Before the first run, write
down what you expect: the bytes at each context, how a step with a cache grows from the first context to the last, and
how a step without one does.
"""

# TODO 1: threads. A library that divides a product among threads takes another time whenever another program runs.
# How many it may use is read from the environment, and only once: when NumPy is loaded.

import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kvlab.cache import DenseCache
from kvlab.decoding.generation import recompute
from kvlab.model import load_model
from kvlab.training import MINIGPT

CONTEXTS = [32, 64, 128]  # TODO 2: how many, and which? Half of them will judge a formula fitted on the other half.
TOKEN = 7  # any: a step costs the same for each
MODEL = load_model(MINIGPT)

Task = Callable[[], object]


def memory_bytes(context: int) -> int:
    """Return the bytes of the arrays that hold the K and V of `context` tokens, and no others."""
    cache = DenseCache.for_model(MODEL.architecture)
    MODEL.forward(np.full((1, context), TOKEN), cache)
    return cache.nbytes  # TODO 3: is this what it says above?


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


def measure() -> list[dict[str, float]]:
    """Return a row for each measurement; rows of the same context are rounds, in the order they were taken."""
    rows = []
    # TODO 4: one run says little, and the first run of anything is not like the others. How many rounds?
    # TODO 5: this order is the same each time. What happens to the curve if the machine slows down half-way?
    for context in CONTEXTS:
        rows.append(
            {
                "context_tokens": context,
                "memory_B": memory_bytes(context),
                "cached_us": seconds(cached_step(context)) * 1e6,
                "uncached_us": seconds(uncached_pass(context)) * 1e6,
            }
        )
    return rows


def seconds(task: Task) -> float:
    """Return how long one run of a task takes."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


# TODO 6: the overlay. For each context the least time measured, and what the formula predicts for it; its constants
# fitted on half of the contexts, its errors read on the other half.


def write(path: Path, rows: list[dict[str, float]]) -> None:
    """Write rows as a CSV, their keys its header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write(Path(__file__).with_suffix(".csv"), measure())
