"""The usual mistakes of a size: what each gives, counted here by hand, and what `kvlab diagnose` says of a figure."""

import dataclasses
import json

import pytest
from command_line import kvlab

from kvlab import catalog
from kvlab.accounting.formats import ELEMENTS
from kvlab.accounting.layers import Layers
from kvlab.catalog import mistakes
from kvlab.catalog.mistakes import MISTAKES, SENTENCES, Case, diagnosed, mistakes_of
from kvlab.errors import KvlabError
from kvlab.sizing.decoder import Decoder

L, H, H_KV, D_H, D, S, B, N = 5, 14, 7, 11, 42, 3 * 1024, 13, 1009  # d / H is 3, and no head has that size


def decoder(*layers, **changed):
    shape = {"d_model": D, "n_heads": H, "d_ff": 17, "vocab_size": 19, "max_context": 23, "parameters": N}
    return Decoder(layers or (Layers("full", L, H_KV, D_H, D_H),), **(shape | changed))


def case(of=None, context=S, batch=B, dtype="fp16"):
    return Case(of or decoder(), context, batch, ELEMENTS[dtype])


def test_each_mistake_gives_what_its_factors_give():
    right = 2 * L * H_KV * D_H * S * B * 2
    assert case().size == right
    assert mistakes_of(case()) == {
        "query_heads": 2 * L * H * D_H * S * B * 2,
        "thousand": 2 * L * H_KV * D_H * 3000 * B * 2,
        "two_lost": L * H_KV * D_H * S * B * 2,
        "two_doubled": 4 * L * H_KV * D_H * S * B * 2,
        "bits": 2 * L * H_KV * D_H * S * B * 16,
        "element_size": 2 * L * H_KV * D_H * S * B * 4,
        "weights": right + N * 2,
        "one_layer": 2 * H_KV * D_H * S * B * 2,
        "batch": 2 * L * H_KV * D_H * S * 2,
        "head_size": 2 * L * H_KV * 3 * S * B * 2,
    }


def test_what_changes_nothing_is_no_mistake():
    plain = decoder(Layers("full", 1, H, D // H, D // H), parameters=None)
    assert set(mistakes_of(case(plain, context=3, batch=1))) == {"two_lost", "two_doubled", "bits", "element_size"}
    assert "head_size" not in mistakes_of(case(decoder(d_model=D + 1)))


def test_of_two_kinds_of_layers_one_layer_is_the_larger_and_only_a_window_can_be_ignored():
    mixed = decoder(Layers("sliding", 3, H_KV, D_H, D_H, window=64), Layers("full", 2, H_KV, D_H, D_H))
    found = mistakes_of(case(mixed))
    token = 2 * H_KV * D_H * 2 * B
    assert case(mixed).size == token * (3 * 64 + 2 * S)
    assert found["one_layer"] == token * S
    assert found["window"] == token * 5 * S


def test_a_latent_has_no_second_half_to_lose_and_no_heads():
    latent = decoder(Layers("latent", L, 1, 576, 0))
    found = mistakes_of(case(latent))
    assert not {"two_lost", "query_heads", "head_size"} & set(found)
    assert found["two_doubled"] == 2 * case(latent).size


def test_blocks_keep_their_scales():
    assert mistakes_of(case(dtype="q8_0"))["bits"] == 8 * case(dtype="q8_0").size
    assert "element_size" not in mistakes_of(case(dtype="q8_0"))


def test_every_mistake_has_its_sentence():
    assert set(SENTENCES) == {*MISTAKES, "units"}


def test_what_fits_alike_is_all_named():
    """In Llama-2-70B eight query heads share a K/V head, and eight bits are a byte."""
    of = case(catalog.model("Llama-2-70B").decoder, 4096, 1)
    assert diagnosed(of, "10 GiB").mistakes == ("query_heads", "bits")
    assert diagnosed(of, "1.25 GiB").kind == "right"
    assert diagnosed(of, "1.34 GiB").mistakes == ("units",)
    assert diagnosed(of, "5 GiB") == ("wrong", ())


# What fits, and how many devices: each mistake by hand.

GIB, TOKEN = 2**30, 524_288  # bytes; of a token of Llama-2-7B in fp16


def test_the_tokens_that_seem_to_fit():
    assert mistakes.mistaken_tokens("Llama-2-7B", 40 * GIB, 14 * GIB, 8, "fp16") == {
        "two_lost": 26 * GIB // (4 * TOKEN),
        "two_doubled": 26 * GIB // (16 * TOKEN),
        "bits": 26 * GIB // (64 * TOKEN),
        "element_size": 26 * GIB // (16 * TOKEN),
        "one_layer": 26 * GIB // (8 * TOKEN // 32),
        "batch": 26 * GIB // TOKEN,
        "weights": 40 * GIB // (8 * TOKEN),
        "units": (40 * 10**9 - 14 * GIB) // (8 * TOKEN),
    }
    in_decimal = mistakes.mistaken_tokens("Llama-2-7B", 40 * 10**9, 14 * GIB, 1, "fp16")
    assert in_decimal["units"] == 26 * GIB // TOKEN
    assert "units" not in mistakes.mistaken_tokens("Llama-2-7B", 40 * GIB + 1, 14 * GIB, 1, "fp16")
    assert mistakes.mistaken_free(40 * 10**9, 14 * GIB) == {"weights": 40 * 10**9, "units": 26 * GIB}


def test_the_devices_that_weights_seem_to_need():
    weights = 174_604_259_328 * 2
    assert mistakes.mistaken_weights("GPT-3 175B", "fp16") == {"bits": 8 * weights, "element_size": weights // 2}
    assert mistakes.mistaken_devices("GPT-3 175B", "H100 80GB SXM", "fp16") == {"bits": 33, "element_size": 3}
    assert mistakes.mistaken_devices("GPT-3 175B", "H100 80GB SXM", "int8") == {"bits": 17, "element_size": 5}


def test_one_mistake_by_name():
    assert mistakes.mistaken("Mistral-7B-v0.1", "window", 32768, 1, "fp16") == 4 * GIB
    with pytest.raises(KvlabError, match="changes nothing for Llama-2-7B"):
        mistakes.mistaken("Llama-2-7B", "window", 32768, 1, "fp16")
    with pytest.raises(KvlabError, match="unknown mistake 'shoes'; known are query_heads"):
        mistakes.mistaken("Llama-2-7B", "shoes", 32768, 1, "fp16")


def test_the_labs_models_are_in_the_catalog_and_their_heads_have_the_size_that_the_page_says():
    for name, _ in mistakes.LAB_MODELS:
        of = catalog.model(name).decoder
        assert of.d_model == of.n_heads * of.layers[0].k_dim
    shapes = [vars(catalog.model(f"Mistral-7B-v0.{version}").decoder.layers[0]) for version in (1, 3)]
    assert {key for key in shapes[0] if shapes[0][key] != shapes[1][key]} == {"kind", "window"}


# The command.


def run(*arguments):
    return kvlab("diagnose", *arguments)


def test_the_command_prints_one_object_with_every_mistake_that_fits():
    done = run("Llama-2-70B", "10,0 GiB", "--context", "4096", "--json")
    assert json.loads(done.stdout) == {
        "model": "Llama-2-70B",
        "context": 4096,
        "batch": 1,
        "dtype": "fp16",
        "number": "10,0 GiB",
        "verdict": "wrong",
        "cache_bytes": 5 * GIB // 4,
        "mistakes": [
            {"mistake": "query_heads", "bytes": 10 * GIB, "factor": 8},
            {"mistake": "bits", "bytes": 10 * GIB, "factor": 8},
        ],
    }
    of_units = json.loads(run("Llama-2-7B", "2.00 GB", "--context", "4096", "--json").stdout)
    assert (of_units["verdict"], of_units["mistakes"]) == (
        "wrong",
        [{"mistake": "units", "bytes": None, "factor": None}],
    )


def test_the_card_says_it_in_words():
    assert "right, at the digits given" in run("Llama-2-7B", "16.0GiB", "--context", "4096", "--batch", "8").stdout
    forgotten = run("Llama-2-7B", "2GiB", "--context", "4096", "--batch", "8")
    assert "the batch was forgotten" in " ".join(forgotten.stdout.replace("│", " ").split())
    assert "none of the usual mistakes" in run("Llama-2-7B", "5 GiB", "--context", "4096").stdout
    assert run("Llama-2-7B", "16GiB", "--context", "32768").stderr.count("hypothetical") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Llama-2-7B", "24G", "--context", "5"), "write GB or GiB: they differ"),
        (("Llama-2-7B", "much", "--context", "5"), "is not a number above 0"),
        (("Llama-2-7C", "24GB", "--context", "5"), "Llama-2-7B"),
        (("Llama-2-7B", "24GB", "--context", "0"), "is not a whole number from 1"),
        (("Llama-2-7B", "24GB"), "--context"),
    ],
)
def test_the_command_refuses_in_one_sentence(arguments, said):
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_a_case_is_not_changed_by_its_mistakes():
    of = case()
    before = dataclasses.asdict(of)
    mistakes_of(of)
    assert dataclasses.asdict(of) == before
