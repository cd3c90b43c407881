"""Sizing against the transformers library's own classes, built without anybody's weights: `make peers`."""

import json
from functools import cache

import pytest
from defaults import PATH, collected
from golden_caches import (
    HEADLESS,
    VERSIONS,
    answers,
    build,
    configuration,
    filled_cache,
    heads,
    layers,
    measured,
    shape,
)
from sizing_case import WINDOW, Case, row
from sizing_cases import CASES, SMALL
from sizing_cases_refused import BREAKS, HONOURED, IGNORED, ODD, REFUSED
from sizing_golden import by_formula, read_golden_caches

from kvlab.errors import KvlabError
from kvlab.sizing import read_decoder
from kvlab.sizing.config_reader import STORING
from kvlab.sizing.families.registry import FAMILIES

now = cache(measured)
QUESTIONS = [(1, 1), (29, 1)]


def read_or_none(config):
    try:
        return read_decoder(config, "it")
    except KvlabError:
        return None


def class_or_none(config):
    """Return what the class of a small configuration has and stores; None where it cannot be built or run."""
    try:
        return answers(configuration(config), QUESTIONS)
    except Exception:  # whatever it stumbles over
        return None


def first_case(model_type):
    return next(case for case in SMALL.values() if case.config["model_type"] == model_type)


@cache
def class_of_first_case(model_type):
    return class_or_none(first_case(model_type).config)


# Every case, live.


@pytest.mark.parametrize("name", CASES)
def test_bytes_and_parameters_are_those_of_the_librarys_class(name):
    case, found = CASES[name], now(name)
    assert by_formula(case, read_decoder(case.config, name), found["bytes"]) == found


@pytest.mark.parametrize("name", CASES)
def test_the_golden_file_holds_what_the_class_stores_today(name):
    assert read_golden_caches()["cases"][name] == now(name), "run `make golden`"


def test_the_golden_file_is_of_these_versions():
    assert read_golden_caches()["versions"] == VERSIONS, "run `make golden`"


@pytest.mark.parametrize("name", CASES)
def test_a_configuration_is_read_the_same_as_the_library_saves_it(name):
    config = CASES[name].config
    written = {**vars(read_decoder(config, name)), "inferred": ()}
    for use_diff in (True, False):
        saved = json.loads(configuration(config).to_json_string(use_diff))
        assert {**vars(read_decoder(saved, name)), "inferred": ()} == written, use_diff


# What is inferred.


def test_the_defaults_are_those_of_the_classes():
    assert json.loads(PATH.read_text(encoding="utf-8")) == json.loads(json.dumps(collected())), "run `make golden`"


# What a class cannot do without, though its default is null or there is none.
NEEDED = {
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 48},
    **{model_type: {"tie_word_embeddings": True} for model_type in HEADLESS},
}
SHORT = 5  # layers, which is enough for one of each kind


@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_bare_model_type_has_the_sizes_and_layers_that_its_class_derives(model_type):
    case = bare(model_type)
    read, resolved = by_formula(case, read_decoder(case.config, model_type)), configuration(case.config)
    assert (read["shape"], read["layers"]) == (shape(resolved), layers(resolved))


@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_bare_model_type_has_the_heads_that_its_class_caches(model_type):
    case = bare(model_type)
    short = filled_cache(build(shortened(configuration(case.config)), "meta"), 1, 1)
    assert by_formula(case, read_decoder(case.config, model_type))["heads"] == heads(short)


def bare(model_type):
    return row(model_type, NEEDED.get(model_type, {}))


def shortened(config):
    """Return a class's own configuration with fewer layers, whose forward pass needs no numbers."""
    config.num_hidden_layers = SHORT
    for per_layer in ("layer_types", "attention_layers", "no_rope_layers", "intermediate_size"):
        listed = getattr(config, per_layer, None)
        if isinstance(listed, list) and len(listed) > SHORT:
            setattr(config, per_layer, listed[:SHORT])
    if config.model_type == "gemma3n_text":
        config.num_kv_shared_layers, config.activation_sparsity_pattern = 0, [0.0] * SHORT
    if config.model_type == "deepseek_v2":
        config.first_k_dense_replace = SHORT  # its experts are 1407 wide by default, for which there is no kernel
    return config


# What is written, and does not belong there.


def here_and_there(model_type, key, value):
    """Return a family's first case with a key changed: as it is read here, and as its class has it."""
    case = first_case(model_type)
    changed = Case({**case.config, key: value}, tuple(dict.fromkeys((*case.explained, WINDOW))))
    decoder = read_or_none(changed.config)
    return decoder and by_formula(changed, decoder, QUESTIONS), class_or_none(changed.config)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_head_dim_is_honoured_or_refused_as_its_class_honours_it_or_not(model_type):
    decoder, stored = here_and_there(model_type, "head_dim", 24)
    is_honoured = stored not in (None, class_of_first_case(model_type))
    assert decoder == (stored if is_honoured else None)


def test_all_keys_that_change_what_some_family_stores_are_tried():
    assert {*STORING, "layer_types"} == ODD.keys()


@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_key_that_changes_what_is_stored_is_refused_or_read_as_the_class_does(model_type):
    for key, value in ODD.items():
        if read_or_none({**first_case(model_type).config, key: value}) is not None:
            decoder, stored = here_and_there(model_type, key, value)
            assert decoder == stored, key


def test_many_classes_would_take_a_window_that_their_family_has_not():
    for model_type in ("gpt_neox", "llama", "falcon", "gemma", "cohere", "olmoe", "granite", "deepseek_v3"):
        decoder, stored = here_and_there(model_type, "sliding_window", 3)
        assert decoder is None
        assert stored["bytes"] != class_of_first_case(model_type)["bytes"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.config['model_type']}, {case.key}")
def test_what_is_refused_breaks_the_class_is_ignored_by_it_or_honoured_unasked(case):
    plain, changed = class_or_none(case.config), class_or_none({**case.config, case.key: case.value})
    assert plain is not None
    outcome = BREAKS if changed is None else IGNORED if changed == plain else HONOURED
    assert outcome == case.outcome
