"""Protects the dense cache: what is written is read back, in the bytes of its shape; what does not fit is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from kvlab.architecture import Architecture
from kvlab.cache import READ_TILE, DenseCache, Reading, slot_offset
from kvlab.errors import KvlabError

# Layers, sequences, K/V heads, slots, head size: primes, all different.
SHAPE = (3, 2, 5, 83, 7)


def first_slots(n_slots):
    return Reading(slice(None), slice(None), n_slots, np.zeros((1, n_slots), np.float32))


def entries(cache, n_tokens, seed=0):
    rng = np.random.default_rng(seed)
    shape = (cache.keys.shape[1], cache.keys.shape[2], n_tokens, cache.keys.shape[4])
    return [rng.standard_normal(shape).astype(cache.keys.dtype) for _ in range(2)]


def test_what_is_written_is_read_back_in_every_layer_after_what_was_cached():
    cache = DenseCache(*SHAPE)
    first, second = entries(cache, 3, seed=1), entries(cache, 2, seed=2)
    for new in (first, second):
        for layer in range(SHAPE[0]):
            cache.write(layer, new[0] + layer, new[1] - layer)
        cache.advance(new[0].shape[2])
    for layer in range(SHAPE[0]):
        keys, values = cache.read(layer, first_slots(5))
        assert np.array_equal(keys, np.concatenate([first[0], second[0]], axis=2) + layer)
        assert np.array_equal(values, np.concatenate([first[1], second[1]], axis=2) - layer)
    assert cache.position == 5


def test_writing_does_not_advance():
    cache = DenseCache(*SHAPE)
    cache.write(0, *entries(cache, 3))
    assert cache.position == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_cache_occupies_the_bytes_of_its_shape_and_dtype(dtype):
    cache = DenseCache(*SHAPE, dtype=dtype)
    assert cache.keys.dtype == dtype
    assert cache.nbytes == 2 * 3 * 2 * 5 * 83 * 7 * np.dtype(dtype).itemsize


def test_a_cache_for_a_model_has_room_for_its_context_at_its_key_value_heads_in_the_dtype_that_is_asked_for():
    a = Architecture(
        "grouped", "gpt2", 3, 70, n_heads=10, n_kv_heads=5, head_dim=7, d_ff=11, vocab_size=13, max_context=83
    )
    cache = DenseCache.for_model(a, batch=2, dtype=np.float16)
    assert cache.keys.shape == cache.values.shape == SHAPE
    assert cache.keys.dtype == cache.values.dtype == np.float16


def test_a_full_cache_says_so_and_keeps_what_it_holds():
    cache = DenseCache(*SHAPE)
    held = entries(cache, 80)
    cache.write(0, *held)
    cache.advance(80)
    with pytest.raises(KvlabError, match=r"holds 80 of 83.*4 more"):
        cache.write(0, *entries(cache, 4))
    with pytest.raises(KvlabError, match="full"):
        cache.advance(4)
    assert np.array_equal(cache.read(0, first_slots(80))[0], held[0])
    assert not cache.keys[0, :, :, 80:].any()


@pytest.mark.parametrize("axis", range(4))
def test_an_entry_of_a_wrong_shape_is_refused_and_nothing_is_stored(axis):
    cache = DenseCache(*SHAPE)
    k, v = entries(cache, 3)
    wrong = np.concatenate([v, v], axis=axis)
    with pytest.raises(KvlabError, match="v has shape"):
        cache.write(0, k, wrong)
    assert not cache.keys.any()


def test_an_entry_without_a_batch_axis_is_refused():
    cache = DenseCache(*SHAPE)
    k, v = entries(cache, 3)
    with pytest.raises(KvlabError, match="k has shape"):
        cache.write(0, k[0], v)


def test_another_dtype_is_refused_and_not_converted_in_silence():
    cache = DenseCache(*SHAPE)
    k, v = entries(cache, 3)
    with pytest.raises(KvlabError, match=r"float64.*float32"):
        cache.write(0, k.astype(np.float64), v)


@pytest.mark.parametrize("layer", [-1, 3])
def test_a_layer_that_is_not_there_is_refused(layer):
    cache = DenseCache(*SHAPE)
    with pytest.raises(KvlabError, match=f"no layer {layer}"):
        cache.write(layer, *entries(cache, 1))
    with pytest.raises(KvlabError, match=f"no layer {layer}"):
        cache.read(layer, first_slots(1))


@pytest.mark.parametrize("shape", [(0, 1, 1, 1, 1), (1, 1, 1, -4, 1), (1, 1, 1, 1, 2.5)])
def test_an_impossible_shape_is_refused(shape):
    with pytest.raises(KvlabError, match="impossible"):
        DenseCache(*shape)


def test_integers_cannot_hold_keys():
    with pytest.raises(KvlabError, match="int8"):
        DenseCache(*SHAPE, dtype=np.int8)


@examples(1.5)
@given(st.integers(0, 82), st.data())
def test_each_query_reads_whole_blocks_and_sees_the_tokens_up_to_itself_however_it_comes(held, data):
    n_tokens = data.draw(st.integers(1, 83 - held))
    cache = DenseCache(*SHAPE)
    cache.advance(held)
    readings = cache.readable(n_tokens)
    rows = [row for reading in readings for row in range(reading.tokens.start, reading.tokens.stop)]
    assert rows == list(range(n_tokens))
    for reading in readings:
        for row, mask in zip(range(reading.tokens.start, reading.tokens.stop), reading.mask, strict=True):
            t = held + row
            # Counted slot by slot: blocks are read until the query's own slot is among them.
            slots = 0
            while slots < t + 1:
                slots += READ_TILE
            assert reading.n_slots == min(slots, 83)
            assert mask.tolist() == [0] * (t + 1) + [-np.inf] * (reading.n_slots - t - 1)


@given(st.integers(0, 2), st.integers(0, 1), st.integers(0, 4), st.integers(0, 82), st.sampled_from(["f2", "f4", "f8"]))
def test_a_sentinel_at_a_slots_offset_in_the_buffer_is_what_the_cache_reads_there(layer, row, head, position, dtype):
    cache = DenseCache(*SHAPE, dtype=dtype)
    size = cache.keys.itemsize
    offset = slot_offset(
        layer, row, head, position, batch=2, n_kv_heads=5, capacity=83, head_dim=7, bytes_per_element=size
    )
    sentinel = np.arange(1, 8, dtype=dtype)
    for buffer, which in ((cache.keys, 0), (cache.values, 1)):
        memoryview(buffer).cast("B")[offset : offset + 7 * size] = sentinel.tobytes()
        assert np.array_equal(cache.read(layer, first_slots(83))[which][row, head, position], sentinel)
        assert np.count_nonzero(buffer) == 7


@pytest.mark.parametrize(("index", "name"), [(1, "batch row"), (2, "K/V head"), (3, "position")])
def test_a_slot_outside_the_cache_has_no_offset(index, name):
    for outside in (-1, SHAPE[index]):
        slot = [0, 0, 0, 0]
        slot[index] = outside
        with pytest.raises(KvlabError, match=f"no {name} {outside}"):
            slot_offset(*slot, batch=2, n_kv_heads=5, capacity=83, head_dim=7, bytes_per_element=4)
    with pytest.raises(KvlabError, match="no layer -1"):
        slot_offset(-1, 0, 0, 0, batch=2, n_kv_heads=5, capacity=83, head_dim=7, bytes_per_element=4)


def test_a_cache_holds_as_many_slots_as_it_is_told_and_no_more_than_it_has():
    cache = DenseCache(*SHAPE)
    k, v = entries(cache, 20)
    cache.write(0, k, v)
    cache.hold(11)
    assert cache.positions(2)[0].tolist() == [11, 12]
    assert np.array_equal(cache.read(0, first_slots(11))[0], k[:, :, :11])
    for n_tokens in (-1, 84):
        with pytest.raises(KvlabError, match=f"{n_tokens} tokens cannot be held in 83 slots"):
            cache.hold(n_tokens)
    assert cache.position == 11


def test_a_cache_that_no_memory_could_hold_is_refused_with_its_bytes():
    for capacity in (10**12, 10**30):
        with pytest.raises(KvlabError, match="does not fit in memory"):
            DenseCache(3, 2, 5, capacity, 7)
