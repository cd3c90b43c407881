"""The three products of a transformer, in two ways: one that repeats its bytes, and plain BLAS.

    W  weights (out, in)       x  activations (N, in): a row for each token of each sequence
    K  keys    (R, n, d_h)     q  queries (R, M, d_h): those that share a K/V head of a sequence
    V  values  (R, n, d_h)     p  weights of attention (R, M, n)

A matrix product sums a row in an order that depends on how many rows it is computed with, so the last bits of a
token's activations would depend on its neighbours. One matrix-vector product a row does not.

It is also the fastest decode there is. Its price is paid in prefill, where it reads the weights again for each token:
a large weight is therefore cut into blocks that stay in the processor's second-level cache while the tokens pass by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

BLOCK_ELEMENTS = 100_000  # of a weight: 400 kB in float32, in sight of the second-level cache of any processor


class Kernel(NamedTuple):
    """The products that a forward pass runs on.

    Attributes:
        linear: `W x` for each row: `(N, in)` and `(out, in)` to `(N, out)`.
        scores: `K q` for each query: `(R, n, d_h)` and `(R, M, d_h)` to `(R, M, n)`.
        mix: `p V` for each query: `(R, M, n)` and `(R, n, d_h)` to `(R, M, d_h)`.
    """

    linear: Callable[[Floats, Floats], Floats]
    scores: Callable[[Floats, Floats], Floats]
    mix: Callable[[Floats, Floats], Floats]


def _linear_by_row(x: Floats, weight: Floats) -> Floats:
    if weight.size <= BLOCK_ELEMENTS:
        # One row is `dot`'s own case: the same matrix-vector product, called with less ceremony.
        return weight.dot(x[0])[None] if len(x) == 1 else np.matvec(weight, x)
    n_out, n_in = weight.shape
    height = max(16, BLOCK_ELEMENTS // n_in // 16 * 16)
    cut = n_out // height * height
    parts = [np.matvec(weight[cut:], x)] if cut < n_out else []
    if cut:
        # A block at a time, and all rows for each; NumPy would turn the order round for an array that it were given.
        blocks = weight[:cut].reshape(-1, 1, height, n_in)
        parts.insert(0, np.matvec(blocks, x).swapaxes(0, 1).reshape(len(x), cut))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _scores_by_row(keys: Floats, q: Floats) -> Floats:
    return np.matvec(keys[:, None], q)


def _mix_by_row(p: Floats, values: Floats) -> Floats:
    return np.vecmat(p, values[:, None])


EXACT = Kernel(_linear_by_row, _scores_by_row, _mix_by_row)

BLAS = Kernel(
    linear=lambda x, weight: x @ weight.T,
    scores=lambda keys, q: q @ keys.swapaxes(-1, -2),
    mix=lambda p, values: p @ values,
)
