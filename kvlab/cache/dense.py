"""The dense cache: one preallocated buffer for K and one for V."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import DTypeLike

from kvlab.architecture import Architecture
from kvlab.cache.protocol import Floats, Reading
from kvlab.cache.slots import SlotCache, zeros


class DenseCache(SlotCache):
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
        super().__init__((n_layers, batch, n_kv_heads, capacity, head_dim), dtype)
        self.keys = zeros(self.shape, dtype)
        self.values = zeros(self.shape, dtype)

    @classmethod
    def for_model(cls, architecture: Architecture, batch: int = 1, dtype: DTypeLike = np.float32) -> Self:
        """Return an empty cache with room for `batch` sequences of the model's whole context."""
        a = architecture
        return cls(a.n_layers, batch, a.n_kv_heads, a.max_context, a.head_dim, dtype)

    @property
    def nbytes(self) -> int:
        """Bytes that both buffers occupy, filled or not."""
        return self.keys.nbytes + self.values.nbytes

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store `k` and `v`, each `(B, H_kv, T, d_h)` of the cache's dtype, in the slots after the tokens held.

        The first slot written is the number of tokens held. Nothing is stored when anything is wrong.

        Raises:
            KvlabError: no such layer, a wrong shape, another dtype, or no room.
        """
        self.require_entry(layer, k, v)
        start, stop = self._held, self._held + k.shape[2]
        self.keys[layer, :, :, start:stop] = k
        self.values[layer, :, :, start:stop] = v

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return views of the slots of K and V that `reading` names, each `(B, H_kv, n_slots, d_h)`."""
        self.require_layer(layer)
        sequences, n_slots = reading.sequences, reading.n_slots
        return self.keys[layer, sequences, :, :n_slots], self.values[layer, sequences, :, :n_slots]
