"""The six models and the two memories of `cache-sizing`: published sizes, counted loops, and readings of a GB."""

import pytest

from kvlab import catalog
from kvlab.errors import KvlabError
from kvlab.experiments import cache_sizing

KIB, MIB, GIB = 2**10, 2**20, 2**30
ROWS = {row.model: row for row in cache_sizing.forward()}


def test_a_token_of_each_model_takes_what_is_published():
    expected = {
        "MiniGPT": KIB,
        "GPT-2 small": 36 * KIB,
        "Llama-2-7B": 512 * KIB,
        "Llama-2-70B": 320 * KIB,
        "GPT-3 175B": 4608 * KIB,
        "Mistral-7B-v0.1": 128 * KIB,
    }
    assert {model: row.token_bytes for model, row in ROWS.items()} == expected


def test_contexts_take_as_many_tokens_and_a_window_takes_no_more_than_it_holds():
    for model, row in ROWS.items():
        assert row.context_bytes[4096] == sum(row.token_bytes for _ in range(4096))
        most = 4096 if model == "Mistral-7B-v0.1" else 32768
        assert row.context_bytes[32768] == sum(row.token_bytes for _ in range(most))


def test_contexts_beyond_a_models_own_limit_are_hypothetical():
    both, longer = (4096, 32768), (32768,)
    assert {model: row.hypothetical for model, row in ROWS.items()} == {
        "MiniGPT": both,
        "GPT-2 small": both,
        "Llama-2-7B": longer,
        "Llama-2-70B": longer,
        "GPT-3 175B": both,
        "Mistral-7B-v0.1": (),
    }


def test_what_fits_beside_the_weights_one_token_more_would_not():
    found = {(fit.reading, fit.weights_bytes): fit for fit in cache_sizing.fitted()}
    rounded, exact = 14 * GIB, 2 * 6_738_415_616
    assert {key: tuple(fit.tokens.values()) for key, fit in found.items()} == {
        ("reported", rounded): (53_248, 6_656),
        ("GB", rounded): (47_621, 5_952),
        ("reported", exact): (56_214, 7_026),
        ("GB", exact): (50_588, 6_323),
    }
    for fit in found.values():
        assert fit.memory_bytes == fit.weights_bytes + fit.free_bytes
        assert fit.over_limit
        for batch, tokens in fit.tokens.items():
            assert batch * tokens * 512 * KIB <= fit.free_bytes < batch * (tokens + 1) * 512 * KIB


def test_weights_take_as_many_devices_as_are_filled_one_after_the_other():
    spread = cache_sizing.spread()
    assert [(it.dtype, it.reading, it.devices) for it in spread] == [
        *[("fp16", reading, 5) for reading in cache_sizing.READINGS],
        *[("int8", reading, 3) for reading in cache_sizing.READINGS],
    ]
    for it in spread:
        left, devices = it.weights_bytes, 0
        while left > 0:
            left, devices = left - it.memory_bytes, devices + 1
        assert (devices, -left) == (it.devices, it.free_bytes)


def test_a_name_is_read_in_three_ways_and_what_says_the_same_is_said_once():
    assert cache_sizing.memory_read("H100 80GB SXM", "reported") == 81_559 * MIB
    assert cache_sizing.memory_read("H100 80GB SXM", "GiB") == 80 * GIB
    assert cache_sizing.memory_read("H100 80GB SXM", "GB") == 80 * 10**9
    assert cache_sizing.distinct_readings("H100 80GB SXM") == ["reported", "GiB", "GB"]
    assert cache_sizing.distinct_readings("A100 40GB") == ["reported", "GB"]
    with pytest.raises(KvlabError, match="unknown reading 'MiB'; known are reported, GiB, GB"):
        cache_sizing.memory_read("H100 80GB SXM", "MiB")


def test_a_window_stores_no_more_tokens_than_it_holds():
    assert [cache_sizing.tokens_stored("Mistral-7B-v0.1", context) for context in (4095, 4096, 4097)] == [
        4095,
        4096,
        4096,
    ]
    assert cache_sizing.tokens_stored("Mistral-7B-v0.3", 32_768) == 32_768
    with pytest.raises(KvlabError, match="the layers of Gemma-3-27B are of 2 kinds"):
        cache_sizing.tokens_stored("Gemma-3-27B", 4096)


def test_heads_are_shared_evenly_and_no_device_goes_without():
    heads = catalog.model("GPT-3 175B").decoder.n_heads
    assert cache_sizing.dividing_devices("GPT-3 175B", 5) == 6
    assert cache_sizing.dividing_devices("GPT-3 175B", 6) == 6
    assert cache_sizing.dividing_devices("GPT-3 175B", heads) == heads == 96
    with pytest.raises(KvlabError, match="has 96 heads, and 97 devices were asked for"):
        cache_sizing.dividing_devices("GPT-3 175B", 97)


def test_devices_together_have_the_memory_of_all():
    assert cache_sizing.devices_memory("H100 80GB SXM", 3) == (81_559 + 81_559 + 81_559) * MIB
