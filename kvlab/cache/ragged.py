"""A batch of sequences of different lengths: each with a cache of its own, read and written as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kvlab.cache.protocol import Floats, KVCache, Positions, Reading
from kvlab.errors import KvlabError


class RaggedBatch:
    """The caches of several sequences, one each, as the cache of a batch.

    A sequence keeps its own position, reads as many slots as it would alone, and may join or leave between two passes:
    a batch is only a way to run its caches through one forward pass.

    Raises:
        KvlabError: there is no cache, or one is given twice: its two sequences would overwrite each other.
    """

    def __init__(self, caches: Sequence[KVCache]) -> None:
        if not caches:
            raise KvlabError("a batch without sequences has nothing to run; give at least one cache")
        if len({id(cache) for cache in caches}) < len(caches):
            raise KvlabError("two sequences cannot share a cache; give each a cache of its own")
        self.caches = list(caches)

    @property
    def position(self) -> int:
        """Tokens held of the longest sequence."""
        return max(cache.position for cache in self.caches)

    @property
    def nbytes(self) -> int:
        """Bytes that all the caches occupy."""
        return sum(cache.nbytes for cache in self.caches)

    @property
    def most_at_once(self) -> int | None:
        """New tokens that one pass may bring: as few as the strictest cache takes."""
        return min((c.most_at_once for c in self.caches if c.most_at_once is not None), default=None)

    def require_room(self, batch: int, n_tokens: int) -> None:
        """Raise `KvlabError` unless there is a cache for each sequence, with room for `n_tokens` more tokens."""
        if batch != len(self.caches):
            raise KvlabError(f"{batch} sequences do not match a batch of {len(self.caches)} caches")
        for cache in self.caches:
            cache.require_room(1, n_tokens)

    def positions(self, n_tokens: int) -> Positions:
        """Return the positions of the next `n_tokens` tokens of each sequence, `(B, T)`."""
        return np.concatenate([cache.positions(n_tokens) for cache in self.caches])

    def readable(self, n_tokens: int) -> list[Reading]:
        """Return what each sequence's queries read, sequence by sequence."""
        return [
            reading._replace(sequences=slice(row, row + 1))
            for row, cache in enumerate(self.caches)
            for reading in cache.readable(n_tokens)
        ]

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store each sequence's part of `k` and `v`, `(B, H_kv, T, d_h)`, in its own cache."""
        for row, cache in enumerate(self.caches):
            cache.write(layer, k[row : row + 1], v[row : row + 1])

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return what one sequence's cache gives for `reading`."""
        return self.caches[reading.sequences.start].read(layer, reading._replace(sequences=slice(None)))

    def advance(self, n_tokens: int) -> None:
        """Count `n_tokens` more as held of each sequence, or of none: raises `KvlabError` where one has no room."""
        self.require_room(len(self.caches), n_tokens)
        for cache in self.caches:
            cache.advance(n_tokens)
