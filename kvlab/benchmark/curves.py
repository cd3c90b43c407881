"""Memory and time against context, measured: a growing cache, a decode step, a forward pass over all the tokens."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from kvlab.benchmark.decode import TOKEN, decode_step, filled_cache
from kvlab.benchmark.prefill import prefill
from kvlab.benchmark.timing import Task, interleaved, noise_of_shares, steady
from kvlab.cache import GrowingCache
from kvlab.model import GPT2, load_model
from kvlab.training import MINIGPT

# Many, for a round takes some milliseconds: a processor that changes its pace does so for seconds.
ROUNDS, ROUNDS_QUICK = 400, 60
REPEAT_CACHED = 5
# Multiples of 16, where a product has no ragged edge that would cost more than its share.
CONTEXTS = tuple(range(16, 129, 16))


def memory_bytes(model: GPT2) -> list[float]:
    """Return the bytes that a growing cache takes from the allocator, at each of `CONTEXTS`."""
    measured, cache = [], GrowingCache.for_model(model.architecture)
    tracemalloc.start()
    try:
        for held in (0, *CONTEXTS[:-1]):
            model.forward(np.full((1, CONTEXTS[0]), TOKEN), cache)
            assert cache.position == held + CONTEXTS[0]
            measured.append(_allocated_by("kvlab/cache/growing.py"))
    finally:
        tracemalloc.stop()
    return measured


def _allocated_by(file: str) -> float:
    """Return the bytes in use that were allocated by lines of a source file of ours."""
    traces = tracemalloc.take_snapshot().statistics("filename")
    return float(sum(trace.size for trace in traces if trace.traceback[0].filename.endswith(file)))


def cached_tasks(model: GPT2) -> dict[int, Task]:
    """Return one decode step after each number of tokens, its own included: the last reads the whole context."""
    cache = filled_cache(model)
    return {context: decode_step(model, cache, context - 1) for context in CONTEXTS}


def uncached_tasks(model: GPT2) -> dict[int, Task]:
    """Return one forward pass over all the tokens, for each number of tokens: a step without a cache."""
    return {context: prefill(model, context) for context in CONTEXTS}


def curves(quick: bool = False, progress: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Measure the curves of the MiniGPT.

    Args:
        quick: fewer rounds.
        progress: called once for each of the `STEPS` parts.

    Returns:
        For `memory`, `cached` and `uncached` the contexts in tokens and what was measured at each, in bytes or seconds;
        for the latter two also the noise of the timing.
    """
    model = load_model(MINIGPT)
    assert isinstance(model, GPT2)
    rounds = ROUNDS_QUICK if quick else ROUNDS
    contexts = list(CONTEXTS)
    results: dict[str, Any] = {"memory": {"contexts": contexts, "measured_bytes": memory_bytes(model)}}
    progress()
    for name, tasks, repeat in (("cached", cached_tasks(model), REPEAT_CACHED), ("uncached", uncached_tasks(model), 1)):
        timed = interleaved({str(context): task for context, task in tasks.items()}, rounds, repeat)
        seconds = list(steady(timed).values())
        results[name] = {"contexts": contexts, "measured_seconds": seconds, "noise": noise_of_shares(timed)}
        progress()
    return results


STEPS = 3
