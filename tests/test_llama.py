"""Protects the llama family's forward pass: against a textbook in float64, its rotary positions and the demo model."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import LLAMA_PRIMES, random_model, random_tensors

from kvlab.architecture import Architecture
from kvlab.cache import DenseCache
from kvlab.errors import KvlabError
from kvlab.model import BLAS, EXACT
from kvlab.model.demo import DEMO, demo_model
from kvlab.model.ops import rotary, rotate, silu

MODEL = random_model(LLAMA_PRIMES)
ARCHITECTURES = [
    LLAMA_PRIMES,
    Architecture("tied, as many K/V heads, d = H · d_h", "llama", 2, 42, 3, 3, 14, 53, 61, 71, rope_theta=500.0),
    Architecture("one K/V head", "llama", 2, 37, 5, 1, 6, 43, 47, 67, tied_head=False, norm_epsilon=0.25),
]


def textbook_rotation(x, theta):
    """Rotary positions by complex numbers: a pair of elements of a head, `(T, d_h)`, is a number that is turned."""
    n, head_dim = x.shape
    half = head_dim // 2
    pairs = x[:, :half] + 1j * x[:, half:]
    for t in range(n):
        for i in range(half):
            pairs[t, i] *= np.exp(1j * t * theta ** (-2 * i / head_dim))
    return np.concatenate([pairs.real, pairs.imag], axis=1)


def textbook_logits(tensors, a, ids):
    """Llama as its papers have it: one sequence, float64, a loop over heads, a full matrix of scores, no cache."""
    t = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}

    def norm(x, name):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + a.norm_epsilon) * t[f"{name}.weight"]

    def linear(x, name):
        return x @ t[f"{name}.weight"].T

    def heads(x, name):
        columns = linear(x, name)
        return np.split(columns, columns.shape[1] // a.head_dim, axis=1)

    hidden_from = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
    x = t["embed_tokens.weight"][ids]
    for layer in range(a.n_layers):
        block = f"layers.{layer}"
        h = norm(x, f"{block}.input_layernorm")
        queries = heads(h, f"{block}.self_attn.q_proj")
        repeats = a.n_heads // a.n_kv_heads
        keys = [k for k in heads(h, f"{block}.self_attn.k_proj") for _ in range(repeats)]
        values = [v for v in heads(h, f"{block}.self_attn.v_proj") for _ in range(repeats)]
        mixed = []
        for q, k, v in zip(queries, keys, values, strict=True):
            q, k = textbook_rotation(q, a.rope_theta), textbook_rotation(k, a.rope_theta)
            scores = np.exp(q @ k.T / math.sqrt(a.head_dim) + hidden_from)
            mixed.append(scores / scores.sum(-1, keepdims=True) @ v)
        x = x + linear(np.concatenate(mixed, -1), f"{block}.self_attn.o_proj")
        h = norm(x, f"{block}.post_attention_layernorm")
        gate = linear(h, f"{block}.mlp.gate_proj")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(h, f"{block}.mlp.up_proj"), f"{block}.mlp.down_proj")
    return norm(x, "norm") @ t["embed_tokens.weight" if a.tied_head else "lm_head.weight"].T


def random_ids(a, n, seed=0):
    return np.random.default_rng(seed).integers(0, a.vocab_size, (1, n))


@pytest.mark.parametrize("kernel", [EXACT, BLAS], ids=["exact", "blas"])
@pytest.mark.parametrize("a", ARCHITECTURES, ids=lambda a: a.name)
@pytest.mark.parametrize("n_tokens", [1, 2, 31, 32, 33, 67])
def test_a_prefill_agrees_with_the_textbook_at_every_position(a, n_tokens, kernel):
    model, ids = random_model(a), random_ids(a, n_tokens)
    hidden = model.forward(ids, DenseCache.for_model(a), kernel)
    expected = textbook_logits(random_tensors(a), a, ids[0])
    # float32 rounds at 6e-8; a few hundred operations deep, logits of this size stay within 1e-4.
    np.testing.assert_allclose(model.logits(hidden, kernel)[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("a", ARCHITECTURES, ids=lambda a: a.name)
def test_decoding_token_by_token_agrees_with_the_textbook_at_every_position(a):
    model, ids, cache = random_model(a), random_ids(a, 41), DenseCache.for_model(a)
    rows = [model.logits(model.forward(ids[:, t : t + 1], cache))[0, 0] for t in range(41)]
    expected = textbook_logits(random_tensors(a), a, ids[0])
    np.testing.assert_allclose(rows, expected, rtol=0, atol=1e-4 * np.abs(expected).max())  # as above


def test_what_is_cached_is_the_rotated_key_and_the_value_as_it_is():
    a, cache, tensors = LLAMA_PRIMES, DenseCache.for_model(LLAMA_PRIMES), random_tensors(LLAMA_PRIMES)
    ids = random_ids(a, 40)
    MODEL.forward(ids, cache)
    x = tensors["embed_tokens.weight"][ids[0]].astype(np.float64)
    h = x / np.sqrt((x**2).mean(-1, keepdims=True) + a.norm_epsilon) * tensors["layers.0.input_layernorm.weight"]
    for head in range(a.n_kv_heads):
        part = slice(head * a.head_dim, (head + 1) * a.head_dim)
        k, v = (h @ tensors[f"layers.0.self_attn.{name}_proj.weight"][part].T for name in "kv")
        # One product of 67 terms and one turn, in float32: far within 1e-5 of numbers of a size of 10.
        np.testing.assert_allclose(cache.keys[0, 0, head, :40], textbook_rotation(k, a.rope_theta), atol=1e-5)
        np.testing.assert_allclose(cache.values[0, 0, head, :40], v, atol=1e-5)


def test_query_heads_in_a_row_share_a_key_value_head():
    """Heads 0 to 2 read the first K/V head and 3 to 5 the second: without its values, half of the columns are zero."""
    a, cache = LLAMA_PRIMES, DenseCache.for_model(LLAMA_PRIMES)
    seen = []

    def noting(x, weight):
        seen.append(x)
        return EXACT.linear(x, weight)

    muted = MODEL.blocks[0]._replace(v_proj=MODEL.blocks[0].v_proj.copy())
    muted.v_proj[a.head_dim :] = 0  # of the second K/V head
    model = dataclasses.replace(MODEL, blocks=(muted, *MODEL.blocks[1:]))
    model.forward(random_ids(a, 5), cache, EXACT._replace(linear=noting))
    heads = seen[3].reshape(5, 6, a.head_dim)  # the input of o_proj, behind those of q, k and v
    assert heads[:, :3].all()
    assert not heads[:, 3:].any()


def turned(x, position, theta=10_000.0):
    """Return a head, `(d_h,)`, as it is turned at a position."""
    return rotate(x[None, None, None], *rotary(np.array([[position]]), len(x), theta))[0, 0, 0]


positions = st.integers(0, 2000)
halves = st.integers(1, 37)


def random_heads(half, seed, n=2):
    return np.random.default_rng(seed).standard_normal((n, 2 * half)).astype(np.float32)


@given(positions, positions, st.integers(0, 2000), halves, st.integers(0, 99))
def test_a_score_depends_on_the_distance_of_query_and_key_and_not_on_where_they_stand(a, b, shift, half, seed):
    q, k = random_heads(half, seed)
    here, there = turned(q, a) @ turned(k, b), turned(q, a + shift) @ turned(k, b + shift)
    # An angle t · θ^(…) is rounded at 6e-8 of t ≤ 4,000: by 2.4e-4, in each of q and k, before and behind the shift.
    assert abs(here - there) <= 4 * 2.4e-4 * np.linalg.norm(q) * np.linalg.norm(k)


@given(positions, halves, st.integers(0, 99))
def test_turning_keeps_the_length_of_each_pair(position, half, seed):
    x = random_heads(half, seed, n=1)[0]
    y = turned(x, position)
    # cos² + sin² is 1 but for the rounding of each at 6e-8.
    np.testing.assert_allclose(np.hypot(y[:half], y[half:]), np.hypot(x[:half], x[half:]), rtol=1e-6)


def test_position_0_turns_nothing():
    x = random_heads(11, seed=0, n=1)[0]
    assert turned(x, 0).tobytes() == x.tobytes()


@given(positions, st.integers(0, 36), halves, st.sampled_from([10_000.0, 500_000.0, 2.0]))
def test_an_element_is_paired_with_the_one_half_a_head_further_and_their_angle_is_the_papers(position, i, half, theta):
    i %= half
    x = np.zeros(2 * half, np.float32)
    x[i] = 1
    y = turned(x, position, theta)
    angle = position * theta ** (-2 * i / (2 * half))
    assert set(np.flatnonzero(y)) <= {i, i + half}
    # The angle is rounded at 6e-8, and its frequency too: by 1.2e-7 of at most 2,000.
    assert (y[i], y[i + half]) == pytest.approx((math.cos(angle), math.sin(angle)), abs=1.2e-7 * angle + 1e-6)


def test_rows_of_a_batch_are_turned_each_by_its_own_positions():
    x = np.stack([random_heads(7, seed=0, n=3)] * 2)[:, None]  # (B, 1, T, d_h), both rows the same
    y = rotate(x, *rotary(np.array([[0, 1, 2], [5, 6, 7]]), 14, 10_000.0))
    for row, first in enumerate((0, 5)):
        for t in range(3):
            assert y[row, 0, t].tobytes() == turned(x[row, 0, t], first + t).tobytes()


def test_turning_leaves_its_input_as_it_was():
    x = np.ones((1, 1, 1, 6), np.float32)
    rotate(x, *rotary(np.array([[3]]), 6, 10_000.0))
    assert x.tolist() == [[[[1.0] * 6]]]


def test_silu_is_x_times_its_sigmoid_and_goes_to_0_and_to_x():
    x = np.array([[-1000.0, -1.0, 0.0, 1.0, 1000.0]], np.float32)
    expected = [[0, -1 / (1 + math.e), 0, 1 / (1 + 1 / math.e), 1000]]
    np.testing.assert_allclose(silu(x), expected, rtol=1e-6)  # a few roundings at 6e-8


def test_everything_stays_in_float32():
    cache = DenseCache.for_model(LLAMA_PRIMES)
    for n_tokens in (3, 1):
        hidden = MODEL.forward(random_ids(LLAMA_PRIMES, n_tokens), cache)
        assert hidden.dtype == MODEL.logits(hidden).dtype == np.float32
    assert {part.dtype for part in rotary(np.array([[3]]), 6, 10_000.0)} == {np.dtype(np.float32)}


def test_a_tied_head_is_the_embedding_itself_and_an_untied_one_is_not():
    tied = random_model(ARCHITECTURES[1])
    assert tied.head is tied.embed_tokens
    assert "lm_head.weight" not in random_tensors(ARCHITECTURES[1])
    assert not np.shares_memory(MODEL.head, MODEL.embed_tokens)


def test_what_cannot_be_run_is_refused_and_nothing_is_written():
    cache = DenseCache.for_model(LLAMA_PRIMES)
    for ids, message in (
        (np.array([1, 2]), "ids have shape"),
        (np.array([[3, 211]]), "the vocabulary from 0 to 210"),
        (np.array([[-1]]), "the vocabulary from 0 to 210"),
        (np.ones((1, 84), int), "84 more do not fit"),
        (np.ones((2, 3), int), "2 sequences do not match"),
    ):
        with pytest.raises(KvlabError, match=message):
            MODEL.forward(ids, cache)
    with pytest.raises(KvlabError, match="84 tokens exceed the 83 positions"):
        MODEL.forward(np.ones((1, 84), int), DenseCache(3, 1, 2, 200, 22))
    assert cache.position == 0
    assert not cache.keys.any()


def demo_weights():
    model = demo_model()
    return [model.embed_tokens, *(array for block in model.blocks for array in block), model.norm, model.head]


def test_the_demo_has_its_published_shapes():
    a = demo_model().architecture
    assert (a.family, a.vocab_size, a.d_model, a.n_layers, a.n_heads, a.n_kv_heads, a.d_ff) == (
        *("llama", 256, 64, 2, 4, 2, 172),
    )
    assert a.head_dim * a.n_heads == a.d_model
    block = demo_model().blocks[0]
    assert block.q_proj.shape == block.o_proj.shape == (64, 64)
    assert block.k_proj.shape == block.v_proj.shape == (2 * 16, 64)
    assert block.gate_proj.shape == block.up_proj.shape == (172, 64)
    assert block.down_proj.shape == (64, 172)


def test_the_demos_parameters_are_those_that_its_shapes_ask_for():
    vocab, d, layers, kv, d_ff = 256, 64, 2, 2 * 16, 172
    # Two tables, and for each layer Q and O, K and V, the MLP's three, two norms; at the end one norm more.
    by_hand = 2 * vocab * d + layers * (2 * d * d + 2 * kv * d + 3 * d_ff * d + 2 * d) + d
    assert sum(array.size for array in demo_weights()) == by_hand


def test_the_demo_has_the_same_weights_at_each_call_and_shares_none_between_calls():
    for first, second in zip(demo_weights(), demo_weights(), strict=True):
        assert first.tobytes() == second.tobytes()
        assert not np.shares_memory(first, second)


def test_the_demos_weights_are_normal_draws_of_seed_42_and_its_norms_ones():
    model, rng = demo_model(), np.random.default_rng(42)
    assert np.array_equal(model.embed_tokens, rng.standard_normal((256, 64), np.float32) / np.float32(8))
    assert np.array_equal(model.blocks[0].q_proj, rng.standard_normal((64, 64), np.float32) / np.float32(8))
    norms = [model.norm, *(norm for block in model.blocks for norm in (block[0], block.post_attention_layernorm))]
    assert all((norm == 1).all() for norm in norms)
    # 172 · 64 draws: their deviation is within 5 % of 1/√172, more than seven of its standard errors.
    assert model.blocks[1].down_proj.std() == pytest.approx(1 / math.sqrt(172), rel=0.05)


def test_the_demo_runs_to_the_end_of_its_context_with_finite_logits():
    model = demo_model()
    hidden = model.forward(random_ids(DEMO, DEMO.max_context), DenseCache.for_model(DEMO))
    assert np.isfinite(model.logits(hidden)).all()
