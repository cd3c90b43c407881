"""Reading any config.json: what is known is read, what is missing is inferred by name, and nothing is guessed."""

import json

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from properties import examples

from kvlab import catalog
from kvlab.accounting import parameters
from kvlab.architecture import gpt2_architecture, llama_architecture, read_config
from kvlab.errors import KvlabError
from kvlab.sizing import model_types, read_decoder
from kvlab.sizing.config_reader import defaults_of
from kvlab.sizing.families import registry
from kvlab.training import MINIGPT

LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 3,
    "hidden_size": 70,
    "num_attention_heads": 14,
    "num_key_value_heads": 7,
    "intermediate_size": 109,
    "vocab_size": 211,
    "max_position_embeddings": 83,
    "tie_word_embeddings": False,
}
GEMMA = {**LLAMA, "model_type": "gemma3_text", "head_dim": 22, "sliding_window": 11}


def refusal(config):
    with pytest.raises(KvlabError) as error:
        read_decoder(config, "my model")
    sentence = str(error.value)
    assert sentence.startswith("my model")
    assert len(sentence) < 1000
    return sentence


def read_or_refuse(config):
    """Return a decoder or a sentence; anything else that happens is a failure."""
    try:
        return read_decoder(config, "it"), ""
    except KvlabError as error:
        return None, str(error)


def kinds(config):
    return {group.kind: group.count for group in read_decoder(config, "it").layers}


@pytest.mark.parametrize("model_type", model_types())
def test_without_its_row_a_family_is_refused(model_type, monkeypatch):
    rows = registry.FAMILIES if model_type in registry.FAMILIES else registry.NESTED
    monkeypatch.delitem(rows, model_type)
    assert f'model_type is "{model_type}", which is not known' in refusal({"model_type": model_type})


@pytest.mark.parametrize("model_type", [None, 7, True, [], {}, "", "Llama", "llama ", "t5", "bert", "x" * 10**6])
def test_an_unknown_type_is_refused_whatever_architectures_says(model_type):
    assert "model_type is" in refusal({**LLAMA, "model_type": model_type, "architectures": ["LlamaForCausalLM"]})
    assert "model_type is null" in refusal({"architectures": ["LlamaForCausalLM"]})


def test_the_type_alone_decides_and_not_what_architectures_says():
    decoder = read_decoder({**LLAMA, "architectures": ["GPT2LMHeadModel"]}, "it")
    assert decoder.model_type == "llama"
    assert decoder == read_decoder(LLAMA, "it")


@pytest.mark.parametrize("model_type", registry.FAMILIES)
def test_every_value_that_is_inferred_is_the_default_of_the_class_and_is_named(model_type):
    config = {"model_type": model_type, "tie_word_embeddings": True}
    decoder = read_decoder(config, "it")
    defaults = defaults_of(model_type)
    inferred = {entry.key: entry for entry in decoder.inferred}
    assert {entry.config_class for entry in decoder.inferred} == {defaults.config_class}
    assert inferred.keys() & {"num_hidden_layers", "n_layer", "n_layers", "num_layers"}
    for key, entry in inferred.items():
        assert entry.value == defaults.values.get(key) or defaults.values.get(key) is None, key
    assert "tie_word_embeddings" not in inferred


def test_what_is_written_is_not_inferred_and_what_is_not_is():
    assert {i.key for i in read_decoder(LLAMA, "it").inferred} == {"head_dim", "attention_bias", "mlp_bias"}
    without = {key: value for key, value in LLAMA.items() if key != "num_key_value_heads"}
    found = {i.key: (i.value, i.config_class) for i in read_decoder(without, "it").inferred}
    assert found["num_key_value_heads"] == (14, "LlamaConfig")
    assert found["head_dim"] == (5, "LlamaConfig")


def test_an_explicit_null_is_what_the_class_makes_of_it():
    assert read_decoder({**LLAMA, "num_key_value_heads": None}, "it").n_kv_heads == 14
    mistral = {**LLAMA, "model_type": "mistral"}
    assert read_decoder(mistral, "it").layers[0].window == 4096
    assert read_decoder({**mistral, "sliding_window": None}, "it").layers[0].window is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0, and must be a whole number from 1"),
        ({"num_hidden_layers": -3}, "num_hidden_layers is -3"),
        ({"num_hidden_layers": 2.0}, "num_hidden_layers is 2.0"),
        ({"num_hidden_layers": True}, "num_hidden_layers is true"),
        ({"num_hidden_layers": "3"}, 'num_hidden_layers is "3"'),
        ({"num_hidden_layers": None}, "num_hidden_layers is null"),
        ({"num_hidden_layers": 10**6}, "may be 10,000 at most"),
        ({"hidden_size": 10**16}, "hidden_size is a number above 1,000,000,000,000,000"),
        ({"hidden_size": 71}, "a width of 71 is not a multiple of 14 heads"),
        ({"num_key_value_heads": 4}, "14 query heads cannot be shared out among num_key_value_heads = 4"),
        ({"num_key_value_heads": 28}, "14 query heads cannot be shared out among num_key_value_heads = 28"),
        ({"head_dim": 0}, "head_dim is 0"),
        ({"vocab_size": [1, 2]}, "vocab_size is a list of 2"),
        ({"attention_bias": 1}, "attention_bias is 1, and must be true or false"),
        ({"attention_bias": None}, "attention_bias is null, and must be true or false"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings"),
        ({"sliding_window": 11}, "sliding_window is 11, but LlamaConfig has no such key"),
        ({"use_sliding_window": True}, "use_sliding_window is true, where this family has only false"),
        ({"kv_lora_rank": 512}, "kv_lora_rank is 512, but LlamaConfig has no such key"),
        ({"per_layer_config": {"1": {"head_dim": 9}}}, "per_layer_config is an object of 1"),
        ({"layer_types": ["full_attention", "sliding_attention", "full_attention"]}, "layer_types says otherwise"),
        ({"layer_types": ["full_attention"] * 2}, "layer_types lists 2 layers, and there are 3"),
        ({"layer_types": ["full_attention"] * 2 + ["mamba"]}, 'the layer type "mamba" is unknown; known are full_'),
        ({"layer_types": ["full_attention", None, 7]}, "the layer type null is unknown"),
        ({"layer_types": "full_attention"}, 'layer_types is "full_attention", and must be a list'),
        ({"is_encoder_decoder": True}, "only decoders can be sized"),
    ],
)
def test_what_is_wrong_or_contradicts_itself_is_named(changes, said):
    assert said in refusal({**LLAMA, **changes})


def test_a_harmless_repetition_of_what_a_family_is_changes_nothing():
    plain = read_decoder(LLAMA, "it")
    harmless = {"layer_types": ["full_attention"] * 3, "use_sliding_window": False, "sliding_window": None}
    assert read_decoder({**LLAMA, **harmless}, "it").layers == plain.layers


def test_two_names_of_one_key_must_agree():
    gpt2 = {"model_type": "gpt2", "n_layer": 2, "n_embd": 30, "n_head": 3, "hidden_size": 30}
    assert read_decoder(gpt2, "it").d_model == 30
    assert read_decoder({"model_type": "gpt2", "hidden_size": 24}, "it").d_model == 24
    assert "n_embd is 30 and hidden_size, its other name, 31" in refusal({**gpt2, "hidden_size": 31})


def test_the_layers_with_a_window_are_those_that_the_family_or_the_list_says():
    assert kinds({**GEMMA, "num_hidden_layers": 7}) == {"sliding": 6, "full": 1}
    assert kinds({**GEMMA, "num_hidden_layers": 7, "sliding_window_pattern": 2}) == {"sliding": 4, "full": 3}
    listed = ["full_attention", "full_attention", "sliding_attention"]
    assert kinds({**GEMMA, "layer_types": listed}) == {"full": 2, "sliding": 1}
    assert "sliding_window is null" in refusal({**GEMMA, "sliding_window": None})
    assert "chunked_attention" in refusal({**GEMMA, "layer_types": ["chunked_attention"] * 3})


def test_falcon_caches_one_head_some_or_all():
    falcon = {"model_type": "falcon", "hidden_size": 72, "num_attention_heads": 12, "num_kv_heads": 12}
    assert read_decoder(falcon, "it").n_kv_heads == 1
    assert read_decoder({**falcon, "multi_query": False}, "it").n_kv_heads == 12
    grouped = {**falcon, "new_decoder_architecture": True, "num_kv_heads": 4}
    assert read_decoder(grouped, "it").n_kv_heads == 4
    assert "12 query heads cannot be shared out among num_kv_heads = 5" in refusal({**grouped, "num_kv_heads": 5})


def test_alibi_sets_no_limit_to_the_context():
    assert read_decoder({"model_type": "bloom"}, "it").max_context is None
    assert read_decoder({"model_type": "falcon", "alibi": True}, "it").max_context is None


NESTED = {"model_type": "gemma3", "text_config": {k: v for k, v in GEMMA.items() if k != "tie_word_embeddings"}}


def test_a_nested_decoder_is_read_and_its_parameters_are_said_to_be_of_the_text_alone():
    nested, flat = read_decoder(NESTED, "it"), read_decoder({**GEMMA, "tie_word_embeddings": True}, "it")
    assert (nested.layers, nested.parameters) == (flat.layers, flat.parameters)
    assert "towers" in nested.note
    assert nested.model_type == "gemma3"


def test_a_nested_decoder_that_its_surroundings_contradict_is_refused():
    assert "hidden_size is 71, and in text_config 70" in refusal({**NESTED, "hidden_size": 71})
    assert "text_config is null" in refusal({"model_type": "gemma3"})
    assert "text_config's model_type" in refusal({**NESTED, "text_config": LLAMA})
    assert "text_config's model_type" in refusal({"model_type": "llava", "text_config": {}})
    assert read_decoder({"model_type": "llava", "text_config": LLAMA}, "it").n_layers == 3
    contradicted = read_decoder({**NESTED, "text_config": GEMMA, "tie_word_embeddings": True}, "it")
    assert contradicted.parameters is None
    assert "tied" in contradicted.note


PRINTED = [m for m in catalog.all_models() if m.published_parameters is not None]


@pytest.mark.parametrize("entry", PRINTED, ids=lambda m: m.name)
def test_the_parameters_counted_from_the_shapes_are_the_published_integer(entry):
    assert entry.decoder.parameters == entry.published_parameters
    assert entry.parameters_status == "equal"


def test_only_what_follows_from_other_keys_or_says_yes_or_no_is_inferred_in_the_catalog():
    derived = {"head_dim", "n_inner", "word_embed_proj_dim", "q_lora_rank"}
    for entry in catalog.all_models()[1:]:
        for one in entry.decoder.inferred:
            known = entry.name.startswith(("Gemma-3", "Llama-4"))  # their classes hold what their files leave out
            assert isinstance(one.value, bool) or one.key in derived or known, (entry.name, one)


def test_the_two_readers_of_a_family_that_can_be_run_find_the_same_shapes():
    for config, runnable in (
        (read_config(MINIGPT / "config.json"), gpt2_architecture),
        ({**LLAMA, "num_attention_heads": 7, "head_dim": 6}, llama_architecture),
    ):
        a, decoder = runnable(config, "it"), read_decoder(config, "it")
        for field in ("n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size", "max_context"):
            assert getattr(a, field) == getattr(decoder, field), field


def test_the_count_of_a_gpt2_is_the_formula_that_pages_show():
    mini = catalog.model("MiniGPT").decoder
    shapes = {name: getattr(mini, name) for name in ("n_layers", "d_model", "d_ff", "vocab_size", "max_context")}
    assert mini.parameters == parameters.gpt2_parameters(**shapes)


# Any value in the place of any key, and any JSON: a decoder or one sentence, and nothing else.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(0, 9) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@st.composite
def damaged(draw):
    """Return a configuration of some family, some of whose keys have a value that may be anything."""
    model_type = draw(st.sampled_from(list(registry.FAMILIES)))
    defaults = defaults_of(model_type)
    keys = sorted({*defaults.values, *defaults.aliases, "layer_types", "sliding_window", "num_key_value_heads"})
    changes = draw(st.dictionaries(st.sampled_from(keys), JSON, max_size=4))
    config = {"model_type": model_type, "tie_word_embeddings": True, **changes}
    return (
        {"model_type": draw(st.sampled_from(list(registry.NESTED))), "text_config": config}
        if draw(st.integers(0, 9)) == 0
        else config
    )


@examples(7.5, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_whatever_a_key_holds_there_is_a_decoder_or_one_sentence(config):
    decoder, sentence = read_or_refuse(config)
    if decoder is None:
        assert "\n" not in sentence
        assert 0 < len(sentence) < 1000
    else:
        assert decoder.n_layers >= 1
        assert decoder.parameters is None or decoder.parameters > 0
        assert decoder.note or decoder.parameters


@given(JSON)
def test_any_json_at_all_is_read_or_refused(value):
    config = value if isinstance(value, dict) else {"model_type": "gpt2", "n_layer": value}
    decoder, sentence = read_or_refuse(config)
    assert (decoder is None) == bool(sentence)


# The file.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b"\xff\xfe", "is not valid JSON"),
        (b"[1]", "holds a JSON list"),
        (b"null", "holds a JSON NoneType"),
        (b'{"n_layer": 1, "n_layer": 2}', "the key 'n_layer' is there twice"),
        (b'{"a": {"b": 1, "b": 1}}', "the key 'b' is there twice"),
        (b'{"n_layer": ' + b"9" * 5000 + b"}", "is not valid JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b" " * 4_000_001, "larger than 4,000,000 bytes"),
    ],
    ids=lambda value: value[:12].decode("latin1") if isinstance(value, bytes) else None,
)
def test_a_file_that_is_no_configuration_is_refused_in_one_sentence(content, said, tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(KvlabError, match=said) as error:
        read_config(path)
    assert len(str(error.value)) < 500


def test_a_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA), encoding="utf-8")
    assert read_config(path) == LLAMA
    with pytest.raises(KvlabError, match="cannot be read"):
        read_config(tmp_path / "none.json")
