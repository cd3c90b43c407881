"""Protects the reading of a model's config.json: every shape by its name, and what cannot be run refused by its key."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from kvlab.architecture import Architecture, gpt2_architecture, llama_architecture, read_architecture
from kvlab.errors import KvlabError

CONFIG = {"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 128, "vocab_size": 512}
LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "hidden_size": 84,
    "intermediate_size": 109,
    "vocab_size": 211,
    "max_position_embeddings": 83,
}


def test_an_architecture_is_frozen():
    a = gpt2_architecture(CONFIG, "mini")
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.n_layers = 3


def test_a_config_gives_every_shape_by_its_standard_name():
    a = gpt2_architecture(CONFIG, "mini")
    assert (a.n_layers, a.d_model, a.n_heads, a.n_kv_heads, a.head_dim) == (2, 64, 4, 4, 16)
    assert (a.d_ff, a.vocab_size, a.max_context, a.tied_head, a.norm_epsilon) == (256, 512, 128, True, 1e-5)
    assert (a.name, a.family) == ("mini", "gpt2")


def test_n_inner_overrides_four_times_the_width():
    assert gpt2_architecture(CONFIG | {"n_inner": 100}, "mini").d_ff == 100


def test_head_and_epsilon_are_what_the_config_says():
    a = gpt2_architecture(CONFIG | {"tie_word_embeddings": False, "layer_norm_epsilon": 1e-6}, "mini")
    assert (a.tied_head, a.norm_epsilon) == (False, 1e-6)


@pytest.mark.parametrize("name", ["gelu_new", "gelu_pytorch_tanh"])
def test_the_one_gelu_is_known_by_both_of_its_names(name):
    assert gpt2_architecture(CONFIG | {"activation_function": name}, "mini") == gpt2_architecture(CONFIG, "mini")


def test_heads_that_do_not_divide_are_refused_with_both_numbers():
    with pytest.raises(KvlabError, match=r"64.*5"):
        gpt2_architecture(CONFIG | {"n_head": 5}, "mini")
    with pytest.raises(KvlabError, match=r"n_heads 6.*n_kv_heads 4"):
        Architecture("odd", "gpt2", 2, 96, 6, 4, 16, 256, 512, 128)


@pytest.mark.parametrize("bad", [0, -1, 2.0, "2", None, True])
def test_a_shape_that_is_no_positive_integer_is_refused_by_name(bad):
    with pytest.raises(KvlabError, match=r"n_layers is .*a whole number from 1 on"):
        Architecture("bad", "gpt2", bad, 64, 4, 4, 16, 256, 512, 128)
    with pytest.raises(KvlabError, match=r"n_layer is .*config\.json"):
        gpt2_architecture(CONFIG | {"n_layer": bad}, "bad")


def test_a_shape_of_numpy_becomes_a_number_without_a_largest():
    assert type(Architecture("wide", "gpt2", np.int32(2), 64, 4, 4, 16, 256, 512, 128).n_layers) is int


@pytest.mark.parametrize("key", [k for k in CONFIG if k != "model_type"])
def test_a_missing_key_is_named(key):
    with pytest.raises(KvlabError, match=f"{key} is missing"):
        gpt2_architecture({k: v for k, v in CONFIG.items() if k != key}, "bad")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("activation_function", "relu"),
        ("scale_attn_by_inverse_layer_idx", True),
        ("scale_attn_weights", False),
        ("add_cross_attention", True),
        ("tie_word_embeddings", "yes"),
        ("layer_norm_epsilon", "small"),
        ("layer_norm_epsilon", 0.0),
        ("layer_norm_epsilon", 1.0),
    ],
)
def test_what_the_forward_pass_does_not_implement_is_refused_by_name(key, value):
    with pytest.raises(KvlabError, match=key):
        gpt2_architecture(CONFIG | {key: value}, "bad")


def test_a_llama_config_gives_every_shape_by_its_standard_name_and_the_librarys_defaults():
    a = llama_architecture(LLAMA, "small")
    assert (a.name, a.family) == ("small", "llama")
    assert (a.n_layers, a.d_model, a.n_heads, a.n_kv_heads, a.head_dim) == (3, 84, 6, 6, 14)
    assert (a.d_ff, a.vocab_size, a.max_context) == (109, 211, 83)
    assert (a.tied_head, a.norm_epsilon, a.rope_theta) == (False, 1e-6, 10_000.0)


def test_what_a_llama_config_gives_overrides_the_defaults():
    given_ = {"num_key_value_heads": 2, "head_dim": 22, "tie_word_embeddings": True, "rms_norm_eps": 1e-5}
    a = llama_architecture(LLAMA | given_ | {"rope_theta": 500_000}, "small")
    assert (a.n_kv_heads, a.head_dim, a.tied_head, a.norm_epsilon, a.rope_theta) == (2, 22, True, 1e-5, 500_000.0)
    assert isinstance(a.rope_theta, float)


@pytest.mark.parametrize("key", ["num_key_value_heads", "head_dim", "rope_theta", "rope_scaling", "rope_parameters"])
def test_null_is_as_good_as_absent_where_the_library_writes_it(key):
    assert llama_architecture(LLAMA | {key: None}, "small") == llama_architecture(LLAMA, "small")


def test_heads_may_be_wider_than_the_width_over_their_number_and_it_need_not_divide_then():
    with pytest.raises(KvlabError, match=r"hidden_size 85.*num_attention_heads 6; give head_dim"):
        llama_architecture(LLAMA | {"hidden_size": 85}, "small")
    assert llama_architecture(LLAMA | {"hidden_size": 85, "head_dim": 32}, "small").head_dim == 32


@pytest.mark.parametrize(("changes", "head_dim"), [({"head_dim": 21}, 21), ({"num_attention_heads": 4}, 21)])
def test_an_odd_head_size_cannot_be_turned_in_pairs(changes, head_dim):
    with pytest.raises(KvlabError, match=f"head_dim {head_dim} is odd"):
        llama_architecture(LLAMA | changes, "small")


@pytest.mark.parametrize(
    "plain",
    [
        {"rope_theta": 5e5},
        {"rope_theta": 5e5, "rope_scaling": {}},
        {"rope_scaling": {"type": "default", "rope_theta": 5e5}},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 500_000}},
        {"rope_parameters": {"rope_theta": 5e5, "partial_rotary_factor": 1.0, "factor": None}, "rope_theta": 500_000},
        {"rope_theta": 5e5, "partial_rotary_factor": 1.0},
        {"rope_theta": 5e5, "partial_rotary_factor": None},
    ],
)
def test_the_base_of_plain_rotary_positions_is_read_wherever_the_library_has_written_it(plain):
    assert llama_architecture(LLAMA | plain, "small").rope_theta == 500_000.0


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
@pytest.mark.parametrize(
    "scaled",
    [
        {"type": "linear", "factor": 2.0},
        {"rope_type": "linear", "factor": 2.0},
        {"rope_type": "dynamic", "factor": 2.0},
        {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096},
        {"rope_type": "longrope", "short_factor": [1.0], "long_factor": [2.0]},
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "rope_theta": 5e5},
        {"factor": 2.0},
        {"partial_rotary_factor": 0.5},
        {"rope_type": "default", "partial_rotary_factor": 0.5},
        {"full_attention": {"rope_type": "default"}},
        {"rope_type": 7},
        {"factor": float("nan")},
    ],
    ids=str,
)
def test_scaled_rotary_positions_are_refused_by_the_key_that_scales_them(key, scaled):
    with pytest.raises(KvlabError, match=r"rotary positions are scaled \(\w+ is .*\); only plain ones"):
        llama_architecture(LLAMA | {key: scaled}, "small")


def test_a_scaling_is_not_hidden_by_another_key_that_says_there_is_none():
    plain, scaled = {"rope_type": "default", "factor": 1.0}, {"rope_type": "linear", "factor": 2.0}
    for config in (
        {"rope_scaling": scaled, "rope_parameters": plain},
        {"rope_scaling": plain, "rope_parameters": scaled},
    ):
        with pytest.raises(KvlabError, match="rope_type is 'linear'"):
            llama_architecture(LLAMA | config, "small")


@pytest.mark.parametrize(
    "config",
    [
        {"rope_theta": 5e5, "rope_parameters": {"rope_theta": 10_000.0}},
        {"rope_theta": 5e5, "rope_scaling": {"rope_theta": 10_000.0}},
        {"rope_scaling": {"rope_theta": 5e5}, "rope_parameters": {"rope_theta": 10_000.0}},
    ],
)
def test_two_bases_that_contradict_each_other_are_refused_with_both(config):
    with pytest.raises(KvlabError, match="rope_theta is given twice") as refused:
        llama_architecture(LLAMA | config, "small")
    assert "500000.0" in str(refused.value)
    assert "10000.0" in str(refused.value)


INTEGERS = {
    "gpt2": (CONFIG, ["n_layer", "n_head", "n_embd", "n_positions", "vocab_size", "n_inner"]),
    "llama": (LLAMA, [key for key in LLAMA if key != "model_type"] + ["num_key_value_heads", "head_dim"]),
}
NOT_A_COUNT = [0, -1, 2.0, float("nan"), float("inf"), True, False, "2", "", [], {}]


@pytest.mark.parametrize("bad", NOT_A_COUNT, ids=repr)
@pytest.mark.parametrize(("family", "key"), [(family, key) for family, (_, keys) in INTEGERS.items() for key in keys])
def test_a_count_that_is_no_positive_integer_is_refused_by_its_key_and_value(family, key, bad):
    with pytest.raises(KvlabError, match="positive integer") as refused:
        read_architecture(INTEGERS[family][0] | {key: bad}, "bad")
    assert f"bad: {key} is {bad!r};" in str(refused.value)


@pytest.mark.parametrize(("family", "key"), [(family, key) for family, (_, keys) in INTEGERS.items() for key in keys])
def test_a_count_that_no_machine_could_hold_is_refused_without_being_written_out(family, key):
    with pytest.raises(KvlabError, match=f"{key} has 4300 digits") as refused:
        read_architecture(INTEGERS[family][0] | {key: 8 * 10**4299}, "bad")
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize("key", [key for key in LLAMA if key != "model_type"])
def test_a_missing_key_of_a_llama_config_is_named(key):
    with pytest.raises(KvlabError, match=f"{key} is missing"):
        llama_architecture({k: v for k, v in LLAMA.items() if k != key}, "bad")


@pytest.mark.parametrize(
    ("family", "key", "values"),
    [
        ("llama", "hidden_act", ["gelu", "silu ", None, 1, [], float("nan")]),
        ("llama", "attention_bias", [True, "false", None, 2, [], float("nan")]),
        ("llama", "mlp_bias", [True, "false", None, 2, [], float("nan")]),
        ("llama", "tie_word_embeddings", ["false", None, 0, 1, [], float("nan")]),
        ("llama", "partial_rotary_factor", [0.5, 0, -1.0, "1.0", [], float("nan")]),
        ("llama", "rms_norm_eps", [0.0, 0, -1e-5, 1.0, 1, True, "1e-5", None, [], float("nan"), float("inf")]),
        ("llama", "rope_theta", [0, -1.0, 1, True, "10000", [], {}, float("nan"), float("inf"), 10**400]),
        ("llama", "rope_scaling", [0, True, "linear", [], ["type"], float("nan")]),
        ("llama", "rope_parameters", [0, True, "linear", [], ["type"], float("nan")]),
        ("gpt2", "activation_function", ["gelu", "relu", None, 1, [], float("nan")]),
        ("gpt2", "scale_attn_weights", [False, "true", None, 2, [], float("nan")]),
        ("gpt2", "tie_word_embeddings", ["true", None, 0, 1, [], float("nan")]),
        ("gpt2", "layer_norm_epsilon", [0, -1e-5, 1, True, "1e-5", None, [], float("nan"), float("inf")]),
    ],
)
def test_a_value_that_means_nothing_or_something_else_is_refused_by_its_key(family, key, values):
    for value in values:
        with pytest.raises(KvlabError, match=key):
            read_architecture(INTEGERS[family][0] | {key: value}, "bad")


@pytest.mark.parametrize("model_type", ["mistral", "GPT2", "", None, 7, True, ["llama"], {}, float("nan")], ids=repr)
def test_another_architecture_is_refused_with_those_that_can_be_opened(model_type):
    for config in (CONFIG, LLAMA):
        with pytest.raises(KvlabError, match="only 'gpt2' and 'llama' can be opened"):
            read_architecture(config | {"model_type": model_type}, "bad")
    with pytest.raises(KvlabError, match="model_type is None"):
        read_architecture({}, "bad")


KEYS = sorted(
    {*CONFIG, *LLAMA, "n_inner", "num_key_value_heads", "head_dim", "tie_word_embeddings", "hidden_act", "mlp_bias"}
    | {"attention_bias", "rms_norm_eps", "layer_norm_epsilon", "rope_theta", "rope_scaling", "rope_parameters"}
    | {"activation_function", "scale_attn_weights", "scale_attn_by_inverse_layer_idx", "add_cross_attention"}
    | {"partial_rotary_factor"}
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), st.text(max_size=5))
ropes = st.sampled_from(["type", "rope_type", "factor", "rope_theta", "partial_rotary_factor", "beta"])
json_values = st.one_of(
    scalars,
    st.integers(1, 99),
    st.sampled_from(["gpt2", "llama", "silu", "default", 1e-5, 1e4]),
    st.lists(scalars, max_size=3),
    st.dictionaries(ropes, st.one_of(scalars, st.lists(scalars, max_size=2), st.sampled_from(["default", 1.0, 1e4]))),
)


def read_or_refusal(config):
    try:
        return read_architecture(config, "fuzzed")
    except KvlabError as error:
        return str(error)


@examples(2.5)
@given(st.sampled_from([CONFIG, LLAMA]), st.dictionaries(st.sampled_from(KEYS), json_values, max_size=4))
def test_whatever_a_config_says_it_is_an_architecture_or_refused_in_one_sentence(config, changes):
    a = read_or_refusal(config | changes)
    if isinstance(a, str):
        assert re.fullmatch("fuzzed: .*", a)  # a dot is anything but the end of a line
        return
    assert all(getattr(a, field.name) > 0 for field in dataclasses.fields(a) if field.type in ("int", "float"))
    assert np.isfinite([a.norm_epsilon, a.rope_theta]).all()
    assert a.n_heads % a.n_kv_heads == 0
    assert a.family == "gpt2" or a.head_dim % 2 == 0
