"""A prompt in one pass: with the rows that repeat their bytes, and as plain matrix products would do it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kvlab.benchmark.decode import GPT2_SMALL, TOKEN
from kvlab.benchmark.timing import Task
from kvlab.cache import DenseCache, Reading
from kvlab.model import BLAS, EXACT, GPT2, Kernel
from kvlab.model.ops import Floats

# As wide as GPT-2 small, and shallow enough that a measurement ends soon; the ratio does not depend on the depth,
# and a prompt's pass up to its hidden states not on the vocabulary.
GPT2_WIDTH = replace(GPT2_SMALL, name="GPT-2 width, one layer", n_layers=1, vocab_size=8)


class OneScoreMatrix(DenseCache):
    """A cache whose queries all read all the tokens, masked where they come later: one matrix of scores a head."""

    def readable(self, n_tokens: int) -> list[Reading]:
        """Return one reading for all the queries of the pass."""
        n_slots = self._held + n_tokens
        later = np.triu(np.full((n_tokens, n_slots), -np.inf, np.float32), self._held + 1)
        return [Reading(slice(None), slice(0, n_tokens), n_slots, later)]


def prefill(model: GPT2, n_tokens: int) -> Task:
    """Return one pass over a prompt of `n_tokens`, as kvlab runs it."""
    return _pass(model, n_tokens, DenseCache.for_model(model.architecture), EXACT)


def plain_prefill(model: GPT2, n_tokens: int) -> Task:
    """Return the same pass on `x @ W.T` and one masked matrix of scores."""
    return _pass(model, n_tokens, OneScoreMatrix.for_model(model.architecture), BLAS)


def _pass(model: GPT2, n_tokens: int, cache: DenseCache, kernel: Kernel) -> Task:
    ids = np.full((1, n_tokens), TOKEN)

    def run() -> Floats:
        cache.hold(0)
        return model.forward(ids, cache, kernel)

    return run
