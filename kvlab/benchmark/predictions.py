"""Measurements against theory: the lower bound of a step's time, and curves fitted on half of their points.

None of it is in the record. It is computed from what was measured where it is asked for, so that it is always what the
formulas say now.

A curve that is fitted to points and then shown to pass through them proves nothing. So the constants of each formula
are fitted on half of the contexts, and what is reported is the largest error on the others. A decode step after 16
tokens and one after 32 read the same slots and are one measurement taken twice: such a pair is never parted.

    memory       2 · L · H_kv · d_h · S · s, which has no constant to fit
    cached       a + b · slots read              one decode step after S tokens
    uncached     a + b · T + c · slots read      one forward pass over all T tokens
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from kvlab.accounting.memory import kv_cache_bytes
from kvlab.accounting.traffic import gpt2_decode_bytes_read
from kvlab.architecture import read_architecture, read_config
from kvlab.benchmark.curves import CONTEXTS
from kvlab.benchmark.decode import GPT2_SMALL
from kvlab.benchmark.fit import Curve, Terms, every_second, fitted
from kvlab.benchmark.record import within
from kvlab.cache import slots_read
from kvlab.errors import KvlabError
from kvlab.training import MINIGPT

FP32 = 4  # bytes per element


def cached_terms(contexts: Sequence[int] = CONTEXTS, capacity: int = CONTEXTS[-1]) -> Terms:
    """Return the terms of a decode step: one, and the slots that it reads of a cache of `capacity`."""
    slots = [slots_read(context - 1, capacity) for context in contexts]
    return [np.ones(len(contexts)), np.array(slots, float)]


def uncached_terms(contexts: Sequence[int] = CONTEXTS, capacity: int = CONTEXTS[-1]) -> Terms:
    """Return the terms of a pass over `T` tokens: one, the tokens, and the slots that all their queries read."""
    slots = [sum(slots_read(position, capacity) for position in range(context)) for context in contexts]
    return [np.ones(len(contexts)), np.array(contexts, float), np.array(slots, float)]


TERMS = {"cached": cached_terms, "uncached": uncached_terms}
HELD_OUT = {run: every_second(terms()) for run, terms in TERMS.items()}


def curve(name: str, contexts: Sequence[int], measured: Sequence[float]) -> Curve:
    """Return a measured curve of the MiniGPT with what its formula predicts.

    Args:
        name: `"memory"`, `"cached"` or `"uncached"`.
        contexts: tokens, ascending.
        measured: bytes of `"memory"`, else seconds, at each context.

    Raises:
        KvlabError: an unknown name, or points that no formula can be fitted on.
    """
    points = (tuple(contexts), tuple(measured))
    if name == "memory":
        return Curve(*points, tuple(map(_cache_bytes, contexts)), (True,) * len(contexts))
    if name not in TERMS:
        raise KvlabError(f"unknown curve {name!r}; known are memory, {', '.join(TERMS)}")
    terms = TERMS[name](contexts, max(contexts))
    return fitted(*points, terms, every_second(terms))


def _cache_bytes(context: int) -> float:
    a = read_architecture(read_config(MINIGPT / "config.json"), "MiniGPT")
    return float(kv_cache_bytes(a.n_layers, a.n_kv_heads, a.head_dim, context, 1, FP32))


def held_out_error(name: str, contexts: list[int], measured: list[float], at_most: float | None = None) -> float:
    """Return the largest relative error of a curve's formula on the contexts that its fit has not seen.

    `at_most` is the limit of what is said of it; the other arguments are those of `curve`.

    Raises:
        NotMeasuredError: the error exceeds it.
        KvlabError: as `curve`.
    """
    return within(curve(name, contexts, measured).held_out_error, f"the error of {name}", at_most=at_most)


def judged(curves: dict[str, Any]) -> dict[str, Any]:
    """Return the results of `kvlab.benchmark.curves.curves`, each curve with its predictions and held-out error."""
    return {name: _judged(name, results) for name, results in curves.items()}


def _judged(name: str, results: dict[str, Any]) -> dict[str, Any]:
    unit = "bytes" if name == "memory" else "seconds"
    found = curve(name, results["contexts"], results[f"measured_{unit}"])
    return {
        "contexts": list(found.contexts),
        f"measured_{unit}": list(found.measured),
        f"predicted_{unit}": list(found.predicted),
        "held_out": list(found.held_out),
        "held_out_error": found.held_out_error,
    } | results


def lower_bound_ms(bytes_read: int, bytes_per_second: float) -> float:
    """Return the minimum time, in milliseconds, to read `bytes_read` from memory at the measured bandwidth."""
    return 1e3 * bytes_read / bytes_per_second


def over_lower_bound(decode_ms: float, bound_ms: float, at_least: float | None = None) -> float:
    """Return how many times its lower bound a measured decode step takes.

    Raises:
        NotMeasuredError: that is less than `at_least`, the limit of what is said of it.
    """
    return within(decode_ms / bound_ms, "a decode step over its lower bound", at_least)


def bounded(bench: dict[str, Any]) -> dict[str, Any]:
    """Return the results of `kvlab.benchmark.bench.bench`, with the lower bound of each decode step of GPT-2 small."""
    measured = bench["gpt2_small"]
    bandwidth, decode_ms = measured["bandwidth_bytes_per_second"], measured["decode_ms"]
    bounds = {context: lower_bound_ms(_bytes_read(int(context)), speed) for context, speed in bandwidth.items()}
    over = {context: over_lower_bound(decode_ms[context], bound) for context, bound in bounds.items()}
    before = dict(takewhile(lambda entry: entry[0] != "decode_over_roofline", measured.items()))
    return bench | {"gpt2_small": before | {"lower_bound_ms": bounds, "decode_over_lower_bound": over} | measured}


def _bytes_read(context: int) -> int:
    """Return the bytes that a decode step of GPT-2 small after `context` tokens reads."""
    a = GPT2_SMALL
    shapes = (a.n_layers, a.d_model, a.n_kv_heads, a.head_dim, a.d_ff, a.vocab_size, a.max_context)
    return gpt2_decode_bytes_read(*shapes, context + 1, bytes_per_element=FP32)
