"""The rows of the catalog against the published configurations from which they were read, key by key."""

import json

import pytest
from golden_files import GOLDEN

from kvlab import catalog

PUBLISHED = json.loads((GOLDEN / "published_configs.json").read_text(encoding="utf-8"))
ROWS = catalog.all_models()[1:]  # the MiniGPT is read from its own folder

# What files other than a `config.json` call its keys. None of them has a `model_type`: that is ours.
CALLED = {
    "litgpt": {
        "num_hidden_layers": "n_layer",
        "hidden_size": "n_embd",
        "num_attention_heads": "n_head",
        "num_key_value_heads": "n_query_groups",
        "head_dim": "head_size",
        "vocab_size": "padded_vocab_size",
        "max_position_embeddings": "block_size",
        "attention_bias": "bias",
        "mlp_bias": "bias",
        "sliding_window": "sliding_window_size",
        "num_local_experts": "n_expert",
    },
    "mlc-llm": {"sliding_window": "sliding_window_size"},
    "nanoGPT": {"n_positions": "block_size"},
    "FlexiGen": {"num_attention_heads": "n_head", "ffn_dim": "ffn_embed_dim", "max_position_embeddings": "max_seq_len"},
    "arXiv 2005.14165": {"n_layer": "n_layers", "n_embd": "d_model", "n_head": "n_heads", "n_positions": "n_ctx"},
}
WITHOUT_TYPE = {"litgpt", "nanoGPT", "FlexiGen", "arXiv 2005.14165"}


def held_by(source, published, key):
    """Return what a file says of a key of a row; a row's name for it stands where the file has none of its own."""
    called = CALLED.get(source.file, {}).get(key, key)
    return published[called if called in published else key]


def without_type(row):
    return {key for key in row.config if key != "model_type" or row.sources[0].file not in WITHOUT_TYPE}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_key_of_a_row_has_the_value_that_its_source_publishes(row):
    checked = set()
    for source, entry in zip(row.sources, PUBLISHED[row.name], strict=True):
        assert (entry["file"], entry.get("part", ""), entry["read"]) == (source.file, source.part, source.read)
        for key in source.holds or without_type(row):
            assert held_by(source, entry["published"], key) == row.config[key], key
            checked.add(key)
    assert checked == without_type(row)


def test_the_published_configurations_are_those_of_the_rows():
    assert list(PUBLISHED) == [row.name for row in ROWS]
    assert len(ROWS) >= 70


@pytest.mark.parametrize("row", [row for row in ROWS if row.name.startswith("Gemma-3-") and len(row.sources) == 1])
def test_the_layers_with_a_window_are_those_that_are_published(row):
    [entry] = PUBLISHED[row.name]
    windowed = entry["published"].get("sliding_window_indices")
    if windowed is not None:
        assert {group.kind: group.count for group in row.decoder.layers} == {
            "sliding": sum(windowed),
            "full": len(windowed) - sum(windowed),
        }


def test_a_mixture_and_its_instructed_version_differ_in_their_vocabulary_only():
    base, instructed = (catalog.model(name).decoder for name in ("Mixtral-8x22B", "Mixtral-8x22B-Instruct"))
    assert (base.vocab_size, base.parameters) == (32_000, 140_620_634_112)
    assert (instructed.vocab_size, instructed.parameters) == (32_768, 140_630_071_296)


@pytest.mark.parametrize("size", ["1.5B", "7B", "14B", "32B", "72B"])
def test_qwen_was_made_for_the_context_of_its_configuration(size):
    assert catalog.model(f"Qwen2.5-{size}").decoder.max_context == 131_072


def test_a_model_whose_every_layer_has_a_window_stores_no_more_than_the_window():
    [layers] = catalog.model("Phi-3-mini-4k").decoder.layers
    assert (layers.kind, layers.window) == ("sliding", 2047)
