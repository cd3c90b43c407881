"""When two programs that run the same weights in float32 agree: a bound for numbers, and near ties among choices."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kvlab.cache import DenseCache
from kvlab.decoding.generation import generate_cached
from kvlab.model import Model

# See `distance`. The models compared have at most 3 layers of 4 products and a head: 13 products one behind the other,
# each a sum of at most 300 terms. A sum of n terms is off by about √n · 2^−24, roundings being up as often as down, and
# 13 of them by √13 times that: √(13 · 300) · 2^−24 = 3.7e-6. Rotary angles, t · θ^(−2i/d_h) with either program's own
# rounding of the power, differ by 2e-6 at t = 128, and less before: a longer context needs a wider bound.
# Measured: at most 1.3e-6. Another form of GELU, another ε, another θ lie above (tests/peers/test_peers.py).
BOUND = 5e-6


class Pass(NamedTuple):
    """What a forward pass over one sequence gives.

    Attributes:
        logits: `(T, V)`.
        keys: of every layer, `(L, H_kv, T, d_h)`.
        values: likewise.
    """

    logits: np.ndarray
    keys: np.ndarray
    values: np.ndarray


def prefill(model: Model, ids: Sequence[int]) -> Pass:
    """Run `ids` through kvlab in one pass."""
    cache, held = DenseCache.for_model(model.architecture), slice(len(ids))
    hidden = model.forward(np.array([ids]), cache)
    return Pass(model.logits(hidden)[0], cache.keys[:, 0, :, held], cache.values[:, 0, :, held])


def decode_along(model: Model, prompt: Sequence[int], text: Sequence[int]) -> np.ndarray:
    """Decode `text` behind `prompt` with kvlab's cache, whatever kvlab would have chosen. Return `(tokens, V)` logits.

    So one step in which two programs choose differently does not make all later ones incomparable.
    """
    seen: list[np.ndarray] = []

    def follow(logits: np.ndarray) -> int:
        seen.append(logits)
        return int(text[len(seen) - 1])

    generate_cached(model, prompt, len(text), follow)
    return np.array(seen)


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference, in parts of the largest expected number of its layer, or of its token's logits.

    Layers and tokens are the first axis. Each has a scale of its own: the largest must not hide an error in another.
    """
    assert found.shape == expected.shape
    rest = tuple(range(1, expected.ndim))
    return float((np.abs(found - expected).max(rest) / np.abs(expected).max(rest)).max())


def choices(logits: np.ndarray, text: Sequence[int]) -> tuple[int, int]:
    """Return at how many steps the greedy choice from `logits`, `(tokens, V)`, is not that of `text`, and near ties.

    A near tie is a step whose two largest logits are closer than twice the bound: rounding decides it, so it counts as
    a near tie and as no difference.
    """
    largest = np.sort(logits, axis=-1)[:, -2:]
    tied = largest[:, 1] - largest[:, 0] <= 2 * BOUND * np.abs(logits).max(-1)
    different = logits.argmax(-1) != np.asarray(text)
    return int((different & ~tied).sum()), int(tied.sum())
