"""Protects the demonstration's runs: equal bytes with and without caches, and the passes that formulas predict."""

import json

import numpy as np
import pytest

from figures_src.pages.shared import demo_runs
from kvlab.accounting import pairs
from kvlab.benchmark import by_length
from kvlab.benchmark.timing import Timed
from kvlab.cache import DenseCache
from kvlab.decoding.generation import generate_cached, generate_uncached, recompute
from kvlab.errors import KvlabError
from kvlab.experiments import demo
from kvlab.model.demo import DEMO, demo_model

FIVE, SEVEN = [3, 141, 59, 26, 53], [2, 71, 82, 81, 82, 84, 59]


def test_the_shapes_are_those_of_the_model_and_its_numbers_those_of_its_matrices():
    layer = 64 * 64 * 2 + 2 * 64 * 32 + 3 * 64 * 172 + 2 * 64
    assert demo.parameters() == 2 * layer + 64 + 2 * 256 * 64


@pytest.mark.parametrize("prompts", [[[17]], [FIVE], [FIVE, SEVEN]])
def test_with_caches_and_without_all_bytes_are_the_same_and_all_of_them_are_compared(prompts):
    n = 11
    found = vars(demo.equivalence(prompts, n))
    assert found["compared_logits"] == n * len(prompts) * 256
    assert found["compared_kv"] == sum(2 * 2 * 2 * 16 * (len(p) + step) for p in prompts for step in range(n))
    assert [found[what] for what in ("differing_logits", "differing_kv", "differing_tokens")] == [0, 0, 0]


def test_what_is_compared_are_the_texts_that_each_prompt_gets_alone():
    steps = demo._steps((tuple(FIVE), tuple(SEVEN)), 4, "dense", "exact")
    assert len(steps) == 4
    for prompt in (FIVE, SEVEN):
        assert generate_cached(demo_model(), prompt, 4).ids == generate_uncached(demo_model(), prompt, 4).ids


def test_a_wrong_cache_is_seen_at_the_step_where_it_is_first_read():
    # The prompt's own logits do not read what is written behind it; half precision is in what they read.
    assert demo.differing_logits_by_step([SEVEN], 5, "dense") == [0] * 5
    assert demo.differing_logits_by_step([SEVEN], 5, "slot_too_far")[0] == 0
    assert min(demo.differing_logits_by_step([SEVEN], 5, "slot_too_far")[1:]) > 200
    half = demo.differing_logits_by_step([SEVEN], 5, "fp16")
    assert min(half) > 200
    assert demo.equivalence([SEVEN], 5, "fp16").differing_logits == sum(half)


def test_a_choice_that_differs_is_counted():
    # Without its positions advancing, a text soon goes another way.
    counted = [demo.equivalence([list(range(1, 9))], 40, cache).differing_tokens for cache in ("dense", "length_stuck")]
    assert counted[0] == 0 < counted[1]


def test_plain_products_move_last_bits():
    share = demo.blas_differing_share([SEVEN], 7)
    assert 0 < share <= 1
    assert round(share, 2) == share


def test_what_cannot_be_asked_for_is_named():
    with pytest.raises(KvlabError, match="known are dense, fp16"):
        demo.equivalence([FIVE], 2, "marble")
    with pytest.raises(KvlabError, match="0 tokens make no pass"):
        demo.passes_work(7, 0)


@pytest.mark.parametrize(("prompt", "n"), [(FIVE, 13), ([9], 3)])
def test_passes_are_recorded_as_the_formulas_say(prompt, n):
    assert demo.tokens_projected(prompt, n, False) == pairs.tokens_uncached(len(prompt), n)
    assert demo.tokens_projected(prompt, n, True) == pairs.tokens_cached(len(prompt), n)


def test_a_growing_cache_takes_what_its_tokens_take():
    assert demo.held_by_token(5) == [512, 1024, 1536, 2048, 2560]
    assert demo.sizes_matching(5) == 5


def test_tokens_pass_together_or_apart_to_the_same_bytes_and_the_same_flops():
    assert demo.pass_split_differing(13) == 0
    apart = DenseCache.for_model(DEMO)
    for token in range(13):
        demo_model().forward(np.array([[token]]), apart)
    _, together = recompute(demo_model(), range(13))
    assert np.array_equal(apart.keys[:, :, :, :13], together.keys[:, :, :, :13])
    at_once, one_by_one = demo.passes_work(13, 13), demo.passes_work(13, 1)
    assert at_once.flops == one_by_one.flops
    assert at_once.kv_written_bytes == one_by_one.kv_written_bytes
    # Seven passes over two tokens, the last over one: 2, 4, … 12 and 13 slots in reach.
    assert demo.passes_made(13, 2) == 7
    assert demo.passes_work(13, 2).kv_bytes == 512 * (2 + 4 + 6 + 8 + 10 + 12 + 13)
    layer = 64 * 64 * 2 + 2 * 64 * 32 + 3 * 64 * 172
    assert at_once.flops == 2 * 2 * layer * 13 + 4 * 2 * 64 * 13 * 14 // 2


def test_the_caches_of_the_figure_are_known():
    assert set(demo_runs.SHOWN_CACHES) <= set(demo.CACHES)


def test_a_length_takes_the_least_times_of_its_tokens_together():
    tokens = [Timed((3.0, 2.0, 9.0))] + [Timed((1.0, 1.5, 1.0))] * 55
    totals = by_length.totals_by_length(tokens)
    assert list(totals) == ["1", "8", "16", "24", "32", "40", "48", "56"]
    assert [totals[length] for length in ("1", "8", "56")] == [2.0, 9.0, 57.0]
    # The odd rounds: 3 and 55 times 1; the even ones: 2 and 55 times 1.5.
    assert by_length.noise_of_total(tokens) == (2 + 55 * 1.5 - 58) / 58


def test_texts_and_passes_are_timed_in_each_round(monkeypatch):
    passes = []
    forward = by_length.demo_model().forward.__func__
    monkeypatch.setattr(
        "kvlab.model.Llama.forward", lambda of, ids, *rest: passes.append(ids.shape[1]) or forward(of, ids, *rest)
    )
    monkeypatch.setattr("kvlab.benchmark.per_token.time.perf_counter", lambda: float(len(passes)))
    found = by_length.by_length(rounds=4)
    assert found["cached_ms"] == found["uncached_ms"] == {str(n): 1e3 * n for n in by_length.LENGTHS}
    assert set(found["uncached_over_cached"].values()) == {1.0}
    assert (found["noise"], found["last_pass_over_first"], found["prompt_tokens"]) == (0, 1, 8)
    assert sum(passes) == (1 + 4 * by_length.MORE_ROUNDS_OF_TEXTS) * (sum(range(8, 64)) + 8 + 55)
    passes.clear()
    found = by_length.by_passes(rounds=3)
    rounds = 1 + 3 * by_length.MORE_ROUNDS_OF_PASSES
    assert (passes.count(64), passes.count(1)) == (rounds, rounds * 64)
    assert found["one_by_one_over_one_pass"] == 64
    assert json.loads(json.dumps(found)) == found
