"""What both families share: what a pass may begin with, and attention over the slots of a cache."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kvlab.architecture import Architecture
from kvlab.cache import KVCache, Positions, Reading
from kvlab.errors import KvlabError
from kvlab.model.kernels import Kernel
from kvlab.model.ops import Floats, softmax

Ids = NDArray[np.integer]


def begin(a: Architecture, ids: Ids, cache: KVCache) -> Positions:
    """Return the positions, `(B, T)`, of the new tokens `ids`, having refused what cannot be run.

    Raises:
        KvlabError: `ids` is not a matrix or holds an id outside 0 … V − 1, or the tokens do not fit in the cache or
            in the model's context.
    """
    if ids.ndim != 2 or ids.size == 0:
        raise KvlabError(f"ids have shape {ids.shape}; a forward pass takes (batch, tokens), at least one of each")
    lowest, highest = (ids[0, 0], ids[0, 0]) if ids.size == 1 else (ids.min(), ids.max())
    if lowest < 0 or highest >= a.vocab_size:
        raise KvlabError(f"ids go from {lowest} to {highest}; the vocabulary from 0 to {a.vocab_size - 1}")
    batch, n_tokens = ids.shape
    cache.require_room(batch, n_tokens)
    if cache.position + n_tokens > a.max_context:
        raise KvlabError(f"{cache.position + n_tokens} tokens exceed the {a.max_context} positions that the model has")
    return cache.positions(n_tokens)


def heads_of(x: Floats, batch: int, n_heads: int) -> Floats:
    """Return a projection of a pass, `(B · T, heads · d_h)`, as `(B, heads, T, d_h)`."""
    return x.reshape(batch, -1, n_heads, x.shape[1] // n_heads).swapaxes(1, 2)


def attend(q: Floats, layer: int, cache: KVCache, readings: list[Reading], kernel: Kernel) -> Floats:
    """Return the heads' outputs side by side, `(B · T, H · d_h)`, for queries `(B, H, T, d_h)`, scaled already."""
    batch, n_heads, n_tokens, head_dim = q.shape
    if len(readings) == 1:
        mixed = _attend_to(readings[0], q, layer, cache, kernel)
        return mixed.swapaxes(1, 2).reshape(batch * n_tokens, -1)
    out = np.empty((batch, n_tokens, n_heads, head_dim), q.dtype)
    for reading in readings:
        sequences, tokens = reading.sequences, reading.tokens
        out[sequences, tokens] = _attend_to(reading, q[sequences, :, tokens], layer, cache, kernel).swapaxes(1, 2)
    return out.reshape(batch * n_tokens, -1)


def _attend_to(reading: Reading, q: Floats, layer: int, cache: KVCache, kernel: Kernel) -> Floats:
    """Return the outputs `(b, H, t, d_h)` of queries `(b, H, t, d_h)` that read the same slots.

    `H / H_kv` query heads in a row share a K/V head.
    """
    keys, values = cache.read(layer, reading)  # (b, H_kv, n, d_h)
    shared = keys.shape[0] * keys.shape[1]
    queries = q.reshape(shared, -1, q.shape[3])  # (b · H_kv, G · t, d_h)
    scores = kernel.scores(keys.reshape(shared, *keys.shape[2:]), queries)  # (b · H_kv, G · t, n)
    weights = softmax(scores.reshape(-1, *reading.mask.shape) + reading.mask)  # (b · H, t, n)
    mixed = kernel.mix(weights.reshape(scores.shape), values.reshape(shared, *values.shape[2:]))
    return mixed.reshape(q.shape)
