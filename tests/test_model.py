"""Protects the GPT-2 family's forward pass: against a textbook in float64, and its refusals."""

import math

import numpy as np
import pytest
from random_models import PRIMES, random_model, random_tensors

from kvlab.architecture import Architecture
from kvlab.cache import DenseCache
from kvlab.errors import KvlabError
from kvlab.model import BLAS, EXACT
from kvlab.model.ops import gelu, layer_norm, rms_norm, silu, softmax

MODEL, TENSORS = random_model(), random_tensors(PRIMES)


def textbook_logits(tensors, a, ids):
    """GPT-2 as its paper has it: one sequence, float64, a loop over heads, a full matrix of scores, no cache."""
    t = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}

    def norm(x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + a.norm_epsilon)
        return x * t[f"{name}.weight"] + t[f"{name}.bias"]

    def linear(x, name):
        return x @ t[f"{name}.weight"] + t[f"{name}.bias"]

    n, d = len(ids), a.d_model
    x = t["wte.weight"][ids] + t["wpe.weight"][:n]
    hidden_from = np.triu(np.full((n, n), -np.inf), 1)
    for layer in range(a.n_layers):
        h = f"h.{layer}"
        qkv = linear(norm(x, f"{h}.ln_1"), f"{h}.attn.c_attn")
        heads = []
        for head in range(a.n_heads):
            columns = slice(head * a.head_dim, (head + 1) * a.head_dim)
            q, k, v = (qkv[:, part * d : (part + 1) * d][:, columns] for part in range(3))
            scores = q @ k.T / math.sqrt(a.head_dim) + hidden_from
            weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
            heads.append(weights @ v)
        x = x + linear(np.concatenate(heads, -1), f"{h}.attn.c_proj")
        m = linear(norm(x, f"{h}.ln_2"), f"{h}.mlp.c_fc")
        m = m / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (m + 0.044715 * m**3)))
        x = x + linear(m, f"{h}.mlp.c_proj")
    return norm(x, "ln_f") @ t["wte.weight" if a.tied_head else "lm_head.weight"].T


def random_ids(n, seed=0):
    return np.random.default_rng(seed).integers(0, PRIMES.vocab_size, (1, n))


@pytest.mark.parametrize("kernel", [EXACT, BLAS], ids=["exact", "blas"])
@pytest.mark.parametrize("n_tokens", [1, 2, 31, 32, 33, 83])
def test_a_prefill_agrees_with_the_textbook_at_every_position(n_tokens, kernel):
    ids = random_ids(n_tokens)
    hidden = MODEL.forward(ids, DenseCache.for_model(PRIMES), kernel)
    expected = textbook_logits(TENSORS, PRIMES, ids[0])
    # float32 rounds at 6e-8; a few hundred operations deep, logits of this size stay within 1e-4.
    np.testing.assert_allclose(MODEL.logits(hidden, kernel)[0], expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_an_untied_head_is_used():
    a = Architecture(**{**vars(PRIMES), "tied_head": False})
    tensors = random_tensors(a)
    ids = random_ids(5)
    model = random_model(a)
    hidden = model.forward(ids, DenseCache.for_model(a))
    np.testing.assert_allclose(model.logits(hidden)[0], textbook_logits(tensors, a, ids[0]), atol=1e-3)


def run_in_chunks(ids, chunks):
    cache, hidden, start = DenseCache.for_model(PRIMES), [], 0
    for n_tokens in chunks:
        hidden.append(MODEL.forward(ids[:, start : start + n_tokens], cache))
        start += n_tokens
    return np.concatenate(hidden, axis=1), cache


def test_keys_and_values_of_a_later_layer_depend_on_earlier_tokens_and_those_of_the_first_layer_do_not():
    ids, other = random_ids(6), random_ids(6)
    other[0, 0] += 1
    _, a = run_in_chunks(ids, [6])
    _, b = run_in_chunks(other, [6])
    assert np.array_equal(a.keys[0, :, :, 5], b.keys[0, :, :, 5])
    assert not np.array_equal(a.keys[1, :, :, 5], b.keys[1, :, :, 5])


def test_everything_stays_in_float32():
    hidden, cache = run_in_chunks(random_ids(4), [3, 1])
    assert hidden.dtype == cache.keys.dtype == MODEL.logits(hidden).dtype == np.float32
    for n_rows in (1, 3):
        x = np.linspace(-3, 3, 10 * n_rows, dtype=np.float32).reshape(n_rows, 10)
        results = gelu(x), silu(x), softmax(x), layer_norm(x, x[:1], x[:1], 1e-5), rms_norm(x, x[:1], 1e-5)
        assert {result.dtype for result in results} == {np.dtype(np.float32)}


def test_a_norms_epsilon_is_added_to_the_variance_and_not_to_its_root():
    one, zero = np.ones((1, 2), np.float32), np.zeros((1, 2), np.float32)
    for n_rows in (1, 2):
        x = np.array([[1, -1]] * n_rows, np.float32)
        assert layer_norm(x, one, zero, epsilon=3.0).tolist() == [[0.5, -0.5]] * n_rows
        assert rms_norm(x, one, epsilon=3.0).tolist() == [[0.5, -0.5]] * n_rows


def test_large_scores_share_their_weight_and_a_masked_one_gets_none():
    scores = np.array([1000, 1000, -np.inf], np.float32)
    assert softmax(scores).tolist() == [0.5, 0.5, 0]


@pytest.mark.parametrize("shape", [(5,), (1, 0), (0, 5), (1, 1, 5)])
def test_ids_that_are_no_matrix_are_refused(shape):
    with pytest.raises(KvlabError, match="ids have shape"):
        MODEL.forward(np.zeros(shape, int), DenseCache.for_model(PRIMES))


@pytest.mark.parametrize("token", [-1, 211])
def test_an_id_outside_the_vocabulary_is_refused(token):
    with pytest.raises(KvlabError, match=r"the vocabulary from 0 to 210"):
        MODEL.forward(np.array([[3, token]]), DenseCache.for_model(PRIMES))


def test_more_tokens_than_positions_are_refused_even_with_a_larger_cache():
    cache = DenseCache(3, 1, 5, 200, 14)
    with pytest.raises(KvlabError, match="84 tokens exceed the 83 positions"):
        MODEL.forward(random_ids(84), cache)


def test_a_cache_for_another_batch_is_refused():
    with pytest.raises(KvlabError, match="1 sequences do not match a cache made for 2"):
        MODEL.forward(random_ids(4), DenseCache.for_model(PRIMES, batch=2))
