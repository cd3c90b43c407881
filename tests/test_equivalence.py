"""Protects the comparison with and without a cache: it sees one wrong bit, and the right cache has none.

Slow: fifty prompts of sixty-four tokens, each step of which is recomputed from the first token on.
"""

import numpy as np
import pytest
from random_models import random_model

from kvlab.cache import DenseCache
from kvlab.decoding.equivalence import differing_entries, verify
from kvlab.errors import KvlabError
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer
from kvlab.training.corpus import sample_prompts

MODEL = random_model()


@pytest.mark.parametrize(("n_prompts", "n_tokens"), [(5, 40), pytest.param(50, 64, marks=pytest.mark.slow)])
def test_prompts_agree_to_the_last_bit_and_plain_blas_does_not(n_prompts, n_tokens):
    prompts = [minigpt_tokenizer().encode(prompt) for prompt in sample_prompts(n_prompts)]
    result = verify(minigpt(), prompts, n_tokens)
    steps = n_prompts * n_tokens
    assert (result.exact.steps, result.exact.compared_logits) == (steps, steps * 512)
    assert result.exact.identical
    assert (result.exact.differing_logits, result.exact.differing_kv, result.exact.differing_tokens) == (0, 0, 0)
    assert result.exact.max_abs_difference == 0
    assert result.blas_differing_logits_share > 0.5
    assert not result.blas.identical


def test_a_model_of_other_shapes_agrees_too_in_the_keys_and_values_of_every_token_held():
    result = verify(MODEL, [[1, 2, 3], [5] * 30], 50).exact
    assert result.identical
    # Layers, K/V heads and head size of the model; a step holds the prompt and what was fed back so far.
    assert result.compared_kv == 2 * 3 * 5 * 14 * sum(prompt + step for prompt in (3, 30) for step in range(50))


class OneSlotTooFar(DenseCache):
    """A bug: decode writes its entry one slot behind its place."""

    def write(self, layer, k, v):
        held = self._held
        self._held = held + 1 if held else 0
        super().write(layer, k, v)
        self._held = held


class StuckPosition(DenseCache):
    """A bug: the position never advances, though the slots do."""

    def positions(self, n_tokens):
        return np.minimum(super().positions(n_tokens), 4)


class RoundedToHalf(DenseCache):
    """A bug that no token shows: entries lose the bits that float16 has not."""

    def write(self, layer, k, v):
        super().write(layer, k.astype(np.float16).astype(np.float32), v)


@pytest.mark.parametrize("bug", [OneSlotTooFar, StuckPosition, RoundedToHalf])
def test_the_comparison_catches_a_cache_with_one_method_wrong(bug):
    result = verify(MODEL, [[1, 2, 3, 4]], 20, cache_for=lambda model: bug.for_model(model.architecture))
    assert not result.exact.identical
    assert result.exact.differing_logits > 0
    assert result.exact.max_abs_difference > 0


def test_choices_that_a_wrong_cache_changes_are_counted():
    prompt = minigpt_tokenizer().encode("Yesterday I")
    result = verify(minigpt(), [prompt], 60, cache_for=lambda model: StuckPosition.for_model(model.architecture))
    assert 0 < result.exact.differing_tokens < 60


class LastBitOfKey(DenseCache):
    """A bug that no logit shows: once the pass is over, a bit of the newest token's K falls over, in the last layer."""

    buffer = "keys"

    def advance(self, n_tokens):
        super().advance(n_tokens)
        getattr(self, self.buffer)[-1, 0, 0, self._held - 1, :1].view(np.uint32)[0] ^= 1


class LastBitOfValue(LastBitOfKey):
    """Likewise, of its V."""

    buffer = "values"


@pytest.mark.parametrize("bug", [LastBitOfKey, LastBitOfValue])
def test_one_wrong_bit_in_the_newest_slot_is_counted(bug):
    result = verify(MODEL, [[1, 2, 3, 4]], 1, cache_for=lambda model: bug.for_model(model.architecture)).exact
    assert (result.differing_kv, result.differing_logits, result.differing_tokens) == (1, 0, 0)
    assert not result.identical


def test_bytes_are_compared_and_not_values():
    zero = np.zeros(3, np.float32)
    assert differing_entries(zero, -zero) == 3
    nan = np.full(2, np.nan, np.float32)
    assert differing_entries(nan, nan.copy()) == 0
    assert differing_entries(zero, zero + np.array([0, 1e-45, 0], np.float32)) == 1


def test_arrays_of_another_shape_or_dtype_are_not_compared():
    with pytest.raises(KvlabError, match="cannot compare"):
        differing_entries(np.zeros(3, np.float32), np.zeros(4, np.float32))
    with pytest.raises(KvlabError, match="cannot compare"):
        differing_entries(np.zeros(3, np.float32), np.zeros(3, np.float64))


def test_no_prompt_and_too_long_a_run_are_refused():
    with pytest.raises(KvlabError, match="at least one prompt"):
        verify(MODEL, [], 5)
    with pytest.raises(KvlabError, match=r"3 tokens and 81 more exceed.*83"):
        verify(MODEL, [[1, 2, 3]], 81)
    with pytest.raises(KvlabError, match="at least 1"):
        verify(MODEL, [[1]], 0)


def test_progress_is_reported_once_a_prompt_and_kernel():
    calls = []
    verify(MODEL, [[1], [2], [3]], 1, lambda: calls.append(1))
    assert len(calls) == 6


def test_a_model_whose_logits_are_not_finite_is_not_called_identical():
    damaged = random_model()
    damaged.head[:] = np.nan
    with pytest.raises(KvlabError, match="not finite"):
        verify(damaged, [[1, 2]], 3)
