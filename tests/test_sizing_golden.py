"""The formula against what the transformers library stored, as the golden file keeps it; `make peers` asks it anew."""

import pytest
from properties import hold_for_each
from sizing_case import EXPLANATIONS
from sizing_cases import CASES, SMALL
from sizing_cases_refused import ODD, REFUSED
from sizing_golden import PATH, by_formula, read_golden_caches

from kvlab.errors import KvlabError
from kvlab.sizing import model_types, read_decoder

GOLDEN = read_golden_caches()["cases"]


def each_case(check):
    """Make a test of what holds for each case, by its name."""

    def test():
        hold_for_each(check, {name: name for name in CASES})

    return test


@each_case
def test_bytes_and_parameters_are_those_that_the_library_has(name):
    decoder = read_decoder(CASES[name].config, name)
    assert by_formula(CASES[name], decoder, GOLDEN[name]["bytes"]) == GOLDEN[name]


@each_case
def test_what_the_library_does_otherwise_is_named_only_where_it_does(name):
    case, decoder = CASES[name], read_decoder(CASES[name].config, name)
    for explanation in case.explained:
        others = case._replace(explained=tuple(other for other in case.explained if other != explanation))
        assert by_formula(others, decoder, GOLDEN[name]["bytes"]) != GOLDEN[name], explanation


def test_every_explanation_explains_something():
    assert {explanation for case in CASES.values() for explanation in case.explained} == set(EXPLANATIONS)


def test_every_model_type_has_a_case_and_every_case_was_measured():
    assert {case.config["model_type"] for case in CASES.values()} == set(model_types())
    assert GOLDEN.keys() == CASES.keys()


@each_case
def test_contexts_end_before_and_after_every_window(name):
    contexts = {row[0] for row in GOLDEN[name]["bytes"]}
    for window in {group.window for group in read_decoder(CASES[name].config, name).layers} - {None}:
        assert contexts >= {window - 1, window + 1} - {0}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.config['model_type']}, {case.key}")
def test_what_the_library_could_not_be_or_would_not_honour_is_refused(case):
    read_decoder(case.config, "it")
    with pytest.raises(KvlabError) as error:
        read_decoder({**case.config, case.key: case.value}, "it")
    assert case.said in str(error.value)


@pytest.mark.parametrize("key", ODD)
def test_a_family_that_reads_none_of_them_refuses_every_key_that_changes_what_others_store(key):
    config = CASES["gpt_neox, untied"].config
    assert read_decoder({**config, key: None}, "it").layers == read_decoder(config, "it").layers
    with pytest.raises(KvlabError, match=key):
        read_decoder({**config, key: ODD[key]}, "it")


def inferred(name, *without):
    config = {key: value for key, value in CASES[name].config.items() if key not in without}
    return {entry.key for entry in read_decoder(config, name).inferred}


def test_nothing_is_inferred_that_is_written():
    def check(name):
        assert not inferred(name) & {key for key, value in SMALL[name].config.items() if value is not None}

    hold_for_each(check, {name: name for name in SMALL})


@pytest.mark.parametrize("name", ["gemma3_text, listed", "cohere2, listed", "qwen3_next, listed", "olmo3"])
def test_no_period_is_inferred_where_layers_are_listed_or_the_family_has_no_key_for_it(name):
    assert None not in inferred(name)
    assert not inferred(name, *PERIODS) & {*PERIODS}


PERIODS = ("sliding_window_pattern", "full_attention_interval")


def test_no_width_is_inferred_of_an_mlp_that_no_layer_has():
    assert "intermediate_size" not in inferred("qwen3_moe", "intermediate_size")
    assert "intermediate_size_mlp" not in inferred("llama4_text", "intermediate_size_mlp")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("deepseek_v2", ""),
        ("deepseek_v3", "predict more than one token"),
        ("qwen3_next", "predict more than one token"),
        ("gemma3n_text, biases, no layer shares", ""),
        ("gemma3n_text", "layers that share a cache"),
        ("gemma3n, tied", "layers that share a cache"),
        ("gemma3n, tied", "towers"),
        ("gemma3, untied", "towers"),
    ],
)
def test_what_the_parameters_leave_out_is_said(name, said):
    note = read_decoder(CASES[name].config, name).note
    assert said in note
    assert bool(note) == bool(said)


OUTER = {"model_type": "mistral3", "text_config": {"model_type": "mistral"}}


@pytest.mark.parametrize(
    ("outer", "text", "head"),
    [
        ({}, {}, "tied"),  # Mistral3Config's default
        ({"tie_word_embeddings": True}, {"tie_word_embeddings": False}, "tied"),  # MistralConfig's default
        ({"tie_word_embeddings": False}, {}, "untied"),
        ({"tie_word_embeddings": False}, {"tie_word_embeddings": False}, "untied"),
        ({"tie_word_embeddings": False}, {"tie_word_embeddings": True}, "unknown"),
        ({}, {"tie_word_embeddings": False}, "unknown"),
        ({}, {"tie_word_embeddings": True}, "tied"),
    ],
)
def test_a_written_flag_that_another_denies_leaves_the_parameters_unknown_but_for_a_default(outer, text, head):
    decoder = read_decoder({**OUTER, **outer, "text_config": {**OUTER["text_config"], **text}}, "it")
    alone = read_decoder({**OUTER["text_config"], "tie_word_embeddings": head == "tied"}, "it")
    assert decoder.parameters == (None if head == "unknown" else alone.parameters)
    assert decoder.layers == alone.layers


def test_the_file_is_small():
    assert PATH.stat().st_size < 200_000
