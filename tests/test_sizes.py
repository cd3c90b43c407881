"""What models take by name: against sums over their layers, and numbers that others printed."""

import pytest

from kvlab import catalog
from kvlab.accounting import layers
from kvlab.accounting.formats import ELEMENTS
from kvlab.catalog import sizes
from kvlab.catalog.published import published_figure
from kvlab.errors import KvlabError

GIB = 2**30


def test_a_cache_by_name_is_that_of_the_models_layers():
    assert sizes.cache_bytes("Llama-2-7B", 4096, 1, "fp16") == 2 * GIB
    assert sizes.cache_bytes("DeepSeek-V3", 32768, 1, "q8_0") == 61 * 32768 * 576 // 32 * 34
    # Ten layers keep all tokens, 52 the last 1,024; both have 16 K/V heads of 128.
    assert sizes.cache_bytes("Gemma-3-27B", 32768, 3, "fp16") == 3 * 2 * 16 * 128 * 2 * (10 * 32768 + 52 * 1024)


@pytest.mark.parametrize("context", [0, 1023, 1024, 4096])
def test_the_next_token_costs_what_the_cache_then_takes_more(context):
    more = sizes.cache_bytes("Gemma-3-27B", context + 1, 1, "fp16") - sizes.cache_bytes(
        "Gemma-3-27B", context, 1, "fp16"
    )
    assert sizes.next_token_bytes("Gemma-3-27B", context, "fp16") == more


def test_the_layers_of_one_kind_are_found_and_others_are_refused():
    assert [sizes.layer_group("Gemma-3-27B", kind).count for kind in ("sliding", "full")] == [52, 10]
    with pytest.raises(KvlabError, match="Gemma-3-27B has no 'latent' layers; it has sliding, full"):
        sizes.layer_group("Gemma-3-27B", "latent")


@pytest.mark.parametrize("name", ["Llama-2-7B", "GPT-3 175B", "DeepSeek-V3", "Gemma-3-4B"])
@pytest.mark.parametrize("batch", [1, 7])
def test_at_the_crossing_the_cache_is_larger_than_the_weights_and_one_token_before_it_is_not(name, batch):
    crossing, weights = sizes.crossing(name, batch, "fp16"), sizes.weight_bytes(name, "fp16")
    before, there = (sizes.cache_bytes(name, tokens, batch, "fp16") for tokens in (crossing - 1, crossing))
    assert before <= weights < there


def test_the_crossing_of_llama_2_7b_is_the_known_one():
    assert sizes.crossing("Llama-2-7B", 1, "fp16") == 25_706
    assert sizes.weight_bytes("Llama-2-7B", "fp16") == 2 * 6_738_415_616


def test_a_cache_that_stops_growing_below_the_weights_has_no_crossing():
    with pytest.raises(KvlabError, match=r"the cache of Mistral-7B-v0\.1 never outgrows its weights"):
        sizes.crossing("Mistral-7B-v0.1", 1, "fp16")


@pytest.mark.parametrize("context", [1, 1000, 4096])
def test_as_many_sequences_fit_beside_the_weights_as_leave_no_room_for_one_more(context):
    n = sizes.sequences_beside_weights("Llama-2-7B", "RTX 4090", context, "fp16")
    free = catalog.device("RTX 4090").memory_bytes - sizes.weight_bytes("Llama-2-7B", "fp16")
    one = layers.attention_bytes(catalog.model("Llama-2-7B").decoder.layers, context, 1, ELEMENTS["fp16"])
    assert n * one <= free < (n + 1) * one


def test_a_limit_is_passed_by_one_token_more():
    assert not sizes.over_limit("Llama-2-7B", 4096)
    assert sizes.over_limit("Llama-2-7B", 4097)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sizes.cache_bytes("Lama", 1, 1, "fp16"), "unknown model 'Lama'"),
        (lambda: sizes.cache_bytes("Llama-2-7B", 1, 1, "fp12"), "unknown element format 'fp12'; known are fp32"),
        (lambda: sizes.cache_bytes("Llama-2-7B", -1, 1, "fp16"), "context is -1"),
        (lambda: sizes.memory_bytes("Z80"), "unknown device 'Z80'"),
        (lambda: sizes.sequences_beside_weights("Llama-2-7B", "RTX 4090", 0, "fp16"), "give a context from 1 on"),
        (lambda: published_figure("llama_9b"), "unknown figure 'llama_9b'; known are llama31_8b_4096"),
    ],
)
def test_what_is_not_known_or_impossible_is_refused_by_name(call, message):
    with pytest.raises(KvlabError, match=message):
        call()


def test_a_model_whose_parameters_are_not_counted_has_no_weights(monkeypatch):
    monkeypatch.setattr(sizes.arithmetic, "weight_bytes", lambda decoder, element: None)
    with pytest.raises(KvlabError, match="the parameters of MiniGPT are not counted"):
        sizes.weight_bytes("MiniGPT", "fp32")


def test_a_published_figure_is_quoted_as_it_was_printed():
    assert published_figure("deepseek_v3_f16").published == "2196.00 MiB"


def test_the_sequences_beside_the_weights_are_counted_one_after_the_other_until_the_memory_is_full():
    free, found = 81920 * 2**20 - 2 * 6_738_415_616, 0
    while free >= 2 * 32 * 32 * 128 * 1009 * 2:
        free, found = free - 2 * 32 * 32 * 128 * 1009 * 2, found + 1
    assert sizes.sequences_beside_weights("Llama-2-7B", "A100 80GB SXM", 1009, "fp16") == found > 100
    assert sizes.sequences_beside_weights("GPT-3 175B", "A100 80GB SXM", 1009, "fp16") == 0
