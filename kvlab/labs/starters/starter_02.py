"""Lab 02: the test that a cache changes nothing. Fill in the function; as it stands it looks at no cache.

Run it with:           python THIS_FILE
Have it judged with:   kvlab lab check 02 THIS_FILE

The property: greedy decoding with a cache gives, at each step, the very bytes that it gives without one.

    logits   of the newest token
    K, V     of every token held, in all layers and heads

    50 prompts, 64 tokens after each, one sequence or several side by side
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache
from kvlab.decoding.generation import recompute
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer
from kvlab.training.corpus import sample_prompts

Floats = NDArray[np.float32]

MODEL = minigpt()
PROMPTS = [minigpt_tokenizer().encode(prompt) for prompt in sample_prompts(50)]
N_TOKENS = 64

# make_cache(MODEL.architecture, batch=3) gives an empty cache for three sequences.
MakeCache = Callable[..., DenseCache]


def test_with_equals_without(make_cache: MakeCache = DenseCache.for_model) -> None:
    """Raise AssertionError unless the caches that `make_cache` makes change nothing.

    What you need, besides the two functions below:

        hidden = MODEL.forward(ids, cache)        ids (batch, T), the new tokens only; the cache then holds them too
        logits = MODEL.logits(hidden[:, -1])      (batch, V), for the token after each sequence
        cache.keys, cache.values                  (n_layers, batch, n_kv_heads, capacity, head_dim)

    All sequences of one cache have the same length, prompt included.
    """


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
