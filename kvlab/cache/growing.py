"""The growing cache: K and V concatenated at each write, the obvious way that every other cache must agree with."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import DTypeLike

from kvlab.architecture import Architecture
from kvlab.cache.protocol import Floats, Reading
from kvlab.cache.slots import SlotCache


class GrowingCache(SlotCache):
    """K and V of the tokens held and of no other; each write makes new arrays and copies all that was there.

    Attributes:
        keys: K of each layer, `(batch, n_kv_heads, tokens held, head_dim)`.
        values: V of each layer; likewise.
    """

    def __init__(
        self, n_layers: int, batch: int, n_kv_heads: int, capacity: int, head_dim: int, dtype: DTypeLike = np.float32
    ) -> None:
        super().__init__((n_layers, batch, n_kv_heads, capacity, head_dim), dtype)
        self.keys = [np.zeros((batch, n_kv_heads, 0, head_dim), dtype) for _ in range(n_layers)]
        self.values = [keys.copy() for keys in self.keys]

    @classmethod
    def for_model(cls, architecture: Architecture, batch: int = 1, dtype: DTypeLike = np.float32) -> Self:
        """Return an empty cache that may grow to `batch` sequences of the model's whole context."""
        a = architecture
        return cls(a.n_layers, batch, a.n_kv_heads, a.max_context, a.head_dim, dtype)

    @property
    def nbytes(self) -> int:
        """Bytes that all the arrays occupy: those of the tokens held."""
        return sum(array.nbytes for array in [*self.keys, *self.values])

    def slots_after(self, n_tokens: int) -> int:
        """Return the slots that each sequence has once `n_tokens` more are written: one a token."""
        return self._held + n_tokens

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Put `k` and `v`, each `(B, H_kv, T, d_h)` of the cache's dtype, after the tokens held.

        Raises:
            KvlabError: no such layer, a wrong shape, another dtype, or no room.
        """
        self.require_entry(layer, k, v)
        for arrays, new in ((self.keys, k), (self.values, v)):
            # Cut to the tokens held: a pass that broke off is written over, as in every cache.
            arrays[layer] = np.concatenate([arrays[layer][:, :, : self._held], new], axis=2)

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return K and V of the slots that `reading` names, each `(B, H_kv, n_slots, d_h)`; zeros where there is none.

        A query reads whole tiles of slots in every cache, and the last tile is seldom full.
        """
        self.require_layer(layer)
        return self._padded(self.keys[layer], reading), self._padded(self.values[layer], reading)

    def _padded(self, array: Floats, reading: Reading) -> Floats:
        there = array[reading.sequences, :, : reading.n_slots]
        padded = np.zeros((*there.shape[:2], reading.n_slots, there.shape[3]), self.dtype)
        padded[:, :, : there.shape[2]] = there
        return padded
