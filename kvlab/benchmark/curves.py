"""Curves against theory: memory and time against context, predicted from half of the points, judged on the others.

A curve that is fitted to points and then shown to pass through them proves nothing. So the constants of each formula
are fitted on half of the contexts, and what is reported is the largest error on the others. A decode step after 16
tokens and one after 32 read the same slots and are one measurement taken twice: such a pair is never parted.

    memory       2 · L · H_kv · d_h · S · s, which has no constant to fit
    cached       a + b · slots read              one decode step after S tokens
    uncached     a + b · T + c · slots read      one forward pass over all T tokens
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from kvlab.accounting.memory import kv_cache_bytes
from kvlab.benchmark.decode import TOKEN, decode_step, filled_cache
from kvlab.benchmark.fit import Curve, Terms, every_second, fitted
from kvlab.benchmark.prefill import prefill
from kvlab.benchmark.timing import Task, interleaved, noise_of_shares, steady
from kvlab.cache import GrowingCache, slots_read
from kvlab.model import GPT2, load_model
from kvlab.training import MINIGPT

# Many, for a round takes some milliseconds: a processor that changes its pace does so for seconds.
ROUNDS, ROUNDS_QUICK = 400, 60
REPEAT_CACHED = 5
# Multiples of 16, where a product has no ragged edge that would cost more than its share.
CONTEXTS = tuple(range(16, 129, 16))


def memory_curve(model: GPT2) -> Curve:
    """Return the bytes that a growing cache takes from the allocator, against the formula; nothing is fitted."""
    a = model.architecture
    measured, cache = [], GrowingCache.for_model(a)
    tracemalloc.start()
    try:
        for held in (0, *CONTEXTS[:-1]):
            model.forward(np.full((1, CONTEXTS[0]), TOKEN), cache)
            assert cache.position == held + CONTEXTS[0]
            measured.append(_allocated_by("kvlab/cache/growing.py"))
    finally:
        tracemalloc.stop()
    predicted = [kv_cache_bytes(a.n_layers, a.n_kv_heads, a.head_dim, context, 1, 4) for context in CONTEXTS]
    return Curve(CONTEXTS, tuple(measured), tuple(map(float, predicted)), (True,) * len(CONTEXTS))


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


def cached_terms(contexts: tuple[int, ...] = CONTEXTS, capacity: int = CONTEXTS[-1]) -> Terms:
    """Return the terms of a decode step: one, and the slots that it reads of a cache of `capacity`."""
    slots = [slots_read(context - 1, capacity) for context in contexts]
    return [np.ones(len(contexts)), np.array(slots, float)]


def uncached_terms(contexts: tuple[int, ...] = CONTEXTS, capacity: int = CONTEXTS[-1]) -> Terms:
    """Return the terms of a pass over `T` tokens: one, the tokens, and the slots that all their queries read."""
    slots = [sum(slots_read(position, capacity) for position in range(context)) for context in contexts]
    return [np.ones(len(contexts)), np.array(contexts, float), np.array(slots, float)]


HELD_OUT = {"cached": every_second(cached_terms()), "uncached": every_second(uncached_terms())}


def curves(quick: bool = False, progress: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Measure the curves of the MiniGPT and judge their formulas.

    Args:
        quick: fewer rounds.
        progress: called once for each of the `STEPS` parts.

    Returns:
        For `memory`, `cached` and `uncached` the points and the held-out error; for the latter two also the noise of
        the timing.
    """
    model = load_model(MINIGPT)
    assert isinstance(model, GPT2)
    rounds = ROUNDS_QUICK if quick else ROUNDS
    results = {"memory": _described(memory_curve(model), "bytes")}
    progress()
    for name, tasks, terms, repeat in (
        ("cached", cached_tasks(model), cached_terms(), REPEAT_CACHED),
        ("uncached", uncached_tasks(model), uncached_terms(), 1),
    ):
        timed = interleaved({str(context): task for context, task in tasks.items()}, rounds, repeat)
        seconds = tuple(steady(timed).values())
        results[name] = _described(fitted(CONTEXTS, seconds, terms, HELD_OUT[name]), "seconds")
        results[name]["noise"] = noise_of_shares(timed)
        progress()
    return results


STEPS = 3


def _described(curve: Curve, unit: str) -> dict[str, Any]:
    return {
        "contexts": list(curve.contexts),
        f"measured_{unit}": list(curve.measured),
        f"predicted_{unit}": list(curve.predicted),
        "held_out": list(curve.held_out),
        "held_out_error": curve.held_out_error,
    }
