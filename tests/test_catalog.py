import pytest

from kvlab import catalog
from kvlab.errors import KvlabError


def test_every_entry_names_its_source_and_the_day_it_was_read():
    for entry in (*catalog.models(), *catalog.processors()):
        assert entry.source
        assert entry.read


@pytest.mark.parametrize(
    ("spelling", "name"),
    [("minigpt", "MiniGPT"), ("gpt-2", "GPT-2 small"), ("GPT2 Small", "GPT-2 small"), ("gpt3", "GPT-3 175B")],
)
def test_a_model_is_found_however_it_is_spelled(spelling, name):
    assert catalog.model(spelling).architecture.name == name


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(KvlabError, match=r"'gpt5'.*MiniGPT.*GPT-3 175B"):
        catalog.model("gpt5")
    with pytest.raises(KvlabError, match=r"'z80'.*i5-8250U"):
        catalog.processor("z80")


def test_names_and_aliases_are_found_for_one_model_only():
    spellings = [catalog._folded(s) for m in catalog.models() for s in (m.architecture.name, *m.aliases)]
    assert len(set(spellings)) == len(spellings)


def test_a_field_that_is_no_number_is_refused():
    assert catalog.shape("MiniGPT", "n_layers") == 2
    for field in ("name", "tied_head", "wheels"):
        with pytest.raises(KvlabError, match=field):
            catalog.shape("MiniGPT", field)


def test_the_shapes_of_llama_give_its_published_number_of_parameters():
    entry = catalog.model("Llama-2-7B")
    a = entry.architecture
    attention = 2 * a.d_model * a.head_dim * (a.n_heads + a.n_kv_heads)
    block = attention + 3 * a.d_model * a.d_ff + 2 * a.d_model
    assert entry.parameters == 2 * a.vocab_size * a.d_model + a.n_layers * block + a.d_model


@pytest.mark.parametrize(
    ("size", "level"),
    [(1, "L1d"), (32768, "L1d"), (32769, "L2"), (2**18, "L2"), (2**18 + 1, "L3"), (6 * 2**20, "L3"), (2**30, "RAM")],
)
def test_a_size_fits_in_the_nearest_memory_that_holds_all_of_it(size, level):
    assert catalog.fitting_level("Intel i5-8250U", size) == level
