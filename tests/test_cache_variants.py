"""Protects the other caches (growing, ring, half, int8), each against the dense cache."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from random_models import LLAMA_PRIMES, PRIMES, random_model

from kvlab.accounting.memory import kv_cache_bytes
from kvlab.cache import (
    DenseCache,
    GrowingCache,
    HalfCache,
    Int8Cache,
    RaggedBatch,
    Reading,
    WindowCache,
    bytes_held,
    bytes_read,
    causal_readings,
    dequantize,
    quantize,
)
from kvlab.decoding.generation import generate_cached
from kvlab.errors import KvlabError

MODELS = {"gpt2": random_model(PRIMES), "llama": random_model(LLAMA_PRIMES)}
BOTH_FAMILIES = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
ONE_AND_TWO = pytest.mark.parametrize("batch", [1, 2])

# Layers, sequences, K/V heads, slots, head size: primes, all different.
SHAPE = (3, 2, 5, 83, 7)
LARGEST_HALF = 65504

# A prompt in chunks, which begin and end inside blocks of 32 slots, and decoding up to the model's context.
PROMPT = [7, 31, 13]
PASSES = PROMPT + [1] * (83 - sum(PROMPT))


def random_ids(batch, n_tokens, seed=0):
    return np.random.default_rng(seed).integers(0, 211, (batch, n_tokens))


def run(model, cache, passes, ids):
    """Return the hidden states, `(B, T, d)`, of `ids` run through `cache` in passes of the given lengths."""
    hidden, start = [], 0
    for n_tokens in passes:
        hidden.append(model.forward(ids[:, start : start + n_tokens], cache))
        start += n_tokens
    return np.concatenate(hidden, axis=1)


def entries(cache, n_tokens, seed=0):
    rng = np.random.default_rng(seed)
    _, batch, n_kv_heads, _, head_dim = cache.shape
    return [rng.standard_normal((batch, n_kv_heads, n_tokens, head_dim)).astype(cache.dtype) for _ in range(2)]


def fill(cache, n_tokens):
    """Hold `n_tokens` more in every layer."""
    for layer in range(cache.shape[0]):
        cache.write(layer, *entries(cache, n_tokens, seed=layer))
    cache.advance(n_tokens)
    return cache


def first_slots(n_slots):
    return Reading(slice(None), slice(None), n_slots, np.zeros((1, n_slots), np.float32))


# Growing


@BOTH_FAMILIES
@ONE_AND_TWO
def test_a_growing_cache_gives_the_bytes_of_the_dense_one(model, batch):
    ids = random_ids(batch, 83)
    dense = DenseCache.for_model(model.architecture, batch)
    growing = GrowingCache.for_model(model.architecture, batch)
    assert run(model, growing, PASSES, ids).tobytes() == run(model, dense, PASSES, ids).tobytes()
    assert np.stack(growing.keys).tobytes() == dense.keys.tobytes()
    assert np.stack(growing.values).tobytes() == dense.values.tobytes()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_growing_cache_occupies_what_its_tokens_take_and_nothing_before_there_is_one(dtype):
    cache = GrowingCache(*SHAPE, dtype=dtype)
    assert cache.nbytes == 0
    for held in (11, 24):
        fill(cache, held - cache.position)
        assert cache.nbytes == kv_cache_bytes(3, 5, 7, held, 2, np.dtype(dtype).itemsize)


def test_a_growing_cache_is_read_with_zeros_after_what_it_holds_and_in_its_own_dtype():
    cache = fill(GrowingCache(*SHAPE, dtype=np.float16), 11)
    for held, read in zip((cache.keys[1], cache.values[1]), cache.read(1, first_slots(32)), strict=True):
        assert read.shape == (2, 5, 32, 7)
        assert read.dtype == np.float16
        assert np.array_equal(read[:, :, :11], held)
        assert not read[:, :, 11:].any()


def test_a_pass_that_broke_off_leaves_nothing_behind_in_a_growing_cache():
    cache = fill(GrowingCache(*SHAPE), 11)
    cache.write(0, *entries(cache, 5, seed=8))  # and no advance: the pass ended here
    again = entries(cache, 3, seed=9)
    cache.write(0, *again)
    assert cache.keys[0].shape[2] == cache.values[0].shape[2] == 14
    assert np.array_equal(cache.keys[0][:, :, 11:], again[0])


@pytest.mark.parametrize("kind", [GrowingCache, HalfCache, Int8Cache])
def test_what_does_not_fit_is_refused_and_what_is_held_stays(kind):
    cache = fill(kind(*SHAPE), 80)
    before = cache.read(2, first_slots(80))
    with pytest.raises(KvlabError, match=r"holds 80 of 83.*4 more"):
        cache.write(2, *entries(cache, 4))
    with pytest.raises(KvlabError, match="no layer 3"):
        cache.write(3, *entries(cache, 1))
    with pytest.raises(KvlabError, match="no layer -1"):
        cache.read(-1, first_slots(1))
    with pytest.raises(KvlabError, match="v has shape"):
        cache.write(2, entries(cache, 1)[0], entries(cache, 2)[1])
    for old, new in zip(before, cache.read(2, first_slots(80)), strict=True):
        assert old.tobytes() == new.tobytes()


# Window


class WindowedDense(DenseCache):
    """Keeps everything and masks all but the last `window` tokens: what a ring must agree with."""

    window = 1

    def readable(self, n_tokens):
        return causal_readings(self._held, n_tokens, self.capacity, self.window)


def windowed_dense(model, window, batch):
    cache = WindowedDense.for_model(model.architecture, batch)
    cache.window = window
    return cache


def passes_of(chunk, n_tokens):
    """Return a prompt of two thirds in chunks, and decoding."""
    prompt = n_tokens * 2 // 3
    return [chunk] * (prompt // chunk) + [1] * (n_tokens - prompt // chunk * chunk)


@BOTH_FAMILIES
@ONE_AND_TWO
@pytest.mark.parametrize(("window", "chunk"), [(1, 1), (19, 1), (19, 7), (37, 13), (5, 11), (83, 17)])
def test_a_ring_agrees_with_a_dense_cache_that_masks_all_but_the_window(model, batch, window, chunk):
    ids = random_ids(batch, 83)
    ring = WindowCache.for_model(model.architecture, window, batch, chunk)
    found = run(model, ring, passes_of(chunk, 83), ids)
    expected = run(model, windowed_dense(model, window, batch), [83], ids)
    assert ring.position == 83
    # The same terms in another order. A sum of n terms in float32 is off by at most n · 6e-8 of the sum of their sizes:
    # 83 terms give 5e-6 in one attention, twice that in a difference; a normed state is the result of three of them.
    np.testing.assert_allclose(found, expected, rtol=0, atol=3 * 2 * 83 * 6e-8 * np.abs(expected).max())


@BOTH_FAMILIES
@ONE_AND_TWO
def test_a_ring_that_has_not_wrapped_gives_the_bytes_of_the_dense_cache(model, batch):
    ids = random_ids(batch, 64)
    # 52 + 13 − 1 slots: two whole blocks, so that it reads as many slots as the dense cache does.
    ring = WindowCache.for_model(model.architecture, 52, batch, 13)
    dense = windowed_dense(model, 52, batch)
    assert run(model, ring, passes_of(13, 64), ids).tobytes() == run(model, dense, [64], ids).tobytes()
    assert ring.keys.tobytes() == dense.keys[:, :, :, :64].tobytes()


@given(st.lists(st.integers(1, 11), min_size=1, max_size=20), st.sampled_from([3, 23, 31]), st.booleans())
def test_however_the_tokens_come_a_ring_gives_the_same_bytes_whatever_lay_in_it(passes, window, stale):
    model = MODELS["gpt2"]
    while sum(passes) > 83:
        passes.pop()
    ids = random_ids(1, sum(passes))
    split, single = (WindowCache.for_model(PRIMES, window, chunk=11) for _ in range(2))
    if stale:
        split.keys[:], split.values[:] = 1e3, -1e3
    assert run(model, split, passes, ids).tobytes() == run(model, single, [1] * sum(passes), ids).tobytes()


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_each_token_sees_the_last_tokens_of_the_window_and_itself_and_nothing_else(window, chunk, data):
    cache = WindowCache(1, 1, 1, window, 1, chunk)
    for n_tokens in data.draw(st.lists(st.integers(1, chunk), min_size=1, max_size=9)):
        start = cache.position
        # Each entry is its own position, from 1 on: what is read says where it came from.
        entry = np.arange(start + 1, start + n_tokens + 1, dtype=np.float32).reshape(1, 1, -1, 1)
        readings = cache.readable(n_tokens)
        assert cache.positions(n_tokens).tolist() == [list(range(start, start + n_tokens))]
        cache.write(0, entry, -entry)
        rows = []
        for reading in readings:
            keys, values = cache.read(0, reading)
            assert np.array_equal(keys, -values)
            for row, mask in zip(range(reading.tokens.start, reading.tokens.stop), reading.mask, strict=True):
                t = start + row
                seen = sorted(int(key) - 1 for key in keys[0, 0, mask == 0, 0])
                assert seen == list(range(max(0, t - window + 1), t + 1))
                assert reading.n_slots == min((t // 32 + 1) * 32, window + chunk - 1)
                rows.append(row)
        assert rows == list(range(n_tokens))
        cache.advance(n_tokens)


def test_a_pass_longer_than_the_chunk_is_refused_by_a_sentence_that_says_what_to_do():
    cache = WindowCache(3, 2, 5, 19, 7, chunk=4)
    assert (cache.capacity, cache.most_at_once) == (22, 4)
    with pytest.raises(KvlabError, match="split the prompt into passes of at most 4"):
        cache.require_room(2, 5)
    with pytest.raises(KvlabError, match="split the prompt"):
        cache.write(0, *entries(cache, 5))
    assert not cache.keys.any()
    with pytest.raises(KvlabError, match="3 sequences do not match a cache made for 2"):
        cache.require_room(3, 1)


@pytest.mark.parametrize(("window", "chunk", "name"), [(0, 9, "window"), (9, 0, "chunk"), (2.5, 1, "window")])
def test_a_window_or_chunk_without_tokens_is_impossible(window, chunk, name):
    with pytest.raises(KvlabError, match=f"a {name} of"):
        WindowCache(3, 2, 5, window, 7, chunk)


def test_a_ring_starts_again_and_does_not_go_back():
    cache = fill(WindowCache(3, 2, 5, 19, 7, chunk=19), 19)
    with pytest.raises(KvlabError, match="cannot go back to 18"):
        cache.hold(18)
    assert cache.position == 19
    cache.hold(0)
    assert cache.position == 0


def test_generation_brings_the_prompt_in_passes_that_the_cache_takes(monkeypatch):
    model, seen = MODELS["gpt2"], []
    forward = type(model).forward

    def noting(self, ids, cache, *rest):
        seen.append((cache.position, ids.shape[1]))
        return forward(self, ids, cache, *rest)

    monkeypatch.setattr(type(model), "forward", noting)
    prompt = random_ids(1, 17)[0].tolist()
    cache = WindowCache.for_model(PRIMES, window=83, chunk=7)
    ids = generate_cached(model, prompt, 30, cache=cache).ids
    assert seen == [(0, 7), (7, 7), (14, 3), *((17 + step, 1) for step in range(29))]
    assert ids == generate_cached(model, prompt, 30).ids


def test_a_batch_of_caches_takes_at_once_what_the_strictest_takes():
    dense, rings = DenseCache(*SHAPE), [WindowCache(3, 1, 5, 19, 7, chunk) for chunk in (7, 3)]
    assert RaggedBatch([dense, *rings]).most_at_once == 3
    assert RaggedBatch([dense]).most_at_once is None


# Packed


def rounded_to_half(x):
    return x.astype(np.float16).astype(np.float32)


def through_int8(x):
    return dequantize(*quantize(x))


class Rounded(DenseCache):
    """Stores entries as they would come back from the cache under test."""

    through = staticmethod(rounded_to_half)

    def write(self, layer, k, v):
        super().write(layer, self.through(k), self.through(v))


class RoundedToInt8(Rounded):
    through = staticmethod(through_int8)


@BOTH_FAMILIES
@ONE_AND_TWO
@pytest.mark.parametrize(("kind", "truth"), [(HalfCache, Rounded), (Int8Cache, RoundedToInt8)])
def test_a_packed_cache_gives_the_bytes_of_a_dense_one_that_stores_what_packing_leaves(model, batch, kind, truth):
    ids = random_ids(batch, 83)
    packed, rounded = kind.for_model(model.architecture, batch), truth.for_model(model.architecture, batch)
    found = run(model, packed, PASSES, ids)
    assert found.tobytes() == run(model, rounded, PASSES, ids).tobytes()
    assert found.tobytes() != run(model, DenseCache.for_model(model.architecture, batch), PASSES, ids).tobytes()
    for layer in range(model.architecture.n_layers):
        for a, b in zip(packed.read(layer, first_slots(83)), rounded.read(layer, first_slots(83)), strict=True):
            assert a.dtype == np.float32
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(("kind", "limit"), [(HalfCache, LARGEST_HALF), (Int8Cache, 127 * LARGEST_HALF)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_value_beyond_the_range_is_refused_by_name_and_neither_k_nor_v_is_stored(kind, limit, sign):
    cache = kind(*SHAPE)
    k, v = entries(cache, 3)
    k[1, 4, 2, 6] = sign * limit
    cache.write(0, k, v)
    assert cache.read(0, first_slots(3))[0][1, 4, 2, 6] == sign * limit
    before = [part.tobytes() for part in [*cache.keys, *cache.values]]
    for wrong in (np.nextafter(np.float32(sign * limit), np.float32(sign * np.inf)), np.nan, np.inf):
        v[1, 4, 2, 6] = wrong
        with pytest.raises(KvlabError, match=rf"v reaches .* at most {limit:,}"):
            cache.write(0, k + 1 - 1, v)
    assert [part.tobytes() for part in [*cache.keys, *cache.values]] == before


def blocks_of(elements):
    return st.sampled_from([1, 32, 33, 39]).flatmap(lambda d: arrays(np.float32, (1, d), elements=elements))


# Numbers of all sizes side by side, up to what a scale can carry; and numbers of one size, whichever, down to those
# below the normal range of float16 and of float32.
MIXED = blocks_of(st.floats(-127 * LARGEST_HALF, 127 * LARGEST_HALF, width=32))
ALIKE = st.tuples(blocks_of(st.floats(-1, 1, width=32)), st.integers(-149, 22)).map(
    lambda drawn: drawn[0] * np.float32(2.0 ** drawn[1])
)


@given(MIXED | ALIKE)
def test_each_element_comes_back_from_int8_within_half_a_scale_of_its_block(x):
    codes, scales = quantize(x)
    back = dequantize(codes, scales)
    assert codes.min() >= -127
    assert back.dtype == np.float32
    for block, start in enumerate(range(0, x.shape[1], 32)):
        part = x[:, start : start + 32].astype(np.float64)
        scale = scales[:, block, None].astype(np.float64)
        # Half a scale from rounding to a code; the quotient, at most 127, is itself rounded to float32: 127 · 2^-24.
        assert (np.abs(part - back[:, start : start + 32]) <= scale * (0.5 + 2.0**-17)).all()
        # The scale is no larger than its block needs: a step of float16 (2^-10 of it, or 2^-24 near zero) at most.
        needed = np.abs(part).max(axis=1, keepdims=True) / 127
        assert (scale <= needed * (1 + 2.0**-10) + 2.0**-24).all()
        assert (scale >= needed).all()


def test_zeros_come_back_from_int8_as_zeros():
    assert not through_int8(np.zeros((2, 33), np.float32)).any()


def test_small_numbers_come_back_from_int8_as_exactly_as_large_ones_until_their_scale_is_the_smallest_of_float16():
    codes = np.array([[-127, -1, 0, 5, 126]], np.float32)
    for scale in (2.0**15, 1.0, 2.0**-24):
        assert np.array_equal(through_int8(codes * np.float32(scale)), codes * np.float32(scale))


def test_each_block_has_a_scale_of_its_own_the_last_shorter_one_too():
    x = np.ones((1, 70), np.float32)
    x[0, 64:] = 1000
    codes, scales = quantize(x)
    assert scales.shape == (1, 3)
    assert scales[0, 0] == scales[0, 1] < scales[0, 2]
    assert (codes == 127).all()


@pytest.mark.parametrize(
    ("head_dim", "expected"), [(128, Fraction(34, 32)), (22, Fraction(24, 22)), (70, Fraction(76, 70))]
)
def test_an_int8_cache_occupies_a_byte_an_element_and_two_a_block(head_dim, expected):
    cache = Int8Cache(3, 2, 5, 83, head_dim)
    assert cache.bytes_per_element == expected
    assert cache.nbytes == kv_cache_bytes(3, 5, head_dim, 83, 2, 1) * expected
    assert sorted({part.dtype.name for part in [*cache.keys, *cache.values]}) == ["float16", "int8"]
    assert cache.nbytes == 2 * 3 * 2 * 5 * 83 * (head_dim + 2 * len(range(0, head_dim, 32)))


def test_a_half_cache_occupies_two_bytes_an_element():
    cache = HalfCache(*SHAPE)
    assert cache.nbytes == kv_cache_bytes(3, 5, 7, 83, 2, 1) * cache.bytes_per_element == DenseCache(*SHAPE).nbytes // 2


# Bytes held and bytes read

KINDS = {
    "dense": lambda: DenseCache(*SHAPE),
    "dense float16": lambda: DenseCache(*SHAPE, dtype=np.float16),
    "growing": lambda: GrowingCache(*SHAPE),
    "ring": lambda: WindowCache(3, 2, 5, 19, 7, chunk=23),
    "half": lambda: HalfCache(*SHAPE),
    "int8": lambda: Int8Cache(3, 2, 5, 83, 70),
}


def stored_slots(cache, n_slots, layer=slice(None)):
    """Return the bytes of the first slots of each sequence, as they lie in the cache's arrays."""
    if isinstance(cache, GrowingCache):
        parts = (
            [*cache.keys[layer], *cache.values[layer]]
            if isinstance(layer, slice)
            else [cache.keys[layer], cache.values[layer]]
        )
        return sum(part[:, :, :n_slots].nbytes for part in parts)
    buffers = [cache.keys, cache.values] if isinstance(cache.keys, np.ndarray) else [*cache.keys, *cache.values]
    return sum(buffer[layer][..., :n_slots, :].nbytes for buffer in buffers)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_held_are_those_of_the_slots_that_hold_a_token(kind):
    cache = KINDS[kind]()
    assert bytes_held(cache) == 0
    for n_tokens in (13, 23, 1):
        fill(cache, n_tokens)
        assert bytes_held(cache) == stored_slots(cache, cache.position)
        held = min(cache.position, 41 if kind == "ring" else 83)
        n_layers, batch, n_kv_heads, _, head_dim = cache.shape
        elements = kv_cache_bytes(n_layers, n_kv_heads, head_dim, held, batch, 1)
        assert bytes_held(cache) == elements * cache.bytes_per_element
    assert bytes_held(cache) <= cache.nbytes


@pytest.mark.parametrize("kind", KINDS)
def test_the_bytes_read_are_those_of_the_slots_that_the_readings_name_in_each_layer(kind):
    cache = KINDS[kind]()
    for n_tokens in (13, 23, 1, 1):
        expected = bytes_read(cache, n_tokens)
        readings = cache.readable(n_tokens)
        fill(cache, n_tokens)
        assert expected == sum(stored_slots(cache, r.n_slots, layer) for layer in range(3) for r in readings)


def test_what_a_decode_step_reads_is_whole_blocks_or_what_there_is_or_the_ring():
    per_slot = kv_cache_bytes(3, 5, 7, 1, 2, 4)
    read = {kind: bytes_read(fill(fill(KINDS[kind](), 23), 17), 1) for kind in ("dense", "growing", "ring")}
    assert read == {"dense": 64 * per_slot, "growing": 41 * per_slot, "ring": 41 * per_slot}
    long = fill(fill(fill(KINDS["ring"](), 23), 23), 23)
    assert bytes_held(long) == bytes_read(long, 1) == 41 * per_slot


def test_a_chunk_reads_once_for_each_block_that_its_tokens_stand_in():
    per_slot = kv_cache_bytes(3, 5, 7, 1, 2, 4)
    assert bytes_read(fill(DenseCache(*SHAPE), 30), 5) == (32 + 64) * per_slot


def test_what_a_cache_does_not_take_it_does_not_read():
    with pytest.raises(KvlabError, match="full"):
        bytes_read(fill(DenseCache(*SHAPE), 80), 4)
