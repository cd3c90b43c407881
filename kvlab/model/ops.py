"""The operations between the products. Each reduces over the contiguous last axis only, so rows do not meet.

Constants are Python floats: a float64 scalar of NumPy would promote every array that it touches.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_GELU_SCALE = math.sqrt(2 / math.pi)


def layer_norm(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    """Return `(x − mean) / √(variance + ε) · weight + bias` over the last axis; the shape of `x` stays."""
    n = x.shape[-1]
    centred = x - x.sum(-1, keepdims=True) / n
    variance = np.vecdot(centred, centred)[..., None] / n
    return centred / np.sqrt(variance + epsilon) * weight + bias


def gelu(x: Floats) -> Floats:
    """Return `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`, GPT-2's form of GELU (arXiv 1606.08415)."""
    return 0.5 * x * (1.0 + np.tanh(_GELU_SCALE * (x + 0.044715 * (x * x * x))))


def softmax(scores: Floats) -> Floats:
    """Return `exp(s) / Σ exp(s)` over the last axis, shifted by the maximum; a score of −∞ gets the weight 0."""
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)
