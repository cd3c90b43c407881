"""Caches that are wrong on purpose: the classic bugs, each a dense cache with as little as possible overridden.

A pass over an empty cache is taken for the prompt, any other for decoding. Each docstring says in one sentence what
is wrong; what follows from it is measured in `kvlab.decoding.degradation` and not said here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kvlab.cache.dense import DenseCache
from kvlab.cache.protocol import Floats, Positions, Reading, causal_readings


class SlotTooFar(DenseCache):
    """One token too many is counted after the prompt: entries go one slot too far, and a slot of zeros stays."""

    def advance(self, n_tokens: int) -> None:
        """Count one too many the first time."""
        super().advance(n_tokens + (self._held == 0))


class SlotOverwritten(DenseCache):
    """One token too few is counted after the prompt: the first new entry overwrites that of the last prompt token."""

    def advance(self, n_tokens: int) -> None:
        """Count one too few the first time."""
        super().advance(n_tokens - (self._held == 0))


class PositionStuck(DenseCache):
    """The position id stays at that of the first token after the prompt, though the slots advance."""

    _prompt = 0

    def positions(self, n_tokens: int) -> Positions:
        """Return positions that never pass the end of the prompt."""
        self._prompt = self._prompt or n_tokens
        return np.minimum(super().positions(n_tokens), self._prompt)


class LengthStuck(DenseCache):
    """The length never advances where entries are written: each new one overwrites the last; what is read grows."""

    _prompt = 0

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Write right after the prompt, always."""
        self._prompt = self._prompt or k.shape[2]
        held, self._held = self._held, min(self._held, self._prompt)
        super().write(layer, k, v)
        self._held = held


class RingTooSmall(DenseCache):
    """A ring of 64 slots under a model that attends to everything: the 65th token overwrites the first."""

    SLOTS = 64

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Write at the position mod 64."""
        slots = np.arange(self._held, self._held + k.shape[2]) % self.SLOTS
        self.keys[layer][:, :, slots] = k
        self.values[layer][:, :, slots] = v

    def readable(self, n_tokens: int) -> list[Reading]:
        """Read 64 slots at most."""
        return causal_readings(self._held, n_tokens, self.SLOTS)


class WindowTooSmall(DenseCache):
    """A window of 32 tokens over a model that was trained to attend to everything."""

    WINDOW = 32

    def readable(self, n_tokens: int) -> list[Reading]:
        """Mask all but the last 32."""
        return causal_readings(self._held, n_tokens, self.capacity, self.WINDOW)


class PositionOffByOne(DenseCache):
    """The position id of each token after the prompt is one too small."""

    def positions(self, n_tokens: int) -> Positions:
        """Return one less than the tokens that precede, but in the prompt."""
        return super().positions(n_tokens) - (self._held > 0)


class RoundedToHalf(DenseCache):
    """Entries lose the bits that float16 has not, though nobody asked for a float16 cache."""

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store rounded entries."""
        super().write(layer, k.astype(np.float16).astype(k.dtype), v.astype(np.float16).astype(v.dtype))


class RowsSwapped(DenseCache):
    """Behind the prompt, each sequence of the batch reads the entries of another."""

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return the rows of the batch one further on."""
        keys, values = super().read(layer, reading)
        return (np.roll(keys, 1, axis=0), np.roll(values, 1, axis=0)) if self._held else (keys, values)


class ChunkUnmasked(DenseCache):
    """Inside a chunk of the prompt nothing is masked: a token attends to those after it."""

    def readable(self, n_tokens: int) -> list[Reading]:
        """Unmask all that the pass writes."""
        readings = super().readable(n_tokens)
        for reading in readings:
            reading.mask[:, : self._held + n_tokens] = 0
        return readings


BUGS: Mapping[str, type[DenseCache]] = {
    "slot_too_far": SlotTooFar,
    "slot_overwritten": SlotOverwritten,
    "position_stuck": PositionStuck,
    "length_stuck": LengthStuck,
    "ring_too_small": RingTooSmall,
    "window_too_small": WindowTooSmall,
    "position_off_by_one": PositionOffByOne,
    "rounded_to_half": RoundedToHalf,
    "rows_swapped": RowsSwapped,
    "chunk_unmasked": ChunkUnmasked,
}
