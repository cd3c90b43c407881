"""kvlab against what the transformers library said, as golden files keep it; `make peers` asks the library itself."""

import pytest
from agreement import BOUND, choices, decode_along, distance, prefill
from golden_files import NAMES, model_folder, path_of, prompts_of, read_golden

from kvlab.decoding.generation import generate_cached
from kvlab.model import load_model


@pytest.fixture(params=NAMES)
def golden(request):
    return read_golden(request.param)


@pytest.fixture
def model(golden, tmp_path):
    return load_model(model_folder(golden, tmp_path))


def test_logits_are_those_of_the_transformers_library(model, golden):
    logits = prefill(model, golden["ids"]).logits[-len(golden["logits"]) :]
    assert distance(logits, golden["logits"]) <= BOUND


def test_keys_and_values_of_every_layer_are_those_of_the_transformers_library(model, golden):
    _, keys, values = prefill(model, golden["ids"])
    assert distance(keys, golden["keys"]) <= BOUND
    assert distance(values, golden["values"]) <= BOUND


def test_20_texts_of_64_tokens_are_those_of_the_transformers_library(model, golden):
    texts = [generate_cached(model, prompt, 64).ids for prompt in prompts_of(golden)]
    assert len(texts) == 20
    assert texts == [tuple(text) for text in golden["texts"].tolist()]


def test_no_step_of_those_texts_is_a_near_tie_that_another_machine_could_decide_otherwise(model, golden):
    for prompt, text in zip(prompts_of(golden), golden["texts"], strict=True):
        assert choices(decode_along(model, prompt, text), text) == (0, 0)


def test_the_golden_files_are_small():
    assert sum(path_of(name).stat().st_size for name in NAMES) < 300_000
