"""What the experiment `yesterday-worked` says of one run, each by a second route."""

import numpy as np
import pytest

from kvlab.cache import DenseCache
from kvlab.decoding.generation import generate_cached
from kvlab.errors import KvlabError
from kvlab.experiments import yesterday_worked
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer, slot_differing_entries
from kvlab.model import BLAS

RUN = ("Tomorrow she will", 5)


def held(prompt, n_tokens, **kernel):
    """Return the text's ids and the cache, without what came last, of a run that nobody traces."""
    model, ids = minigpt(), minigpt_tokenizer().encode(prompt)
    cache = DenseCache.for_model(model.architecture)
    run = generate_cached(model, ids, n_tokens, cache=cache, **kernel)
    return [*ids, *run.ids], cache


def test_the_tokens_held_are_all_of_the_text_but_the_last():
    tokenizer, (ids, cache) = minigpt_tokenizer(), held(*RUN)
    assert yesterday_worked.held_tokens(*RUN) == [tokenizer.token(token) for token in ids[:-1]]
    assert yesterday_worked.n_held(*RUN) == cache.position
    assert yesterday_worked.last_held(*RUN) == tokenizer.token(ids[-2])
    assert yesterday_worked.chosen_last(*RUN) == tokenizer.token(ids[-1])


@pytest.mark.parametrize(("tensor", "layer"), [("K", 0), ("V", 0), ("K", 1), ("V", 1)])
def test_entries_are_those_of_the_cache_rounded_and_no_zero_has_a_sign(tensor, layer):
    _, cache = held(*RUN)
    buffer = (cache.keys if tensor == "K" else cache.values)[layer, 0, :, : cache.position]
    found = np.array(yesterday_worked.held_entries(*RUN, tensor, layer))
    assert found.shape == buffer.shape
    assert np.abs(found - buffer).max() <= 0.05 + 1e-6
    assert not np.signbit(found[found == 0]).any()
    assert yesterday_worked.largest_entry(*RUN, tensor) >= np.abs(found).max()
    of_one_sign = sum(
        len({entry > 0 for entry in buffer[head, :, element].tolist()}) == 1
        for head in range(buffer.shape[0])
        for element in range(buffer.shape[2])
    )
    assert yesterday_worked.entries_of_one_sign(*RUN, tensor, layer) == of_one_sign
    element = yesterday_worked.slot_element(*RUN, 2, tensor, layer, 3, 11, cached=True)
    assert element == pytest.approx(buffer[3, 2, 11], abs=0.005 + 1e-6)
    assert yesterday_worked.slot_element(*RUN, 2, tensor, layer, 3, 11, cached=False) == element


def test_every_byte_is_compared_and_none_differs():
    _, cache = held(*RUN)
    assert yesterday_worked.all_bytes(*RUN) == cache.position * yesterday_worked.slot_bytes(*RUN, 1, "K", 0) * 4
    assert yesterday_worked.all_bytes(*RUN) == 2 * cache.keys[:, :, :, : cache.position].nbytes
    assert yesterday_worked.all_bytes_differing(*RUN) == 0
    assert {yesterday_worked.slot_bytes_differing(*RUN, 1, tensor, layer) for tensor in "KV" for layer in (0, 1)} == {0}
    assert slot_differing_entries(RUN[0], 1, RUN[1]) == 0


def test_a_byte_that_differs_is_counted():
    _, exact = held(*RUN)
    _, plain = held(*RUN, kernel=BLAS)
    differing = yesterday_worked.differing_bytes(exact.keys, plain.keys)
    assert differing == np.count_nonzero(exact.keys.view(np.uint8) != plain.keys.view(np.uint8)) > 0
    assert yesterday_worked.differing_bytes(np.float32([0.0]), np.float32([-0.0])) == 1
    with pytest.raises(KvlabError, match="byte by byte"):
        yesterday_worked.differing_bytes(np.zeros(3, np.float32), np.zeros(2, np.float32))


def test_a_row_of_attention_is_the_softmax_of_the_newest_query_over_the_keys_held(monkeypatch):
    weights = np.array([[yesterday_worked.attention_row(*RUN, layer, head) for head in range(4)] for layer in (0, 1)])
    assert weights.shape == (2, 4, yesterday_worked.n_held(*RUN))
    assert np.abs(weights.sum(axis=-1) - 1).max() <= 0.005 * weights.shape[2]
    for slot in range(weights.shape[2]):
        assert yesterday_worked.attention_to_slot(*RUN, slot, "least") == weights[:, :, slot].min()
        assert yesterday_worked.attention_to_slot(*RUN, slot, "most") == weights[:, :, slot].max()
    assert yesterday_worked.attention_bytes(*RUN) == weights.astype(np.float32).nbytes
    assert yesterday_worked.attention_bytes_differing(*RUN) == 0


def test_a_summary_says_nothing_but_its_parts():
    found = yesterday_worked.summary()
    assert found["prompt"] + found["text"] == "".join(found["held_tokens"]) + found["chosen_last"]
    _, cache = held(yesterday_worked.PROMPT, yesterday_worked.N_TOKENS)
    for slot in found["slots"]:
        buffer = cache.keys if slot["tensor"] == "K" else cache.values
        first = buffer[slot["layer"], 0, 0, found["position"]].tobytes()[:8].hex()
        assert slot["cached_first_bytes_hex"] == slot["recomputed_first_bytes_hex"] == first
    assert (found["differing_bytes"], found["attention_differing_bytes"]) == (0, 0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: yesterday_worked.held_entries(*RUN, "Q", 0),
        lambda: yesterday_worked.held_entries(*RUN, "K", 2),
        lambda: yesterday_worked.slot_bytes(*RUN, 1, "K", 2),
        lambda: yesterday_worked.slot_bytes(*RUN, 99, "K", 0),
        lambda: yesterday_worked.slot_element(*RUN, 1, "K", 0, 4, 0, cached=True),
        lambda: yesterday_worked.slot_element(*RUN, 1, "K", 0, 0, 16, cached=True),
        lambda: yesterday_worked.attention_row(*RUN, 0, 4),
        lambda: yesterday_worked.attention_to_slot(*RUN, 99, "most"),
        lambda: yesterday_worked.attention_to_slot(*RUN, 0, "mean"),
    ],
)
def test_what_there_is_not_is_refused(ask):
    with pytest.raises(KvlabError):
        ask()
