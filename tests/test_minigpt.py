"""Runs that pages quote, and that no other test is about."""

import numpy as np
import pytest

from kvlab.decoding.equivalence import differing_entries
from kvlab.decoding.generation import generate_cached, recompute
from kvlab.decoding.trace import trace
from kvlab.errors import KvlabError
from kvlab.experiments import demo
from kvlab.experiments.minigpt import (
    kv_entries_changed,
    minigpt,
    minigpt_tokenizer,
    recomputed,
    slot_written,
)
from kvlab.model.demo import demo_model

PROMPTS = ["Yesterday I", "Tomorrow she will", "They", "Last week they did not"]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_slot_that_a_step_writes_is_the_one_that_a_trace_of_it_names(prompt):
    ids = minigpt_tokenizer().encode(prompt)
    assert slot_written(prompt) == len(ids)
    step = trace(minigpt(), ids, 2).steps[1]
    assert {(write.first_slot, write.n_slots) for write in step.writes} == {(slot_written(prompt), 1)}


def test_a_first_layer_knows_its_token_alone_and_a_second_one_all_that_came_before():
    texts = ("Yesterday I worked", "Tomorrow I worked")
    entries = 2 * minigpt().architecture.n_kv_heads * minigpt().architecture.head_dim
    assert [kv_entries_changed(*texts, position=0, layer=layer) for layer in (0, 1)] == [entries, entries]
    assert [kv_entries_changed(*texts, position=2, layer=layer) for layer in (0, 1)] == [0, entries]


def test_a_later_token_changes_no_entry_and_a_text_none_of_its_own():
    for layer in (0, 1):
        assert kv_entries_changed("Yesterday I worked", "Yesterday I walked", position=1, layer=layer) == 0
        assert kv_entries_changed("Yesterday I worked", "Yesterday I worked", position=2, layer=layer) == 0
        assert kv_entries_changed("Yesterday I worked", "Yesterday I walked", position=2, layer=layer) > 0


@pytest.mark.parametrize(
    ("other", "position", "layer"),
    [("Yesterday I", 2, 0), ("Yesterday I walked", 3, 0), ("Yesterday I walked", 1, 2), ("Yesterday I walked", -1, 0)],
)
def test_a_slot_that_is_not_in_both_texts_is_refused(other, position, layer):
    with pytest.raises(KvlabError, match="in both"):
        kv_entries_changed("Yesterday I worked", other, position=position, layer=layer)


def test_the_demo_models_bytes_per_token_are_those_of_a_run_with_as_many_tokens_as_it_has_room_for():
    model = demo_model()
    run = generate_cached(model, [1], model.architecture.max_context - 1)
    assert run.cache_bytes == demo.bytes_per_token() * model.architecture.max_context
    shape = (2, model.architecture.n_layers, model.architecture.n_kv_heads, model.architecture.head_dim)
    assert demo.bytes_per_token() == np.zeros(shape, np.float32).nbytes


def test_texts_that_are_recomputed_side_by_side_have_the_bytes_of_each_alone_and_run_once(monkeypatch):
    monkeypatch.setattr("kvlab.experiments.minigpt._recomputed", {})
    first = recomputed([(7, 5, 3)])
    texts = [(7, 5, 3), (2, 300, 11), (7, 5, 3), (13, 5, 3)]
    for text, (logits, held) in zip(texts, recomputed(texts), strict=True):
        expected, workspace = recompute(minigpt(), text)
        assert differing_entries(logits, expected) == 0
        assert held.position == 3
        assert differing_entries(held.keys, workspace.keys[:, :, :, :3]) == 0
        assert differing_entries(held.values, workspace.values[:, :, :, :3]) == 0
    assert recomputed(texts)[2] is first[0]
