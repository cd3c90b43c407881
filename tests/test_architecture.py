import dataclasses

import pytest

from kvlab.architecture import Architecture, gpt2_architecture
from kvlab.errors import KvlabError

CONFIG = {"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 128, "vocab_size": 512}


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
    with pytest.raises(KvlabError, match=r"n_layers is .*positive integer"):
        Architecture("bad", "gpt2", bad, 64, 4, 4, 16, 256, 512, 128)
    with pytest.raises(KvlabError, match=r"n_layer is .*config\.json"):
        gpt2_architecture(CONFIG | {"n_layer": bad}, "bad")


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
