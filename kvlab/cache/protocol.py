"""What a forward pass asks of a KV cache: where it stands, to keep what is new, and what may be read."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

# A query reads whole blocks of slots. With every path reading the same number of slots for the same position, the
# same products are summed in the same order, and cached and uncached runs agree to the last bit.
READ_BLOCK = 32


class Reading(NamedTuple):
    """What some of the new tokens' queries read.

    Attributes:
        rows: which of the `T` new tokens; all of them read the same slots.
        n_slots: how many slots they read, from slot 0 on.
        visible: `(rows, n_slots)`, true where a row may attend to a slot; the other slots are read and masked.
    """

    rows: slice
    n_slots: int
    visible: NDArray[np.bool_]


class KVCache(Protocol):
    """A forward pass over `T` new tokens asks in this order.

    `require_room` and `position` once; `readable(T)` once; in each layer `write`, then `read` for each reading;
    `advance(T)` at the end. It keeps no copy of any answer, so a cache that answers one of them wrongly is a whole
    model of one bug.
    """

    @property
    def position(self) -> int:
        """The position of the next token: how many tokens precede it."""

    @property
    def nbytes(self) -> int:
        """Bytes that the K and V buffers occupy, filled or not."""

    def require_room(self, batch: int, n_tokens: int) -> None:
        """Raise `KvlabError` unless `n_tokens` more tokens of `batch` sequences fit."""

    def readable(self, n_tokens: int) -> list[Reading]:
        """Return what the queries of the next `n_tokens` tokens read, grouped by the number of slots."""

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store `k` and `v`, each `(B, H_kv, T, d_h)`, behind the tokens held. Does not advance."""

    def read(self, layer: int, n_slots: int) -> tuple[Floats, Floats]:
        """Return views of the first `n_slots` slots of K and V, each `(B, H_kv, n_slots, d_h)`."""

    def advance(self, n_tokens: int) -> None:
        """Count `n_tokens` more as held, once every layer has written them."""
