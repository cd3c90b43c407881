"""The operations between the products. Each reduces over the contiguous last axis only, so rows do not meet.

A decode step has one row, and then most of its time is the calling of NumPy: what is a number there (a mean, a scale)
is computed by Python, in double precision, and for many rows by NumPy in the same precision, to the same bytes.

Constants are float32: a float64 scalar of NumPy would promote every array that it touches. Those of GELU are arrays
without axes, the kind of operand that NumPy is quickest to take.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_HALF, _ONE = np.array(0.5, np.float32), np.array(1, np.float32)
_LINEAR, _CUBIC = (np.array(math.sqrt(2 / math.pi) * c, np.float32) for c in (1, 0.044715))


def layer_norm(x: Floats, weight: Floats, bias: Floats, epsilon: float) -> Floats:
    """Return `(x − mean) / √(variance + ε) · weight + bias` for each row of `x`, `(N, d)`."""
    n = x.shape[1]
    if len(x) == 1:
        centred = x - float(x[0].dot(_ones(n))) / n
        centred *= 1 / math.sqrt(_square(centred[0]) / n + epsilon)
    else:
        centred = x - _column(np.vecdot(x, _ones(n)).astype(np.float64) / n)
        centred *= _column(1 / np.sqrt(np.vecdot(centred, centred).astype(np.float64) / n + epsilon))
    centred *= weight
    centred += bias
    return centred


def rms_norm(x: Floats, weight: Floats, epsilon: float) -> Floats:
    """Return `x / √(mean(x²) + ε) · weight` for each row of `x`, `(N, d)` (arXiv 1910.07467)."""
    n = x.shape[1]
    if len(x) == 1:
        return x * (1 / math.sqrt(_square(x[0]) / n + epsilon)) * weight
    return x * _column(1 / np.sqrt(np.vecdot(x, x).astype(np.float64) / n + epsilon)) * weight


def _square(row: Floats) -> float:
    return float(row.dot(row))


def _column(numbers: NDArray[np.float64]) -> Floats:
    return numbers.astype(np.float32)[:, None]


@cache
def _ones(n: int) -> Floats:
    return np.ones(n, np.float32)


def gelu(x: Floats) -> Floats:
    """Return `x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`, GPT-2's form of GELU (arXiv 1606.08415)."""
    y = x * x
    y *= _CUBIC
    y += _LINEAR
    y *= x  # √(2/π) · (x + 0.044715 x³)
    np.tanh(y, y)
    y += _ONE
    y *= x
    y *= _HALF
    return y


def silu(x: Floats) -> Floats:
    """Return `x / (1 + exp(−x))`, the gate of SwiGLU (arXiv 2002.05202)."""
    with np.errstate(over="ignore"):  # exp(−x) = ∞ below −88 gives 0, as it should
        return x / (1.0 + np.exp(-x))


def softmax(scores: Floats) -> Floats:
    """Return `exp(s) / Σ exp(s)` over the last axis, shifted by the maximum; a score of −∞ gets the weight 0."""
    weights = scores - np.maximum.reduce(scores, axis=-1, keepdims=True)
    np.exp(weights, weights)
    weights /= np.add.reduce(weights, axis=-1, keepdims=True)
    return weights


def rotary(positions: NDArray[np.integer], head_dim: int, theta: float) -> tuple[Floats, Floats]:
    """Return cosine and sine of the angles of rotary positions, each `(B, 1, T, d_h/2)` for positions `(B, T)`.

    The pair `i` of a head turns by `t · θ^(−2i/d_h)` (arXiv 2104.09864). Frequencies are rounded once, from double
    precision; those of the transformers library, computed in float32, are off by up to 3e-7.
    """
    frequencies = (theta ** (-np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)).astype(np.float32)
    angles = positions[:, None, :, None].astype(np.float32) * frequencies
    return np.cos(angles), np.sin(angles)


def rotate(x: Floats, cosine: Floats, sine: Floats) -> Floats:
    """Return `x`, `(B, heads, T, d_h)`, with each pair turned; element `i` is paired with `i + d_h/2` (half-split)."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    turned = np.empty(x.shape, x.dtype)
    np.subtract(first * cosine, second * sine, out=turned[..., :half])
    np.add(second * cosine, first * sine, out=turned[..., half:])
    return turned
