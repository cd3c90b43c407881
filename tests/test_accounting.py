"""Protects the closed formulas of memory, FLOPs and traffic: against arrays, counted loops and published integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import PRIMES, random_model, random_tensors

from kvlab import catalog
from kvlab.accounting import flops, memory, parameters, traffic
from kvlab.architecture import Architecture
from kvlab.cache import DenseCache
from kvlab.errors import KvlabError
from kvlab.model import Kernel
from kvlab.model.kernels import EXACT

ONE_SIZE = st.integers(1, 11)


@given(ONE_SIZE, ONE_SIZE, ONE_SIZE, ONE_SIZE, ONE_SIZE, st.sampled_from(["f2", "f4", "f8"]))
def test_the_size_formula_gives_the_bytes_that_a_real_cache_occupies(layers, heads, dim, context, batch, dtype):
    size = np.dtype(dtype).itemsize
    real = DenseCache(layers, batch, heads, context, dim, dtype)
    assert memory.kv_cache_bytes(layers, heads, dim, context, batch, size) == real.nbytes
    assert real.nbytes == real.keys.nbytes + real.values.nbytes


@given(ONE_SIZE, ONE_SIZE, ONE_SIZE, ONE_SIZE, ONE_SIZE, ONE_SIZE)
def test_the_parts_of_the_size_make_the_whole(layers, heads, dim, context, batch, size):
    whole = memory.kv_cache_bytes(layers, heads, dim, context, batch, size)
    assert whole == memory.kv_bytes_per_token(layers, heads, dim, size) * context * batch
    assert whole == memory.kv_elements_per_token(layers, heads, dim) * size * context * batch
    assert whole == memory.kv_bytes_per_layer_token(heads, dim, size) * layers * context * batch
    assert whole == 2 * memory.k_bytes_per_layer_token(heads, dim, size) * layers * context * batch


@given(st.integers(0, 10**7), ONE_SIZE, ONE_SIZE, ONE_SIZE, ONE_SIZE, ONE_SIZE)
def test_what_fits_in_a_budget_is_the_most_whose_cache_is_no_larger(budget, layers, heads, dim, batch, size):
    fitting = memory.context_in_budget(budget, layers, heads, dim, batch, size)
    there, beyond = (memory.kv_cache_bytes(layers, heads, dim, s, batch, size) for s in (fitting, fitting + 1))
    assert there <= budget < beyond


@pytest.mark.parametrize("place", range(1, 6))
def test_of_tokens_that_take_no_bytes_any_number_fits_which_is_said(place):
    shapes = [7 * (i != place) for i in range(6)]
    with pytest.raises(KvlabError, match="where a token takes no bytes, any number of them fits"):
        memory.context_in_budget(*shapes)


def test_what_weights_leave_of_a_memory_and_weights_that_leave_nothing():
    assert memory.left_for_cache(23, 17) == 6
    assert memory.left_for_cache(17, 17) == 0
    with pytest.raises(KvlabError, match=r"weights of 2,300 B do not fit in 1,700 B"):
        memory.left_for_cache(1700, 2300)


@pytest.mark.parametrize(("weights", "memory_bytes"), [(23, 7), (21, 7), (22, 7), (6, 7), (0, 7)])
def test_weights_take_as_many_devices_as_are_filled_one_after_the_other(weights, memory_bytes):
    filled = [range(start, weights)[:memory_bytes] for start in range(0, weights, memory_bytes)]
    assert memory.devices_for_weights(weights, memory_bytes) == len(filled)
    with pytest.raises(KvlabError, match="no number of devices without memory holds weights"):
        memory.devices_for_weights(weights, 0)


@given(ONE_SIZE, ONE_SIZE, ONE_SIZE)
def test_the_width_of_k_is_that_of_a_row_of_its_array(layers, heads, dim):
    assert memory.k_width(heads, dim) == DenseCache(layers, 1, heads, 1, dim).keys[0].size


def test_bytes_stay_exact_where_a_float_would_round():
    assert memory.kv_cache_bytes(3, 7, 11, 2**53 + 1, 13, 1) == 2 * 3 * 7 * 11 * (2**53 + 1) * 13


@pytest.mark.parametrize("tied", [True, False])
def test_parameters_are_counted_as_the_tensors_have_them(tied):
    a = Architecture(**{**vars(PRIMES), "tied_head": tied})
    count = parameters.gpt2_parameters if tied else parameters.gpt2_untied_parameters
    counted = count(a.n_layers, a.d_model, a.d_ff, a.vocab_size, a.max_context)
    assert counted == sum(tensor.size for tensor in random_tensors(a).values())


@pytest.mark.parametrize("name", ["GPT-2 small", "GPT-2 XL"])
def test_parameters_of_published_models_meet_the_published_integers(name):
    model = catalog.model(name)
    a = model.decoder
    counted = parameters.gpt2_parameters(a.n_layers, a.d_model, a.d_ff, a.vocab_size, a.max_context)
    assert counted == model.published_parameters


class Counter:
    """Kernels that count multiply-adds from the operands' shapes, at the moment of each product."""

    def __init__(self):
        self.linear = self.attention = 0
        self.kernel = Kernel(self._linear, self._scores, self._mix)

    def _linear(self, x, weight):
        self.linear += x.size // x.shape[-1] * weight.size
        return EXACT.linear(x, weight)

    def _scores(self, keys, q):
        scores = EXACT.scores(keys, q)
        self.attention += scores.size * q.shape[-1]
        return scores

    def _mix(self, p, values):
        self.attention += int(np.count_nonzero(p)) * values.shape[-1]
        return EXACT.mix(p, values)


MODEL = random_model()
WORK = {name: getattr(PRIMES, name) for name in ("n_layers", "d_model", "n_heads", "head_dim", "d_ff", "vocab_size")}


@given(st.integers(0, 82))
def test_the_flops_of_a_decode_step_are_those_that_the_forward_pass_makes(held):
    cache = DenseCache.for_model(PRIMES)
    cache.keys[:] = cache.values[:] = 0.01
    cache.advance(held)
    count = Counter()
    MODEL.logits(MODEL.forward(np.array([[5]]), cache, count.kernel), count.kernel)
    needed = flops.gpt2_decode_flops(**WORK, context=held + 1)
    attention = flops.attention_flops(3, 5, 14, held + 1)
    assert 2 * count.linear == needed - attention
    # The weighted sum is counted on the weights that are not zero: on what is needed, and not on what is read.
    mixed = 2 * 3 * 5 * 14 * (held + 1)
    scored = 2 * 3 * 5 * 14 * cache_slots(held + 1)
    assert 2 * count.attention == mixed + scored
    assert attention == 2 * mixed


def cache_slots(needed):
    return min(-(-needed // 32) * 32, 83)


@given(st.integers(1, 83))
def test_the_flops_of_a_prefill_are_those_that_the_forward_pass_makes(prompt):
    count = Counter()
    hidden = MODEL.forward(np.arange(prompt)[None], DenseCache.for_model(PRIMES), count.kernel)
    MODEL.logits(hidden[:, -1], count.kernel)
    attention = flops.attention_flops(3, 5, 14, flops.causal_pairs(prompt))
    assert 2 * count.linear == flops.gpt2_prefill_flops(**WORK, prompt=prompt) - attention


def test_a_projection_costs_a_multiply_and_an_add_for_each_element_of_its_matrix():
    count, tokens = Counter(), 11
    count.kernel.linear(np.ones((tokens, 7), np.float32), np.ones((7, 7), np.float32))
    assert flops.projection_multiply_adds(7, tokens) == count.linear == 7 * 7 * 11
    assert flops.projection_flops(7, tokens) == 2 * count.linear


@given(st.integers(1, 11), st.integers(1, 13), st.integers(1, 40))
def test_attention_costs_as_much_as_a_blocks_matrices_at_the_context_that_is_said(heads, dim, d_ff):
    d, one_layer = heads * dim, {"n_layers": 1, "n_heads": heads, "head_dim": dim}
    context = flops.gpt2_balancing_context(d, d_ff)
    matrices = 2 * parameters.gpt2_block_matrix_parameters(d, d_ff)
    assert flops.attention_flops(**one_layer, context=context) == matrices
    assert flops.gpt2_balancing_context(d, 4 * d) == 6 * d


@given(st.integers(0, 60))
def test_causal_pairs_are_those_of_a_double_loop(n):
    assert flops.causal_pairs(n) == sum(1 for query in range(n) for key in range(n) if key <= query)


def test_weights_read_are_all_weights_but_the_positions_that_the_pass_does_not_visit():
    tensors = random_tensors(PRIMES)
    rows_visited = 4
    read = (
        sum(t.size for name, t in tensors.items() if name != "wpe.weight") + tensors["wpe.weight"][:rows_visited].size
    )
    a = PRIMES
    shapes = (a.n_layers, a.d_model, a.d_ff, a.vocab_size, a.max_context)
    assert traffic.gpt2_weight_bytes_read(*shapes, rows_visited, 4) == 4 * read


def test_a_decode_step_reads_its_weights_and_its_cache():
    a = PRIMES
    shapes = (a.n_layers, a.d_model, a.d_ff, a.vocab_size, a.max_context)
    weights = traffic.gpt2_weight_bytes_read(*shapes, 1, 4)
    both = traffic.gpt2_decode_bytes_read(3, 70, 5, 14, 109, 211, 83, 41, 4)
    held = DenseCache(3, 1, 5, 41, 14)
    assert both == weights + held.nbytes
    assert memory.together(weights, held.nbytes) == both


def test_the_numbers_of_the_worked_example_come_out():
    # The page's own landmarks, each by another route than its formula.
    assert memory.kv_cache_bytes(2, 4, 16, 128, 1, 4) == 128 * 1024
    assert memory.kv_bytes_per_token(96, 96, 128, 2) == 4.5 * 2**20
    assert memory.kv_bytes_per_token(32, 32, 128, 2) == 0.5 * 2**20
    assert parameters.gpt2_parameters(2, 64, 256, 512, 128) == 141_056
    assert parameters.gpt2_untied_parameters(2, 64, 256, 512, 128) == 173_824
    assert flops.gpt2_decode_flops(2, 64, 4, 16, 256, 512, 128) == 327_680
    share = memory.kv_cache_bytes(2, 4, 16, 128, 1, 4) / traffic.gpt2_decode_bytes_read(
        2, 64, 4, 16, 256, 512, 128, 128, 4
    )
    assert round(share, 3) == 0.198
