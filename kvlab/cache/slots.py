"""What caches with one slot a position share: counting what is held, and refusing what does not fit."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kvlab.cache.protocol import Floats, Positions, Reading, causal_readings
from kvlab.errors import KvlabError
from kvlab.units import both_units

Shape = tuple[int, int, int, int, int]


def zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of zeros, for which a system sets aside memory when they are first written.

    Zeros, never `np.empty`: a masked slot has weight 0, and 0 × NaN would be NaN.

    Raises:
        KvlabError: there is not as much memory; the bytes are named.
    """
    try:
        return np.zeros(shape, dtype)
    except (MemoryError, ValueError):
        needed = math.prod(shape) * np.dtype(dtype).itemsize
        raise KvlabError(
            f"a cache with buffers of {both_units(needed)} does not fit in memory; make one for a shorter context"
        ) from None


class SlotCache:
    """Counts the tokens of `batch` sequences of equal length, at most `capacity` each; keeps no K and V itself.

    A cache adds `write`, `read` and `nbytes`.

    Attributes:
        shape: `(n_layers, batch, n_kv_heads, capacity, head_dim)`.
        dtype: of what is written and read; what is stored may be narrower.
        most_at_once: new tokens that one pass may bring; None where nothing but the capacity limits them.
    """

    most_at_once: int | None = None

    def __init__(self, shape: Shape, dtype: DTypeLike = np.float32) -> None:
        if any(not isinstance(n, int) or n < 1 for n in shape):
            raise KvlabError(f"a cache of shape {shape} is impossible: every axis must be a positive integer")
        if np.dtype(dtype).kind != "f":
            raise KvlabError(f"a cache of {np.dtype(dtype)} cannot hold K and V; use a floating-point dtype")
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._held = 0

    @property
    def batch(self) -> int:
        """Sequences held side by side."""
        return self.shape[1]

    @property
    def capacity(self) -> int:
        """Slots of each sequence."""
        return self.shape[3]

    @property
    def bytes_per_element(self) -> Fraction:
        """Bytes that storing one element takes, its scales included."""
        return Fraction(self.dtype.itemsize)

    def slots_after(self, n_tokens: int) -> int:  # noqa: ARG002 - the caches that grow need it
        """Return the slots that each sequence has once `n_tokens` more are written: all from the beginning."""
        return self.capacity

    @property
    def position(self) -> int:
        """Tokens held: the position and the slot of the next token."""
        return self._held

    def require_room(self, batch: int, n_tokens: int) -> None:
        """Raise `KvlabError` unless the cache holds `batch` sequences and `n_tokens` more tokens of each fit."""
        if batch != self.batch:
            raise KvlabError(f"{batch} sequences do not match a cache made for {self.batch}")
        if self._held + n_tokens > self.capacity:
            raise KvlabError(
                f"the cache is full: it holds {self._held} of {self.capacity} tokens, and {n_tokens} more do not fit"
            )

    def positions(self, n_tokens: int) -> Positions:
        """Return the positions of the next `n_tokens` tokens, `(B, T)`: as many as precede each."""
        row = np.arange(self._held, self._held + n_tokens)[None]
        return row if self.batch == 1 else row.repeat(self.batch, axis=0)

    def readable(self, n_tokens: int) -> list[Reading]:
        """Return what the queries of the next `n_tokens` tokens read: the slots up to their own, in whole tiles."""
        return causal_readings(self._held, n_tokens, self.capacity)

    def advance(self, n_tokens: int) -> None:
        """Count `n_tokens` more as held. Raises `KvlabError` when they exceed the capacity."""
        self.require_room(self.batch, n_tokens)
        self._held += n_tokens

    def hold(self, n_tokens: int) -> None:
        """Count the first `n_tokens` slots as held and no others: what an earlier run left there, or a caller filled.

        Raises:
            KvlabError: there are not as many slots.
        """
        if not 0 <= n_tokens <= self.capacity:
            raise KvlabError(f"{n_tokens} tokens cannot be held in {self.capacity} slots")
        self._held = n_tokens

    def require_entry(self, layer: int, k: Floats, v: Floats) -> None:
        """Raise `KvlabError` unless `k` and `v` are entries of this cache's layers, heads and dtype, and fit."""
        self.require_layer(layer)
        _, batch, n_kv_heads, _, head_dim = self.shape
        expected = (batch, n_kv_heads, k.shape[2] if k.ndim == 4 else "T", head_dim)
        for name, entry in (("k", k), ("v", v)):
            if entry.shape != expected:
                raise KvlabError(f"{name} has shape {entry.shape}; this cache takes (B, H_kv, T, d_h) = {expected}")
            if entry.dtype != self.dtype:
                raise KvlabError(f"{name} is {entry.dtype}; this cache takes {self.dtype} and converts nothing else")
        self.require_room(batch, k.shape[2])

    def require_layer(self, layer: int) -> None:
        """Raise `KvlabError` unless there is such a layer."""
        if not 0 <= layer < self.shape[0]:
            raise KvlabError(f"there is no layer {layer}; this cache has layers 0 to {self.shape[0] - 1}")
