"""Lab 02: the caches that the reader's test has to turn down, those of `kvlab.cache.broken` and some that are subtler.

Each of these gets past one kind of test that looks like the right one; the docstring names it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kvlab.cache import DenseCache, Reading
from kvlab.cache.broken import BUGS
from kvlab.cache.protocol import Floats

LATE = 60  # tokens held, after which a run of 64 tokens still goes on
LONG = 5  # tokens of a prompt that not many of the 50 have


class LastBit(DenseCache):
    """The lowest bit of one value is another: nothing that has a tolerance sees it, nor do tokens."""

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store `v` with a bit turned over."""
        super().write(layer, k, _one_bit_off(v))


class LateBit(DenseCache):
    """The same, and only once many tokens are held: a test that does not run far enough never gets there."""

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Store what is given, until it is late."""
        super().write(layer, k, _one_bit_off(v) if self._held >= LATE else v)


def _one_bit_off(v: Floats) -> Floats:
    """Return values with the lowest bit of each vector's first element turned over."""
    v = np.array(v)
    v[..., :1].view(np.uint32)[...] ^= 1
    return v


class LastLayerUnread(DenseCache):
    """The last layer does not read the newest entry: K and V are all right, and the logits are not."""

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return the slots, in the last layer of a decode step with zeros for the newest value."""
        keys, values = super().read(layer, reading)
        if self._held and layer == self.shape[0] - 1:
            values = values.copy()
            values[:, :, self._held] = 0
        return keys, values


class LastRowOfAnother(DenseCache):
    """The last sequence of a batch reads the entries of the first: whoever looks at the first one sees nothing."""

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return the rows of the batch, the first in place of the last after the prompt."""
        keys, values = super().read(layer, reading)
        if not self._held:
            return keys, values
        rows = [*range(self.batch - 1), 0]
        return keys[rows], values[rows]


class LongPromptsOverwritten(DenseCache):
    """The last slot of long prompts is overwritten, that of short ones is not: a few prompts do not show it."""

    def advance(self, n_tokens: int) -> None:
        """Count one too few after a long prompt."""
        super().advance(n_tokens - (self._held == 0 and n_tokens >= LONG))


BROKEN: Mapping[str, type[DenseCache]] = {
    **BUGS,
    "last_bit": LastBit,
    "late_bit": LateBit,
    "last_layer_unread": LastLayerUnread,
    "last_row_of_another": LastRowOfAnother,
    "long_prompts_overwritten": LongPromptsOverwritten,
}
