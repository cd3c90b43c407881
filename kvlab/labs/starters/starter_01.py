"""Lab 01: a KV cache. Fill in the class; the tests below fail until it is right.

Run them with:         python THIS_FILE
Have it judged with:   kvlab lab check 01 THIS_FILE

The axes, in the order in which every array here has them:

    batch        sequences side by side; none may see another's entries
    n_kv_heads   K/V heads of a layer
    n_tokens     tokens, the oldest first
    head_dim     elements of one key or one value
"""

import unittest

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class MyCache:
    """The keys and values of the tokens so far, of every layer. It begins empty.

    The model runs *passes*. A pass brings the same number of new tokens to each
    sequence: many in prefill, one in decode. It asks for `length` first, and then
    calls `update` once for each layer, from layer 0 to the last.
    """

    def __init__(
        self,
        n_layers: int,
        batch: int,
        n_kv_heads: int,
        max_context: int,
        head_dim: int,
    ) -> None:
        """Make an empty cache with room for `max_context` tokens of each sequence.

        Elements are float32.
        """
        raise NotImplementedError

    @property
    def length(self) -> int:
        """How many tokens each sequence holds: the position of the next.

        A pass counts once, when its last layer has been updated, however
        many layers there are.
        """
        raise NotImplementedError

    def update(self, layer: int, k: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Keep new tokens of a layer after those held; return them all.

        Args:
            layer: which layer, from 0 on.
            k: keys of the new tokens, `(batch, n_kv_heads, n_tokens, head_dim)`.
            v: their values, likewise.

        Returns:
            Keys and values of every token so far, the new ones included
            and nothing else, the oldest first; with the length before
            this pass, each is
            `(batch, n_kv_heads, length + n_tokens, head_dim)`.
            float32, and bit for bit what was given. The caller may reuse
            `k` and `v` for something else afterwards; what was returned
            earlier does not change.

        Raises:
            ValueError: the new tokens do not fit in `max_context`. Then
                nothing of them is kept.
        """
        raise NotImplementedError


class TheCache(unittest.TestCase):
    """Some of what the checker looks at. Write more: each bug that you fear is a test."""

    def test_a_prompt_comes_back_as_it_went_in(self) -> None:
        cache = MyCache(n_layers=2, batch=2, n_kv_heads=3, max_context=11, head_dim=5)
        for layer in range(2):
            k, v = entries(n_tokens=4, seed=layer)
            keys, values = cache.update(layer, k, v)
            self.assertEqual(keys.dtype, np.float32)
            np.testing.assert_array_equal(keys, k)
            np.testing.assert_array_equal(values, v)

    def test_a_new_token_comes_after_the_prompt(self) -> None:
        cache = MyCache(n_layers=2, batch=2, n_kv_heads=3, max_context=11, head_dim=5)
        for layer in range(2):
            cache.update(layer, *entries(n_tokens=4, seed=layer))
        for layer in range(2):
            new_k, new_v = entries(n_tokens=1, seed=10 + layer)
            keys, values = cache.update(layer, new_k, new_v)
            old_k, old_v = entries(n_tokens=4, seed=layer)
            np.testing.assert_array_equal(keys, np.concatenate([old_k, new_k], axis=2))
            np.testing.assert_array_equal(values, np.concatenate([old_v, new_v], axis=2))

    def test_the_length_is_that_of_the_tokens_held(self) -> None:
        cache = MyCache(n_layers=2, batch=2, n_kv_heads=3, max_context=11, head_dim=5)
        self.assertEqual(cache.length, 0)
        for n_tokens, held in ((4, 4), (1, 5), (3, 8)):
            for layer in range(2):
                cache.update(layer, *entries(n_tokens, seed=layer))
            self.assertEqual(cache.length, held)

    def test_a_token_too_many_is_refused(self) -> None:
        cache = MyCache(n_layers=1, batch=2, n_kv_heads=3, max_context=4, head_dim=5)
        cache.update(0, *entries(n_tokens=4, seed=0))
        with self.assertRaises(ValueError):
            cache.update(0, *entries(n_tokens=1, seed=1))


def entries(n_tokens: int, seed: int) -> tuple[Floats, Floats]:
    """Return keys and values of two sequences and three heads, drawn from a seed."""
    rng = np.random.default_rng(seed)
    k, v = rng.standard_normal((2, 2, 3, n_tokens, 5), np.float32)
    return k, v


if __name__ == "__main__":
    unittest.main()
