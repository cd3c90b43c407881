"""Protects the runs about recomputation: counts by closed forms, and which slots a changed token changes."""

import numpy as np
import pytest

from kvlab.accounting import pairs
from kvlab.cache import DenseCache
from kvlab.errors import KvlabError
from kvlab.experiments import minigpt, redundancy

EIGHT = "Yesterday I worked in the office. Last"


@pytest.mark.parametrize("length", [2, 37, 128])
def test_what_a_growing_text_weighs_and_projects_is_counted_as_the_closed_forms_say(length):
    counted = redundancy
    assert counted.counted_pairs(length, cached=False) == pairs.pairs_uncached(1, length)
    assert counted.counted_pairs(length, cached=True) == pairs.pairs_cached(1, length)
    assert counted.counted_tokens(length, cached=False) == pairs.tokens_uncached(1, length)
    assert counted.counted_tokens(length, cached=True) == pairs.tokens_cached(1, length)


def test_from_one_token_to_the_whole_context_the_counts_are_the_published_ones():
    assert [redundancy.counted_pairs(128, cached) for cached in (False, True)] == [357_760, 8_256]
    assert [redundancy.counted_tokens(128, cached) for cached in (False, True)] == [8_256, 128]


@pytest.mark.parametrize("length", [1, 129])
def test_a_text_that_does_not_fit_or_does_not_grow_is_refused(length):
    with pytest.raises(KvlabError, match="choose 2 to 128"):
        redundancy.counted_pairs(length, cached=True)


def test_each_step_without_a_cache_computes_one_token_more_and_with_one_it_computes_one():
    steps = range(20)
    assert [redundancy.tokens_of_step(EIGHT, 20, False, step) for step in steps] == list(range(8, 28))
    assert [redundancy.tokens_of_step(EIGHT, 20, True, step) for step in steps] == [8] + [1] * 19
    assert [redundancy.tokens_held(EIGHT, 20, step) for step in steps] == [0, *range(8, 27)]
    for step in (-1, 20):
        with pytest.raises(KvlabError, match="steps 0 to 19"):
            redundancy.tokens_of_step(EIGHT, 20, True, step)


def test_a_key_is_the_one_that_a_cached_run_holds():
    model, ids = minigpt.minigpt(), minigpt.minigpt_tokenizer().encode("Yesterday I worked")
    held = DenseCache.for_model(model.architecture)
    for token in ids:
        model.forward(np.array([[token]]), held)
    for at in ((0, 1, 0, 0), (1, 2, 3, 15)):
        position, layer, head, element = at[1], at[0], at[2], at[3]
        found = redundancy.key_element("Yesterday I worked", position, layer, head, element)
        assert found == held.keys[layer, 0, head, position, element]


@pytest.mark.parametrize("at", [(3, 0, 0, 0), (0, 2, 0, 0), (0, 0, 4, 0), (0, 0, 0, 16), (-1, 0, 0, 0)])
def test_a_key_that_is_not_there_is_refused(at):
    with pytest.raises(KvlabError, match="there is no"):
        redundancy.key_element("Yesterday I worked", *at)


def test_a_later_token_changes_no_slot_and_an_earlier_one_all_but_the_first_layers():
    later, earlier = ("Yesterday I worked", "Yesterday I was"), ("Yesterday I", "Tomorrow I")
    assert [minigpt.kv_entries_changed(*later, 1, layer) for layer in (0, 1)] == [0, 0]
    first, second = (minigpt.kv_entries_changed(*earlier, 1, layer) for layer in (0, 1))
    assert first == 0
    assert 0 < second <= 2 * 64
    # And the token itself changes its own slot.
    assert minigpt.kv_entries_changed(*earlier, 0, 0) > 0


def test_changes_of_keys_and_of_values_are_both_counted_and_no_other_positions(monkeypatch):
    right, wrong = (DenseCache(2, 1, 4, 7, 16) for _ in range(2))
    wrong.keys[1, 0, 2, 1, :3] = wrong.values[1, 0, 3, 1, :5] = 1
    wrong.keys[0, 0, 0, 1] = wrong.values[1, 0, 3, 2] = wrong.keys[1, 0, 0, 0] = 1
    runs = iter([(None, right), (None, wrong)])
    monkeypatch.setattr(minigpt, "recompute", lambda *_: next(runs))
    assert minigpt.kv_entries_changed("Yesterday I", "Tomorrow I", 1, 1) == 3 + 5
