"""The window cache: a ring of slots for attention over the last tokens only."""

from __future__ import annotations

from itertools import groupby
from typing import Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from kvlab.architecture import Architecture
from kvlab.cache.protocol import Floats, Reading, slots_read
from kvlab.cache.slots import SlotCache, zeros
from kvlab.errors import KvlabError


class WindowCache(SlotCache):
    """K and V of the last `window` tokens: the token at position `t` lies in the slot `t mod slots`.

    A token attends to itself and to the `window − 1` before it. Positions keep counting once the ring is full: the
    model's context limits them.

    A pass writes all its tokens before the first of them reads. The ring therefore has `window + chunk − 1` slots: the
    last of `chunk` new tokens must not take the slot of what the first of them still attends to.

    Attributes:
        keys: the K ring, `(n_layers, batch, n_kv_heads, window + chunk − 1, head_dim)`; zeros until written.
        values: the V ring; likewise.
        window: tokens that a token attends to, itself included.
        most_at_once: new tokens that one pass may bring, `chunk`.
    """

    def __init__(
        self,
        n_layers: int,
        batch: int,
        n_kv_heads: int,
        window: int,
        head_dim: int,
        chunk: int = 1,
        dtype: DTypeLike = np.float32,
    ) -> None:
        for name, count in (("window", window), ("chunk", chunk)):
            if not isinstance(count, int) or count < 1:
                raise KvlabError(f"a {name} of {count} tokens is impossible; it has at least 1")
        super().__init__((n_layers, batch, n_kv_heads, window + chunk - 1, head_dim), dtype)
        self.window = window
        self.most_at_once: int = chunk
        self.keys = zeros(self.shape, dtype)
        self.values = zeros(self.shape, dtype)

    @classmethod
    def for_model(
        cls, architecture: Architecture, window: int, batch: int = 1, chunk: int = 1, dtype: DTypeLike = np.float32
    ) -> Self:
        """Return an empty ring for `batch` sequences, with a window of `window` tokens and passes of up to `chunk`."""
        a = architecture
        return cls(a.n_layers, batch, a.n_kv_heads, window, a.head_dim, chunk, dtype)

    @property
    def nbytes(self) -> int:
        """Bytes that both rings occupy, filled or not."""
        return self.keys.nbytes + self.values.nbytes

    def require_room(self, batch: int, n_tokens: int) -> None:
        """Raise `KvlabError` unless the ring holds `batch` sequences and takes `n_tokens` more tokens in one pass."""
        if batch != self.batch:
            raise KvlabError(f"{batch} sequences do not match a cache made for {self.batch}")
        if n_tokens > self.most_at_once:
            raise KvlabError(
                f"{n_tokens} tokens in one pass would write over what the first of them attends to; "
                f"split the prompt into passes of at most {self.most_at_once}, or make the ring with a larger chunk"
            )

    def readable(self, n_tokens: int) -> list[Reading]:
        """Return what the queries of the next `n_tokens` tokens read: what a dense cache of as many slots would.

        That is, whole tiles of slots until the ring is full, and then all of it; masked outside the window.
        """
        stop = self._held + n_tokens
        stored = self._positions_stored(stop)
        readings = []
        for n_slots, group in groupby(range(self._held, stop), lambda t: slots_read(t, self.capacity)):
            t, there = np.array(list(group))[:, None], stored[:n_slots]
            seen = (there >= 0) & (there <= t) & (there > t - self.window)
            mask = np.where(seen, np.float32(0), np.float32(-np.inf))
            tokens = slice(int(t[0, 0]) - self._held, int(t[-1, 0]) + 1 - self._held)
            readings.append(Reading(slice(None), tokens, n_slots, mask))
        return readings

    def _positions_stored(self, stop: int) -> NDArray[np.integer]:
        """Return the position that each slot holds once `stop` tokens are written; below 0 where it holds none."""
        newest = stop - 1
        return newest - (newest - np.arange(self.capacity)) % self.capacity

    def hold(self, n_tokens: int) -> None:
        """Forget all tokens. Raises `KvlabError` for any number but 0: what would be kept may be written over."""
        if n_tokens:
            raise KvlabError(f"a ring cannot go back to {n_tokens} tokens, having written over others; it can to 0")
        super().hold(0)

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store `k` and `v`, each `(B, H_kv, T, d_h)` of the cache's dtype, over the oldest entries of the ring.

        Raises:
            KvlabError: no such layer, a wrong shape, another dtype, or more tokens than a pass may bring.
        """
        self.require_entry(layer, k, v)
        slots = np.arange(self._held, self._held + k.shape[2]) % self.capacity
        self.keys[layer][:, :, slots] = k
        self.values[layer][:, :, slots] = v

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return views of the slots of K and V that `reading` names, each `(B, H_kv, n_slots, d_h)`."""
        self.require_layer(layer)
        sequences, n_slots = reading.sequences, reading.n_slots
        return self.keys[layer, sequences, :, :n_slots], self.values[layer, sequences, :, :n_slots]
