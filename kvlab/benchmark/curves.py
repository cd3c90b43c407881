"""Curves against theory: memory and time against context, predicted from half of the points, judged on the others.

A curve that is fitted to points and then shown to pass through them proves nothing. So the constants of each formula
are fitted on half of the contexts, and what is reported is the largest error on the others. A decode step behind 16
tokens and one behind 32 read the same slots and are one measurement taken twice: such a pair is never parted.

    memory       2 · L · H_kv · d_h · S · s, which has no constant to fit
    cached       a + b · slots read              one decode step behind S tokens
    uncached     a + b · T + c · slots read      one forward pass over all T tokens
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvlab.accounting.memory import kv_cache_bytes
from kvlab.benchmark import instructions
from kvlab.benchmark.decode import TOKEN, decode_step, filled_cache
from kvlab.benchmark.prefill import prefill
from kvlab.benchmark.timing import Task, interleaved, noise_of_shares, steady
from kvlab.cache import GrowingCache, slots_read
from kvlab.errors import KvlabError
from kvlab.model import GPT2, MINIGPT, load_model

# Many, for a round takes some milliseconds: a processor that changes its pace does so for seconds.
ROUNDS, ROUNDS_QUICK = 400, 60
REPEAT_CACHED = 5
# Multiples of 16, where a product has no ragged edge that would cost more than its share.
CONTEXTS = tuple(range(16, 129, 16))

Terms = list[NDArray[np.float64]]  # one array a constant, one value a point


@dataclass(frozen=True)
class Curve:
    """A measured quantity, and the formula that should predict it.

    Attributes:
        contexts: tokens, ascending.
        measured: bytes, seconds or instructions, for each context.
        predicted: what the formula gives.
        held_out: which of the contexts its constants were not fitted on.
    """

    contexts: tuple[int, ...]
    measured: tuple[float, ...]
    predicted: tuple[float, ...]
    held_out: tuple[bool, ...]

    @property
    def held_out_error(self) -> float:
        """The largest relative error on the contexts that the fit has not seen."""
        points = zip(self.measured, self.predicted, self.held_out, strict=True)
        return max(abs(predicted - measured) / measured for measured, predicted, held_out in points if held_out)


def fitted(
    contexts: tuple[int, ...],
    measured: tuple[float, ...],
    terms: Terms,
    held_out: tuple[bool, ...],
) -> Curve:
    """Return the curve whose formula is a sum of `terms`, each times a constant that the points not held out fix.

    Args:
        contexts: tokens.
        measured: what was measured at each, above 0.
        terms: one value a context each.
        held_out: which of the contexts the fit does not see.

    Raises:
        KvlabError: what is left to fit has fewer different points than there are constants, or a point is not above 0.
    """
    design, observed, seen = np.stack(terms, axis=1), np.array(measured), ~np.array(held_out)
    n_points = len(np.unique(design[seen], axis=0))
    if n_points < len(terms):
        raise KvlabError(f"{n_points} different points cannot fix {len(terms)} constants; fit on more contexts")
    if not (observed > 0).all():
        raise KvlabError(f"the least measurement is {observed.min()}, and a relative error needs one above 0")
    # Relative errors are what is judged, so they are what the fit makes small: each equation is divided by its point.
    weights = 1 / observed[seen, None]
    constants, *_ = np.linalg.lstsq(design[seen] * weights, np.ones(len(weights)), rcond=None)
    return Curve(contexts, measured, tuple(float(value) for value in design @ constants), held_out)


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
    """Return one decode step behind each number of tokens, its own included: the last reads the whole context."""
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


def every_second(terms: Terms) -> tuple[bool, ...]:
    """Return which points a fit shall not see: every second one of those that differ, so that no pair is parted."""
    _, places = np.unique(np.stack(terms, axis=1), axis=0, return_inverse=True)
    return tuple(place % 2 == 1 for place in places.ravel().tolist())


HELD_OUT = {"cached": every_second(cached_terms()), "uncached": every_second(uncached_terms())}


def curves(quick: bool = False, progress: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Measure the curves of the MiniGPT and judge their formulas.

    Args:
        quick: fewer rounds.
        progress: called once for each of the `STEPS` parts.

    Returns:
        For `memory`, `cached` and `uncached` the points and the held-out error; for the latter two also those of
        counted instructions, None where the kernel does not allow counting, and the noise of the timing.
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
        counts = [instructions.count(task) for task in tasks.values()]
        counted = tuple(float(count) for count in counts if count is not None)
        complete = len(counted) == len(counts)
        results[name]["instructions"] = (
            _described(fitted(CONTEXTS, counted, terms, HELD_OUT[name]), "count") if complete else None
        )
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
