"""One decode step, again and again at one context: kvlab's, its roofline, and its peers'."""

from __future__ import annotations

import numpy as np

from kvlab.architecture import Architecture
from kvlab.benchmark.timing import Task
from kvlab.cache import DenseCache
from kvlab.model import BLAS, EXACT, GPT2, Kernel
from kvlab.model.gpt2 import gpt2_from_tensors
from kvlab.model.ops import Floats

TOKEN = 7  # any: a step costs the same for each
SPAN = 4096  # elements of a row when memory is only read

GPT2_SMALL = Architecture("GPT-2 small", "gpt2", 12, 768, 12, 12, 64, 3072, 50257, 1024)


def random_gpt2(architecture: Architecture) -> GPT2:
    """Return a GPT-2 with small random weights: they cost what trained ones cost."""
    rng = np.random.default_rng(0)

    def tensor(_: str, shape: tuple[int, ...]) -> Floats:
        weights = rng.random(shape, np.float32)
        weights -= 0.5
        weights *= 0.07  # a standard deviation of 0.02, as GPT-2 is initialised
        return weights

    return gpt2_from_tensors(architecture, tensor)


def filled_cache(model: GPT2) -> DenseCache:
    """Return a cache of the model's whole context, every slot written: what nobody wrote is not in memory yet."""
    cache = DenseCache.for_model(model.architecture)
    rng = np.random.default_rng(1)
    for buffer in (cache.keys, cache.values):
        buffer[:] = rng.standard_normal(buffer.shape, np.float32)
    return cache


def decode_step(model: GPT2, cache: DenseCache, context: int, kernel: Kernel = EXACT) -> Task:
    """Return one decode step after `context` tokens, from the token's id to its logits."""
    ids = np.array([[TOKEN]])

    def step() -> Floats:
        cache.hold(context)
        return model.logits(model.forward(ids, cache, kernel)[0, -1], kernel)

    return step


def plain_step(model: GPT2, cache: DenseCache, context: int) -> Task:
    """Return the same step on plain matrix products, whose bytes depend on how many rows they have."""
    return decode_step(model, cache, context, BLAS)


def _matrices(model: GPT2) -> list[Floats]:
    return [map.weight for block in model.blocks for map in block if map.weight.shape[0] > 1] + [model.head]


def roofline(model: GPT2, context: int) -> Task:
    """Return the products that a decode step cannot do without: the lower bound of its time, as NumPy reaches it.

    `np.dot(W, x)` for every weight matrix, where it lies; and one product over as many bytes as the K and V of
    `context` tokens.
    """
    a = model.architecture
    matrices = _matrices(model)
    vectors = {matrix.shape[1]: np.ones(matrix.shape[1], np.float32) for matrix in matrices}
    held = np.ones((2 * a.n_layers * a.n_kv_heads * context, a.head_dim), np.float32)
    query = np.ones(a.head_dim, np.float32)

    def products() -> None:
        for matrix in matrices:
            np.dot(matrix, vectors[matrix.shape[1]])
        np.dot(held, query)

    return products


def reading(model: GPT2) -> tuple[Task, int]:
    """Return a reading of every weight matrix from one end to the other, and its bytes: the memory's bandwidth.

    Products with a vector that stays in the first cache. OpenBLAS takes several rows at a time, and with rows of 16 KiB
    these are streams far enough apart to be fetched side by side: of a dozen ways tried, the fastest.
    """
    flat = [matrix.reshape(-1) for matrix in _matrices(model)]
    spans = [row[: row.size // SPAN * SPAN].reshape(-1, SPAN) for row in flat if row.size >= SPAN]
    vector = np.ones(SPAN, np.float32)

    def read() -> None:
        for span in spans:
            np.dot(span, vector)

    return read, sum(span.nbytes for span in spans)
