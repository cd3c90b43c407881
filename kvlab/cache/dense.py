"""The dense cache: one preallocated buffer for K and one for V."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from kvlab.architecture import Architecture
from kvlab.cache.protocol import READ_BLOCK, Floats, Reading
from kvlab.errors import KvlabError


class DenseCache:
    """K and V of every position up to `capacity`, allocated once.

    Layout of `keys` and of `values`: `(n_layers, batch, n_kv_heads, capacity, head_dim)`, C order, so that the
    slots of one head are consecutive rows: what a query reads is one contiguous block a head.

    Attributes:
        keys: the K buffer; filled with zeros until written.
        values: the V buffer; likewise.
    """

    def __init__(
        self,
        n_layers: int,
        batch: int,
        n_kv_heads: int,
        capacity: int,
        head_dim: int,
        dtype: DTypeLike = np.float32,
    ) -> None:
        shape = (n_layers, batch, n_kv_heads, capacity, head_dim)
        if any(not isinstance(n, int) or n < 1 for n in shape):
            raise KvlabError(f"a cache of shape {shape} is impossible: every axis must be a positive integer")
        if np.dtype(dtype).kind != "f":
            raise KvlabError(f"a cache of {np.dtype(dtype)} cannot hold K and V; use a floating-point dtype")
        # Zeros, never np.empty: a masked slot has weight 0, and 0 × NaN would be NaN.
        self.keys = np.zeros(shape, dtype)
        self.values = np.zeros(shape, dtype)
        self._held = 0

    @classmethod
    def for_model(cls, architecture: Architecture, batch: int = 1, dtype: DTypeLike = np.float32) -> DenseCache:
        """Return an empty cache with room for `batch` sequences of the model's whole context."""
        a = architecture
        return cls(a.n_layers, batch, a.n_kv_heads, a.max_context, a.head_dim, dtype)

    @property
    def batch(self) -> int:
        """Sequences held side by side."""
        return int(self.keys.shape[1])

    @property
    def capacity(self) -> int:
        """Slots of each sequence."""
        return int(self.keys.shape[3])

    @property
    def position(self) -> int:
        """Tokens held: the position and the slot of the next token."""
        return self._held

    @property
    def nbytes(self) -> int:
        """Bytes that both buffers occupy, filled or not."""
        return self.keys.nbytes + self.values.nbytes

    def require_room(self, batch: int, n_tokens: int) -> None:
        """Raise `KvlabError` unless the cache holds `batch` sequences and `n_tokens` more tokens of each fit."""
        if batch != self.batch:
            raise KvlabError(f"{batch} sequences do not match a cache made for {self.batch}")
        if self._held + n_tokens > self.capacity:
            raise KvlabError(
                f"the cache is full: it holds {self._held} of {self.capacity} tokens, and {n_tokens} more do not fit"
            )

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store `k` and `v`, each `(B, H_kv, T, d_h)` of the cache's dtype, in the slots behind the tokens held.

        The first slot written is the number of tokens held. Nothing is stored when anything is wrong.

        Raises:
            KvlabError: no such layer, a wrong shape, another dtype, or no room.
        """
        self._require_layer(layer)
        for name, entry in (("k", k), ("v", v)):
            expected = (self.batch, self.keys.shape[2], k.shape[-2] if k.ndim == 4 else "T", self.keys.shape[4])
            if entry.shape != expected:
                raise KvlabError(f"{name} has shape {entry.shape}; this cache takes (B, H_kv, T, d_h) = {expected}")
            if entry.dtype != self.keys.dtype:
                raise KvlabError(f"{name} is {entry.dtype}; this cache stores {self.keys.dtype} and converts nothing")
        n_tokens = k.shape[2]
        self.require_room(self.batch, n_tokens)
        start = self._held
        self.keys[layer, :, :, start : start + n_tokens] = k
        self.values[layer, :, :, start : start + n_tokens] = v

    def readable(self, n_tokens: int) -> list[Reading]:
        """Return what the queries of the next `n_tokens` tokens read, grouped by the number of slots.

        The query at position `t` may attend to slots 0 … `t`, its own among them, and reads them rounded up to
        whole blocks, `min(ceil((t + 1) / 32) · 32, S_max)`, whichever way its sequence got here.
        """
        start, stop = self._held, self._held + n_tokens
        readings = []
        for first in [start, *range((start // READ_BLOCK + 1) * READ_BLOCK, stop, READ_BLOCK)]:
            block_end = (first // READ_BLOCK + 1) * READ_BLOCK
            last, n_slots = min(block_end, stop), min(block_end, self.capacity)
            visible = np.arange(n_slots) <= np.arange(first, last)[:, None]
            readings.append(Reading(slice(first - start, last - start), n_slots, visible))
        return readings

    def read(self, layer: int, n_slots: int) -> tuple[Floats, Floats]:
        """Return views of the first `n_slots` slots of K and V, each `(B, H_kv, n_slots, d_h)`."""
        self._require_layer(layer)
        return self.keys[layer, :, :, :n_slots], self.values[layer, :, :, :n_slots]

    def advance(self, n_tokens: int) -> None:
        """Count `n_tokens` more as held. Raises `KvlabError` when they exceed the capacity."""
        self.require_room(self.batch, n_tokens)
        self._held += n_tokens

    def _require_layer(self, layer: int) -> None:
        if not 0 <= layer < len(self.keys):
            raise KvlabError(f"there is no layer {layer}; this cache has layers 0 to {len(self.keys) - 1}")
