"""The three products of a transformer, in two ways: one that repeats its bytes, and plain BLAS.

    W  weights (out, in)          x  activations (..., T, in)
    K  keys    (..., n, d_h)      q  queries     (..., T, d_h)
    V  values  (..., n, d_h)      p  weights of attention (..., T, n)

A matrix product sums a row in an order that depends on how many rows it is computed with, so the last bits of a
token's activations would depend on its neighbours. One matrix-vector product a row does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


class Kernel(NamedTuple):
    """The products that a forward pass runs on."""

    linear: Callable[[Floats, Floats], Floats]
    scores: Callable[[Floats, Floats], Floats]
    mix: Callable[[Floats, Floats], Floats]


def _linear_by_row(x: Floats, weight: Floats) -> Floats:
    """Return `W x` for each row: `(..., T, in)` and `(out, in)` to `(..., T, out)`."""
    if x.size == x.shape[-1]:
        # One row is np.dot's own case: the same matrix-vector product, called with less ceremony.
        return np.dot(weight, x.reshape(-1)).reshape(*x.shape[:-1], -1)
    return np.matvec(weight, x)


def _scores_by_row(keys: Floats, q: Floats) -> Floats:
    """Return `K q` for each query: `(..., n, d_h)` and `(..., T, d_h)` to `(..., T, n)`."""
    return np.matvec(keys[..., None, :, :], q)


def _mix_by_row(p: Floats, values: Floats) -> Floats:
    """Return `p V` for each query: `(..., T, n)` and `(..., n, d_h)` to `(..., T, d_h)`."""
    return np.vecmat(p, values[..., None, :, :])


EXACT = Kernel(_linear_by_row, _scores_by_row, _mix_by_row)

BLAS = Kernel(
    linear=lambda x, weight: x @ weight.T,
    scores=lambda keys, q: q @ keys.swapaxes(-1, -2),
    mix=lambda p, values: p @ values,
)
