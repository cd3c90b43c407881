"""Lab 02, solved: with a cache and without, the same bytes at each step."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache
from kvlab.decoding.generation import recompute
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer
from kvlab.training.corpus import sample_prompts

Floats = NDArray[np.float32]
Ids = NDArray[np.integer]

MODEL = minigpt()
PROMPTS = [minigpt_tokenizer().encode(prompt) for prompt in sample_prompts(50)]
N_TOKENS = 64

MakeCache = Callable[..., DenseCache]


def test_with_equals_without(make_cache: MakeCache = DenseCache.for_model) -> None:
    """Raise AssertionError unless the caches that `make_cache` makes change nothing."""
    for texts in batches():
        cache = make_cache(MODEL.architecture, batch=len(texts))
        new = texts
        for _ in range(N_TOKENS):
            logits = MODEL.logits(MODEL.forward(new, cache)[:, -1])
            for row, text in enumerate(texts):
                compare(logits[row], cache, row, text)
            new = logits.argmax(axis=-1)[:, None]
            texts = np.concatenate([texts, new], axis=1)


def batches() -> list[Ids]:
    """Return the prompts in batches of one length each, `(batch, P)`."""
    lengths = sorted({len(prompt) for prompt in PROMPTS})
    return [np.array([prompt for prompt in PROMPTS if len(prompt) == length]) for length in lengths]


def compare(logits: Floats, cache: DenseCache, row: int, text: Ids) -> None:
    """Raise AssertionError unless one sequence of a batch is what its text gives without a cache."""
    expected, keys, values = without_cache(text.tolist())
    n = len(text)
    found = {
        "logits": differing(logits, expected),
        "K": differing(cache.keys[:, row, :, :n], keys),
        "V": differing(cache.values[:, row, :, :n], values),
    }
    assert not any(found.values()), f"{n} tokens, row {row}: entries that differ: {found}"


def without_cache(ids: list[int]) -> tuple[Floats, Floats, Floats]:
    """Return what the tokens `ids` of one sequence give when all of them are computed from nothing.

    Returns:
        The logits of the token after them, `(V,)`, and their K and V, each `(n_layers, n_kv_heads, T, head_dim)`.
    """
    logits, workspace = recompute(MODEL, ids)
    n = len(ids)
    return logits, workspace.keys[:, 0, :, :n], workspace.values[:, 0, :, :n]


def differing(a: Floats, b: Floats) -> int:
    """Return how many entries of two arrays of one shape differ in their bytes."""
    return int(np.count_nonzero(np.ascontiguousarray(a).view(np.uint32) != np.ascontiguousarray(b).view(np.uint32)))


if __name__ == "__main__":
    test_with_equals_without()
