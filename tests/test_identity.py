"""Byte for byte: whatever way a token takes through a model, its hidden state, logits, K and V are the same."""

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from properties import examples
from random_models import LLAMA_PRIMES, PRIMES, random_model

from kvlab.architecture import Architecture
from kvlab.cache import DenseCache, RaggedBatch
from kvlab.decoding.equivalence import verify
from kvlab.decoding.generation import generate_batch, generate_cached, generate_uncached, greedy, sampler
from kvlab.errors import KvlabError
from kvlab.model import BLAS, EXACT, kernels
from kvlab.model.demo import demo_model
from kvlab.model.ops import gelu, layer_norm, rms_norm, rotary, rotate, silu, softmax

# Widths and head sizes are no multiples of 32, nor of the 16 rows that blocks of weights are made of; the context of
# the last model is shorter than one block of slots.
MODELS = [
    random_model(a)
    for a in (
        PRIMES,
        Architecture("odd heads", "gpt2", 2, 3 * 11, 3, 3, 11, 53, 61, 71),
        Architecture("heads of one", "gpt2", 2, 13, 13, 13, 1, 29, 31, 67, tied_head=False),
        LLAMA_PRIMES,
        Architecture("as many K/V heads", "llama", 2, 31, 3, 3, 10, 53, 61, 71),
        Architecture("one K/V head", "llama", 2, 37, 5, 1, 6, 43, 47, 67, tied_head=False),
        Architecture("short", "llama", 2, 23, 4, 2, 14, 37, 41, 19),
    )
]
# Its MLP's weights (1,009 · 331 elements) and its head (401 · 331) exceed BLOCK_ELEMENTS and leave a rest.
LARGE = random_model(Architecture("large", "llama", 1, 331, 5, 5, 22, 1009, 401, 67))

models = st.sampled_from(MODELS)
seeds = st.integers(0, 99)


@st.composite
def blocks(draw):
    """Weights in one piece, as such small ones are; or all of them in blocks of 16 rows, with a rest."""
    return patch.object(kernels, "BLOCK_ELEMENTS", draw(st.sampled_from([kernels.BLOCK_ELEMENTS, 300])))


@st.composite
def pieces(draw, total):
    """Return sizes of pieces that add up to `total`."""
    cuts = draw(st.sets(st.integers(1, total - 1), max_size=12)) if total > 1 else set()
    edges = [0, *sorted(cuts), total]
    return [stop - start for start, stop in pairwise(edges)]


def random_ids(model, shape, seed):
    return np.random.default_rng(seed).integers(0, model.architecture.vocab_size, shape)


def run(model, ids, chunks, cache=None, kernel=EXACT):
    """Return the hidden states of `ids`, `(B, T)`, run chunk by chunk, and the cache."""
    cache = cache or DenseCache.for_model(model.architecture, batch=len(ids))
    hidden = [model.forward(part, cache, kernel) for part in np.split(ids, np.cumsum(chunks)[:-1], axis=1) if part.size]
    return np.concatenate(hidden, axis=1), cache


def held(cache, row=0):
    """Return the bytes of the K and V that a sequence of a dense cache holds."""
    slots = (slice(None), row, slice(None), slice(cache.position))
    return cache.keys[slots].tobytes(), cache.values[slots].tobytes()


def assert_rows_are_what_they_are_alone(function, *rows):
    together = function(*rows)
    for i in range(len(rows[0])):
        alone = function(*(part[i : i + 1] for part in rows))
        assert together[i].tobytes() == alone[0].tobytes()


@examples(0.5)
@given(models, blocks(), st.data(), seeds)
def test_a_prompt_split_into_any_chunks_gives_the_same_bytes(model, in_blocks, data, seed):
    n_tokens = data.draw(st.integers(1, model.architecture.max_context))
    ids = random_ids(model, (1, n_tokens), seed)
    with in_blocks:
        whole, whole_cache = run(model, ids, [n_tokens])
        split, split_cache = run(model, ids, data.draw(pieces(n_tokens)))
        logits = model.logits(whole[0])
        one_by_one = [model.logits(state) for state in split[0]]
    assert whole.tobytes() == split.tobytes()
    assert logits.tobytes() == np.array(one_by_one).tobytes()
    assert held(whole_cache) == held(split_cache)


@examples(0.5)
@given(models, blocks(), st.integers(2, 5), st.data(), seeds)
def test_a_row_of_a_batch_gives_the_bytes_that_it_gives_alone(model, in_blocks, batch, data, seed):
    n_tokens = data.draw(st.integers(1, model.architecture.max_context))
    chunks = data.draw(pieces(n_tokens))
    ids = random_ids(model, (batch, n_tokens), seed)
    with in_blocks:
        together, cache = run(model, ids, chunks)
        for row in range(batch):
            alone, own = run(model, ids[row : row + 1], chunks)
            assert together[row].tobytes() == alone[0].tobytes()
            assert held(cache, row) == held(own)


@examples(0.05)
@given(st.data(), seeds)
def test_weights_that_are_read_in_blocks_give_a_row_the_same_bytes_in_any_company(data, seed):
    assert min(LARGE.head.size, LARGE.blocks[0].down_proj.size) > kernels.BLOCK_ELEMENTS
    n_tokens = data.draw(st.integers(2, 67))
    ids = random_ids(LARGE, (2, n_tokens), seed)
    together, cache = run(LARGE, ids, [n_tokens])
    alone, own = run(LARGE, ids[1:], data.draw(pieces(n_tokens)))
    assert together[1].tobytes() == alone[0].tobytes()
    assert LARGE.logits(together)[1, -1].tobytes() == LARGE.logits(alone[0, -1]).tobytes()
    assert held(cache, row=1) == held(own)


def test_blocks_and_their_rest_make_the_whole_product():
    x, weight = LARGE.embed_tokens[:7], LARGE.blocks[0].up_proj
    # A sum of 331 products of float32, rounded at 6e-8 each: within 331 · 6e-8 of the sum of their sizes.
    bound = 331 * 6e-8 * (np.abs(x) @ np.abs(weight).T).max()
    np.testing.assert_allclose(EXACT.linear(x, weight), x.astype(np.float64) @ weight.T, rtol=0, atol=bound)


@examples(0.5)
@given(models, st.data(), seeds)
def test_what_an_earlier_run_left_in_the_slots_changes_no_byte(model, data, seed):
    n_tokens = data.draw(st.integers(1, model.architecture.max_context))
    chunks = data.draw(pieces(n_tokens))
    ids = random_ids(model, (1, n_tokens), seed)
    clean, clean_cache = run(model, ids, chunks)
    stale = DenseCache.for_model(model.architecture)
    for buffer in (stale.keys, stale.values):
        buffer[:] = np.random.default_rng(seed).standard_normal(buffer.shape) * 1e6
    used, _ = run(model, ids, chunks, stale)
    assert clean.tobytes() == used.tobytes()
    assert held(clean_cache) == held(stale)


@examples(0.5)
@given(models, blocks(), st.data(), seeds)
def test_sequences_of_any_lengths_that_join_and_leave_a_batch_give_the_bytes_that_they_give_alone(
    model, in_blocks, data, seed
):
    limit = model.architecture.max_context
    lengths = data.draw(st.lists(st.integers(1, limit), min_size=1, max_size=4))
    texts = [random_ids(model, (1, n), seed + i) for i, n in enumerate(lengths)]
    caches = [DenseCache.for_model(model.architecture) for _ in texts]
    states = [[] for _ in texts]
    with in_blocks:
        for _ in range(data.draw(st.integers(1, 6))):
            running = [i for i in range(len(texts)) if caches[i].position < lengths[i] and data.draw(st.booleans())]
            if not running:
                continue
            n_new = data.draw(st.integers(1, min(lengths[i] - caches[i].position for i in running)))
            new = [texts[i][:, caches[i].position : caches[i].position + n_new] for i in running]
            hidden = model.forward(np.concatenate(new), RaggedBatch([caches[i] for i in running]))
            for i, row in zip(running, hidden, strict=True):
                states[i].append(row)
        for text, cache, rows in zip(texts, caches, states, strict=True):
            if cache.position:
                alone, own = run(model, text[:, : cache.position], [cache.position])
                assert alone.tobytes() == np.concatenate(rows).tobytes()
                assert held(cache) == held(own)


@examples(0.5)
@given(models, blocks(), st.integers(1, 40), st.booleans(), st.data(), seeds)
def test_prompts_decoded_side_by_side_give_the_tokens_that_each_gives_alone(
    model, in_blocks, n_tokens, sampled, data, seed
):
    limit = model.architecture.max_context
    lengths = data.draw(st.lists(st.integers(1, limit), min_size=1, max_size=4))
    prompts = [random_ids(model, n, seed + i).tolist() for i, n in enumerate(lengths)]
    stops = data.draw(st.sets(st.integers(0, model.architecture.vocab_size - 1), max_size=9))

    def picks():
        return [noting(sampler(1.3, 17, seed=row) if sampled else greedy) for row in range(len(prompts))]

    together, alone = picks(), picks()
    with in_blocks:
        batch = generate_batch(model, prompts, n_tokens, [pick for pick, _ in together], stop_ids=stops)
        each = [
            generate_cached(model, prompt, n_tokens, pick, stop_ids=stops)
            for prompt, (pick, _) in zip(prompts, alone, strict=True)
        ]
    assert batch == each
    assert [seen for _, seen in together] == [seen for _, seen in alone]


def noting(pick):
    """Return a picker and the bytes of the logits that it has seen."""
    seen = []

    def note(logits):
        seen.append(logits.tobytes())
        return pick(logits)

    return note, seen


def test_in_one_batch_a_row_ends_by_its_length_one_by_the_context_and_one_by_a_stop_id():
    model = MODELS[3]
    prompts = [[3, 1, 4], [5] * 80, [9, 2, 6, 5, 3], [5] * 83]
    ids = generate_cached(model, prompts[2], 9).ids
    stop = next(token for i, token in enumerate(ids[:8]) if i and token not in ids[:i])
    rows = generate_batch(model, prompts, 9, [greedy] * 4, stop_ids={stop})
    assert [row.stopped for row in rows] == ["length", "context", "end", "context"]
    assert [len(row.ids) for row in rows] == [9, 3, ids.index(stop) + 1, 0]


def test_a_sequence_that_has_ended_is_not_run_any_more(monkeypatch):
    model, shapes = MODELS[3], []
    original = type(model).forward

    def watched(self, ids, cache, *rest):
        shapes.append(ids.shape)
        return original(self, ids, cache, *rest)

    monkeypatch.setattr(type(model), "forward", watched)
    generate_batch(model, [[1] * 81, [1] * 7, [1] * 79], 5, [greedy] * 3)
    # Each prompt by itself; then the newest tokens: the first text is full at 83 tokens, the third one step later.
    assert shapes == [(1, 81), (1, 7), (1, 79), (3, 1), (2, 1), (2, 1), (1, 1)]


def test_a_batch_without_prompts_or_with_too_few_pickers_or_with_a_prompt_that_cannot_run_is_refused():
    for prompts, picks, message in (
        ([], [], "0 prompts and 0 pickers"),
        ([[1], [2]], [greedy], "2 prompts and 1 pickers"),
        ([[1], []], [greedy] * 2, "no tokens"),
        ([[1], [1] * 84], [greedy] * 2, "84 tokens"),
    ):
        with pytest.raises(KvlabError, match=message):
            generate_batch(MODELS[3], prompts, 1, picks)


def ragged(*held_tokens):
    caches = [DenseCache.for_model(LLAMA_PRIMES) for _ in held_tokens]
    for cache, n_tokens in zip(caches, held_tokens, strict=True):
        cache.advance(n_tokens)
    return RaggedBatch(caches)


def test_a_ragged_batch_stands_where_its_longest_sequence_stands_and_occupies_what_its_caches_do():
    batch = ragged(5, 31, 2)
    assert batch.position == 31
    assert batch.positions(2).tolist() == [[5, 6], [31, 32], [2, 3]]
    assert batch.nbytes == 3 * DenseCache.for_model(LLAMA_PRIMES).nbytes


def test_a_ragged_batch_in_which_one_sequence_has_no_room_runs_none():
    batch = ragged(5, 82, 2)
    with pytest.raises(KvlabError, match="82 of 83"):
        MODELS[3].forward(np.ones((3, 2), int), batch)
    with pytest.raises(KvlabError, match="82 of 83"):
        batch.advance(2)
    assert [cache.position for cache in batch.caches] == [5, 82, 2]
    assert not any(cache.keys.any() for cache in batch.caches)


def test_a_ragged_batch_takes_a_cache_for_each_sequence_and_each_only_once():
    with pytest.raises(KvlabError, match="at least one cache"):
        RaggedBatch([])
    with pytest.raises(KvlabError, match="2 sequences do not match a batch of 3"):
        MODELS[3].forward(np.ones((2, 1), int), ragged(1, 1, 1))
    cache = DenseCache.for_model(LLAMA_PRIMES)
    with pytest.raises(KvlabError, match="cannot share a cache"):
        RaggedBatch([cache, DenseCache.for_model(LLAMA_PRIMES), cache])


@examples(0.5)
@given(models, blocks(), st.booleans(), st.data(), seeds)
def test_decoding_with_a_cache_and_without_sees_the_same_logits_and_picks_the_same_tokens(
    model, in_blocks, sampled, data, seed
):
    n_prompt = data.draw(st.integers(1, model.architecture.max_context))
    prompt = random_ids(model, n_prompt, seed).tolist()
    runs = []
    with in_blocks:
        for generate in (generate_cached, generate_uncached):
            pick, seen = noting(sampler(1.3, 17, seed) if sampled else greedy)
            run_ = generate(model, prompt, 20, pick)
            runs.append((run_.ids, run_.stopped, seen))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("model", [*MODELS[:6], demo_model()], ids=lambda model: model.architecture.name)
def test_a_verification_of_either_family_finds_no_difference_and_plain_blas_one(model):
    prompts = [[1, 2, 3], [5] * 31]
    result = verify(model, prompts, 30)
    assert result.exact.identical
    assert result.exact.steps == 60
    assert not result.blas.identical


@pytest.mark.parametrize("model", [*MODELS, LARGE], ids=lambda model: model.architecture.name)
def test_plain_blas_does_not_repeat_its_bytes_in_another_company(model):
    ids = random_ids(model, (1, 19), seed=0)
    whole, _ = run(model, ids, [19], kernel=BLAS)
    split, _ = run(model, ids, [1] * 19, kernel=BLAS)
    assert whole.tobytes() != split.tobytes()


def rows_of(draw, n, scale):
    n_rows, seed = draw(st.integers(2, 9)), draw(seeds)
    return (np.random.default_rng(seed).standard_normal((n_rows, n)) * scale).astype(np.float32)


@st.composite
def rows(draw):
    """Activations: a few rows of any width and of sizes from tiny to too large for exp."""
    return rows_of(draw, draw(st.integers(1, 150)), draw(st.sampled_from([1e-4, 1, 300])))


OPS = {
    "layer_norm": lambda x: layer_norm(x, _ROW[:, : x.shape[1]], _ROW[:, -x.shape[1] :], 1e-5),
    "rms_norm": lambda x: rms_norm(x, _ROW[:, : x.shape[1]], 1e-6),
    "gelu": gelu,
    "silu": silu,
    "softmax": softmax,
}
_ROW = np.random.default_rng(1).standard_normal((1, 150)).astype(np.float32)


@pytest.mark.parametrize("op", OPS)
@given(rows())
def test_a_row_alone_has_the_bytes_that_it_has_among_others(op, x):
    assert_rows_are_what_they_are_alone(OPS[op], x)


@given(rows(), st.integers(1, 90), seeds)
def test_a_row_of_a_linear_map_alone_has_the_bytes_that_it_has_among_others(x, n_out, seed):
    weight = np.random.default_rng(seed).standard_normal((n_out, x.shape[1])).astype(np.float32)
    for elements in (kernels.BLOCK_ELEMENTS, 300):
        with patch.object(kernels, "BLOCK_ELEMENTS", elements):
            assert_rows_are_what_they_are_alone(lambda part: EXACT.linear(part, weight), x)


@given(st.integers(1, 7), st.integers(2, 9), st.integers(1, 90), st.integers(1, 40), seeds)
def test_a_query_alone_has_the_scores_and_the_mixture_that_it_has_among_others(shared, n_queries, n, head_dim, seed):
    rng = np.random.default_rng(seed)
    keys, values = (rng.standard_normal((shared, n, head_dim)).astype(np.float32) for _ in range(2))
    queries = rng.standard_normal((shared, n_queries, head_dim)).astype(np.float32)
    weights = softmax(EXACT.scores(keys, queries))
    mixed = EXACT.mix(weights, values)
    for i in range(shared):
        for j in range(n_queries):
            part = slice(i, i + 1), slice(j, j + 1)
            score = EXACT.scores(keys[part[0]], queries[part])
            assert softmax(score)[0, 0].tobytes() == weights[i, j].tobytes()
            assert EXACT.mix(weights[part], values[part[0]])[0, 0].tobytes() == mixed[i, j].tobytes()


@given(st.lists(st.integers(0, 100_000), min_size=2, max_size=9), st.integers(1, 40), st.integers(1, 3), seeds)
def test_a_position_alone_turns_a_head_to_the_bytes_that_it_turns_it_to_among_others(
    positions, half_head_dim, n_heads, seed
):
    head_dim = 2 * half_head_dim
    x = np.random.default_rng(seed).standard_normal((1, n_heads, len(positions), head_dim)).astype(np.float32)
    together = rotate(x, *rotary(np.array([positions]), head_dim, 10_000.0))
    for t, position in enumerate(positions):
        alone = rotate(x[:, :, t : t + 1], *rotary(np.array([[position]]), head_dim, 10_000.0))
        assert together[:, :, t].tobytes() == alone[:, :, 0].tobytes()


@given(rows(), st.data())
def test_slots_that_are_masked_get_no_weight_and_leave_the_others_theirs(x, data):
    assume(x.shape[1] > 1)
    n_seen = data.draw(st.integers(1, x.shape[1] - 1))
    other = x.copy()
    other[:, n_seen:] *= -7
    mask = np.where(np.arange(x.shape[1]) < n_seen, 0, -np.inf).astype(np.float32)
    weights = softmax(x + mask)
    assert not weights[:, n_seen:].any()
    assert weights.tobytes() == softmax(other + mask).tobytes()
