"""What a forward pass asks of a KV cache: where its new tokens stand, to keep what is new, and what may be read."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Positions = NDArray[np.integer]

# A query reads whole tiles of slots. With every path reading the same number of slots for the same position, the
# same products are summed in the same order, and cached and uncached runs agree to the last bit.
READ_TILE = 32


class Reading(NamedTuple):
    """What some of the new tokens' queries read; all of them read the same slots.

    Attributes:
        sequences: which of the `B` sequences.
        tokens: which of their `T` new tokens.
        n_slots: how many slots they read, from slot 0 on.
        mask: `(tokens, n_slots)`, added to the scores: 0 where a token may attend to a slot, −∞ where the slot is
            read and masked.
    """

    sequences: slice
    tokens: slice
    n_slots: int
    mask: NDArray[np.float32]


class KVCache(Protocol):
    """A forward pass over `T` new tokens of `B` sequences asks in this order.

    `require_room`, `positions` and `readable` once; in each layer `write`, then `read` for each reading; `advance` at
    the end. It keeps no copy of any answer, so a cache that answers one of them wrongly is a whole model of one bug.
    """

    @property
    def position(self) -> int:
        """Tokens held of each sequence (of the longest, where they differ): where the next one stands."""

    @property
    def nbytes(self) -> int:
        """Bytes that the buffers occupy, filled or not."""

    @property
    def most_at_once(self) -> int | None:
        """New tokens that one pass may bring; None where nothing but the room limits them."""

    def require_room(self, batch: int, n_tokens: int) -> None:
        """Raise `KvlabError` unless `n_tokens` more tokens of `batch` sequences fit."""

    def positions(self, n_tokens: int) -> Positions:
        """Return the positions of the next `n_tokens` tokens, `(B, T)`."""

    def readable(self, n_tokens: int) -> list[Reading]:
        """Return what the queries of the next `n_tokens` tokens read, grouped by the number of slots."""

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store `k` and `v`, each `(B, H_kv, T, d_h)`, after the tokens held. Does not advance."""

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return the slots of K and V that `reading` names, each `(B, H_kv, n_slots, d_h)`, ready to compute with."""

    def advance(self, n_tokens: int) -> None:
        """Count `n_tokens` more as held, once every layer has written them."""


def slots_read(position: int, capacity: int) -> int:
    """Return how many slots the query at `position` reads: its own and those before it, rounded up to whole tiles.

    `min(ceil((t + 1) / 32) · 32, S_max)`, whichever way its sequence got there.
    """
    return min((position // READ_TILE + 1) * READ_TILE, capacity)


def causal_readings(
    n_cached: int, n_tokens: int, capacity: int, window: int | None = None, sequences: slice = slice(None)
) -> list[Reading]:
    """Return what `n_tokens` new tokens after `n_cached` read: the slots up to their own, or the last `window`."""
    stop, at = n_cached + n_tokens, n_cached
    readings = []
    while at < stop:  # a tile at a time: its tokens read the same slots
        tile = at - at % READ_TILE
        last, n_slots = min(tile + READ_TILE, stop), slots_read(at, capacity)
        mask = np.zeros((last - at, n_slots), np.float32)
        mask[:, tile:] = _LATER[at - tile : last - tile, : n_slots - tile]
        if window is not None:
            mask[np.arange(n_slots) <= np.arange(at, last)[:, None] - window] = -np.inf
        readings.append(Reading(sequences, slice(at - n_cached, last - n_cached), n_slots, mask))
        at = last
    return readings


# Within a tile, what lies after each token: −∞ above the diagonal.
_LATER = np.triu(np.full((READ_TILE, READ_TILE), -np.inf, np.float32), 1)
