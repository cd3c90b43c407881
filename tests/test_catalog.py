"""Protects the catalog of models and devices: sources, names however spelled, and published numbers."""

import pytest

from kvlab import catalog
from kvlab.catalog.entries import folded
from kvlab.catalog.published import published_figure
from kvlab.errors import KvlabError


def test_every_entry_names_its_source_and_the_day_it_was_read():
    for entry in (*catalog.all_models(), *catalog.processors(), *catalog.accelerators()):
        assert all(source.file and source.read for source in entry.sources)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [("minigpt", "MiniGPT"), ("gpt-2", "GPT-2 small"), ("GPT2 Small", "GPT-2 small"), ("gpt3", "GPT-3 175B")],
)
def test_a_model_is_found_however_it_is_spelled(spelling, name):
    assert catalog.model(spelling).name == name


def test_an_unknown_name_is_refused_with_those_that_are_close():
    with pytest.raises(KvlabError, match=r"'lama-2-7b'; known are Llama-2-7B, .*see kvlab models"):
        catalog.model("lama-2-7b")
    with pytest.raises(KvlabError, match=r"'x{100}'; known are MiniGPT, "):
        catalog.model("x" * 10**6)
    with pytest.raises(KvlabError, match=r"'a100'; known are A100 40GB, A100 80GB SXM and others: see kvlab devices"):
        catalog.device("a100")
    with pytest.raises(KvlabError, match="unknown device ''"):
        catalog.device("")
    with pytest.raises(KvlabError, match=r"'z80'.*i5-8250U"):
        catalog.processor("z80")


def test_a_device_is_found_by_the_beginning_of_its_name_where_that_is_enough():
    assert catalog.device("rtx").name == "RTX 4090"
    assert catalog.device("a100-40gb").name == "A100 40GB"


def test_a_device_has_the_memory_that_it_reports_and_not_the_one_that_is_marketed():
    memory = {device.name: device.memory_bytes for device in catalog.accelerators()}
    assert memory["A100 40GB"] == 40 * 2**30
    assert memory["H100 80GB SXM"] == 81559 * 2**20
    assert 80 * 10**9 < memory["H100 80GB SXM"] < 80 * 2**30
    assert all(type(field) is not float for device in catalog.accelerators() for field in vars(device).values())


def test_names_and_aliases_are_found_for_one_model_only():
    spellings = [folded(s) for m in catalog.all_models() for s in (m.name, *m.aliases)]
    assert len(set(spellings)) == len(spellings)


def test_the_shapes_of_llama_give_its_published_number_of_parameters():
    entry = catalog.model("Llama-2-7B")
    a = entry.decoder
    attention = 2 * a.d_model * a.head_dim * (a.n_heads + a.n_kv_heads)
    block = attention + 3 * a.d_model * a.d_ff + 2 * a.d_model
    assert entry.published_parameters == 2 * a.vocab_size * a.d_model + a.n_layers * block + a.d_model


@pytest.mark.parametrize(
    ("size", "level"),
    [(1, "L1d"), (32768, "L1d"), (32769, "L2"), (2**18, "L2"), (2**18 + 1, "L3"), (6 * 2**20, "L3"), (2**30, "RAM")],
)
def test_a_size_fits_in_the_nearest_memory_that_holds_all_of_it(size, level):
    assert catalog.fitting_level("Intel i5-8250U", size) == level


def test_a_published_number_is_the_one_that_was_printed():
    figure = published_figure("gpt_fast_tokens")
    speed, bandwidth = (figure.values[name] for name in ("tokens_per_second", "bytes_per_second"))
    assert f"{speed} tokens/s = {bandwidth / 10**9} GB/s" == figure.published
