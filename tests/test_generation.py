"""Protects generation: the same text with and without a cache, where it stops, and how it samples."""

import numpy as np
import pytest
from random_models import PRIMES, random_model

from kvlab.cache import DenseCache
from kvlab.decoding.generation import generate_cached, generate_uncached, greedy, sampler
from kvlab.errors import KvlabError

MODEL = random_model()
BOTH = pytest.mark.parametrize("generate", [generate_cached, generate_uncached], ids=["cached", "uncached"])


def test_both_ways_give_the_same_ids_greedy_and_sampled():
    for pick in (lambda: greedy, lambda: sampler(1.3, None, seed=5), lambda: sampler(0.7, 11, seed=6)):
        cached = generate_cached(MODEL, [3, 1, 4], 60, pick())
        uncached = generate_uncached(MODEL, [3, 1, 4], 60, pick())
        assert cached.ids == uncached.ids
        assert len(cached.ids) == 60


def test_the_cached_way_computes_each_token_once_and_the_uncached_way_all_of_them_at_each_step(monkeypatch):
    seen = []
    original = type(MODEL).forward

    def noting(self, ids, cache, *rest):
        seen.append((cache.position, ids.shape[1]))
        return original(self, ids, cache, *rest)

    monkeypatch.setattr(type(MODEL), "forward", noting)
    generate_cached(MODEL, [3, 1, 4], 4)
    assert seen == [(0, 3), (3, 1), (4, 1), (5, 1)]
    seen.clear()
    generate_uncached(MODEL, [3, 1, 4], 4)
    assert seen == [(0, 3), (0, 4), (0, 5), (0, 6)]


def test_the_last_generated_token_is_never_fed_back():
    cache = DenseCache.for_model(PRIMES)
    generate_cached(MODEL, [3, 1, 4], 4, cache=cache)
    assert cache.position == 3 + 4 - 1


def test_the_bytes_of_the_kept_cache_are_reported_and_none_without_one():
    assert generate_cached(MODEL, [1], 1).cache_bytes == DenseCache.for_model(PRIMES).nbytes
    assert generate_uncached(MODEL, [1], 1).cache_bytes == 0


@BOTH
def test_generation_stops_where_the_context_is_full(generate):
    run = generate(MODEL, [1] * 80, 10)
    assert (len(run.ids), run.stopped) == (3, "context")
    assert generate(MODEL, [1] * 80, 3).stopped == "length"
    full = generate(MODEL, [1] * 83, 1)
    assert (full.ids, full.stopped) == ((), "context")


@BOTH
def test_generation_stops_after_the_end_of_text_only_when_asked(generate):
    ids = generate(MODEL, [3, 1, 4], 9).ids
    end = ids[4]
    stopped = generate(MODEL, [3, 1, 4], 9, stop_ids={end})
    assert stopped.ids == ids[: ids.index(end) + 1]
    assert stopped.stopped == "end"


@BOTH
def test_an_end_of_text_in_the_prompt_stops_nothing(generate):
    ids = generate(MODEL, [3, 1, 4], 2).ids
    unused = next(i for i in range(99) if i not in ids)
    assert len(generate(MODEL, [3, 1, unused], 2, stop_ids={unused}).ids) >= 1


@BOTH
@pytest.mark.parametrize(
    ("prompt", "n_tokens", "message"),
    [
        ([], 1, "no tokens"),
        ([1] * 84, 1, r"84 tokens.*83"),
        ([211], 1, r"id 211.*0 to 210"),
        ([-1], 1, "id -1"),
        ([1], 0, "at least 1"),
    ],
)
def test_what_cannot_be_run_is_refused(generate, prompt, n_tokens, message):
    with pytest.raises(KvlabError, match=message):
        generate(MODEL, prompt, n_tokens)


def test_greedy_takes_the_first_of_two_that_are_equal():
    assert greedy(np.array([0, 5, 5, 1], np.float32)) == 1


def test_one_seed_draws_one_text_and_another_seed_another():
    texts = [generate_cached(MODEL, [1], 40, sampler(2.0, None, seed)).ids for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_top_k_draws_among_the_k_best_only_and_top_1_is_greedy():
    logits = np.random.default_rng(0).standard_normal(211).astype(np.float32)
    pick = sampler(5.0, 3, seed=0)
    assert {pick(logits) for _ in range(200)} == set(np.argsort(-logits)[:3])
    assert {sampler(9.0, 1, seed)(logits) for seed in range(20)} == {greedy(logits)}


def test_ties_at_the_cut_leave_exactly_k_candidates():
    pick = sampler(1.0, 2, seed=0)
    assert {pick(np.zeros(7, np.float32)) for _ in range(100)} == {0, 1}


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_follows_the_softmax_of_the_logits_over_the_temperature(temperature):
    logits = temperature * np.log(np.array([0.1, 0.2, 0.7], np.float32))
    pick = sampler(temperature, None, seed=0)
    counts = np.bincount([pick(logits) for _ in range(4000)], minlength=3) / 4000
    # Three standard deviations of a share at 4,000 draws are 0.024 at most.
    np.testing.assert_allclose(counts, [0.1, 0.2, 0.7], atol=0.024)


@pytest.mark.parametrize(
    ("temperature", "top_k", "message"),
    [
        (0.0, None, "temperature is 0.0"),
        (-1.0, None, "temperature is -1.0"),
        (float("nan"), None, "temperature is nan"),
        (float("inf"), None, "temperature is inf"),
        (1.0, 0, "top-k is 0"),
    ],
)
def test_an_impossible_sampling_is_refused(temperature, top_k, message):
    with pytest.raises(KvlabError, match=message):
        sampler(temperature, top_k, 0)


def test_a_cache_that_holds_something_is_refused():
    cache = DenseCache.for_model(PRIMES)
    generate_cached(MODEL, [1], 1, cache=cache)
    with pytest.raises(KvlabError, match="holds 1 tokens already"):
        generate_cached(MODEL, [1], 1, cache=cache)


@pytest.mark.parametrize("pick", [greedy, sampler(1.0, None, 0)], ids=["greedy", "sampled"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused_and_not_turned_into_a_token(pick, bad):
    with pytest.raises(KvlabError, match="not finite"):
        pick(np.array([0, bad, 1], np.float32))
