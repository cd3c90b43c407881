"""Work, operation by operation: counted while a pass runs, in loops over single numbers, and by the formulas."""

import numpy as np
import pytest
import scalar_twin
from counting import Count
from hypothesis import given
from hypothesis import strategies as st
from random_models import LLAMA_PRIMES, PRIMES, random_model, random_tensors

from kvlab import catalog
from kvlab.accounting import elementwise, flops, operations, pairs, parameters, traffic
from kvlab.architecture import Architecture
from kvlab.cache import READ_TILE, DenseCache
from kvlab.errors import KvlabError

MQA = Architecture("one K/V head", "llama", 2, 29, 5, 1, 6, 23, 47, 71, tied_head=False)
MHA = Architecture("other primes", "gpt2", 2, 3 * 22, 3, 3, 22, 37, 53, 67)
SMALLEST = {
    "gpt2": Architecture("smallest", "gpt2", 1, 2, 1, 1, 2, 3, 5, 7),
    "llama": Architecture("smallest", "llama", 1, 3, 2, 1, 2, 5, 7, 11, tied_head=False),
}


def pass_of(a, batch, held, n_tokens, rows, block=READ_TILE):
    return operations.Pass(batch, held, n_tokens, rows, block, a.max_context)


def counted(a, batch, held, n_tokens, rows):
    """Run a pass and return what it counted."""
    cache = DenseCache.for_model(a, batch)
    cache.keys[:], cache.values[:] = 0.01, 0.01
    cache.advance(held)
    count = Count(random_model(a))
    count.run(np.arange(batch * n_tokens).reshape(batch, n_tokens) % a.vocab_size, cache, rows)
    return count


PASSES = [(1, 0, 1), (1, 0, 41), (2, 40, 1), (3, 31, 1), (1, 32, 1), (2, 3, 37), (1, 0, 67)]


@pytest.mark.parametrize("a", [PRIMES, LLAMA_PRIMES, MQA, MHA], ids=lambda a: a.name)
@pytest.mark.parametrize(("batch", "held", "n_tokens"), PASSES)
def test_every_operation_does_the_work_that_the_accounting_says(a, batch, held, n_tokens):
    count = counted(a, batch, held, n_tokens, 1)
    found = {o.name: o for o in operations.operations(a, pass_of(a, batch, held, n_tokens, 1), 4)}
    assert {name: 2 * adds for name, adds in count.products.items()} == {
        name: o.flops_read for name, o in found.items() if o.flops_read
    }
    assert 2 * count.needed == found["weighted sum"].flops == found["scores"].flops
    assert sum(count.elementwise.values()) == sum(o.elementwise for o in found.values())
    assert count.elementwise["norms"] == found["norms"].elementwise
    assert count.elementwise["softmax"] == found["softmax"].elementwise


@pytest.mark.parametrize("a", [PRIMES, LLAMA_PRIMES], ids=lambda a: a.name)
def test_what_stands_between_the_products_is_counted_where_it_is_done(a):
    batch, held, n_tokens = 2, 5, 31
    tokens, done = batch * n_tokens, counted(a, batch, held, n_tokens, 1).elementwise
    layers, d, heads, kv_heads, dim = a.n_layers, a.d_model, a.n_heads, a.n_kv_heads, a.head_dim
    residual = elementwise.residual_operations(layers, d, tokens)
    if a.family == "gpt2":
        assert done["activation"] == elementwise.gelu_operations(layers, a.d_ff, tokens)
        biases = elementwise.bias_operations(layers, d, heads, kv_heads, dim, a.d_ff, tokens)
        assert done["rest"] == elementwise.embedding_operations(d, tokens) + biases + residual
    else:
        gate = layers * a.d_ff * tokens  # SwiGLU's last product stands outside of its gate's function
        assert done["activation"] + gate == elementwise.swiglu_operations(layers, a.d_ff, tokens)
        assert done["rotary"] == elementwise.rotary_operations(layers, heads, kv_heads, dim, tokens)
        assert done["rest"] == residual + gate + elementwise.query_scale_operations(layers, heads, dim, tokens)


@pytest.mark.parametrize("family", SMALLEST)
def test_at_the_smallest_shape_the_work_is_that_of_loops_over_single_numbers(family):
    a = SMALLEST[family]
    model, ids = random_model(a), [3, 1, 4]
    logits, counts = getattr(scalar_twin, family)(model, ids)
    # The loops compute what the model computes, or their counts would say nothing.
    np.testing.assert_allclose(
        model.logits(model.forward(np.array([ids]), DenseCache.for_model(a))[0, -1]), logits, 1e-5
    )
    needed = {o.name: o.flops for o in operations.operations(a, pass_of(a, 1, 0, 3, 1), 4) if o.flops}
    assert {name: 2 * adds for name, adds in counts.items()} == needed


@pytest.mark.parametrize("a", [PRIMES, LLAMA_PRIMES], ids=lambda a: a.name)
def test_the_operations_together_are_the_whole(a):
    p = pass_of(a, 2, 5, 17, 3)
    parts = operations.operations(a, p, 4)
    widths = {n: getattr(a, n) for n in ("n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff")}
    whole = flops.pass_flops(
        **widths,
        mlp_matrices=a.mlp_matrices,
        vocab_size=a.vocab_size,
        n_tokens=2 * 17,
        pairs=2 * pairs.pairs_of_pass(5, 17),
        rows=2 * 3,
    )
    assert sum(o.flops for o in parts) == whole
    matrices = traffic.matrix_bytes(**widths, mlp_matrices=a.mlp_matrices, vocab_size=a.vocab_size, bytes_per_element=4)
    named = {o.name: o.weight_bytes for o in parts}
    vectors = parameters.gpt2_block_vector_parameters(a.d_model, a.d_ff) if a.is_gpt2 else 2 * a.d_model
    rows = 17 if a.is_gpt2 else 2 * 17  # positions, or embeddings where the head is not the same table
    last = (2 if a.is_gpt2 else 1) * a.d_model
    assert sum(named.values()) == matrices + 4 * (a.n_layers * vectors + last + rows * a.d_model)
    held = DenseCache(a.n_layers, 2, a.n_kv_heads, 22, a.head_dim)
    assert sum(o.kv_bytes for o in parts) == held.nbytes
    assert sum(o.kv_written_bytes for o in parts) == held.nbytes * 17 // 22


@pytest.mark.parametrize("a", [PRIMES, LLAMA_PRIMES], ids=lambda a: a.name)
def test_an_operation_takes_its_input_and_gives_its_result_and_what_is_between_stays_on_the_chip(a):
    batch, held, n_tokens = 2, 5, 17
    count = counted(a, batch, held, n_tokens, 3)
    taken, given = count.taken, count.given
    found = {o.name: o.activation_bytes for o in operations.operations(a, pass_of(a, batch, held, n_tokens, 3), 4)}
    gpt2 = a.family == "gpt2"
    queries = a.n_layers * batch * n_tokens * a.n_heads * a.head_dim
    assert found["qkv"] == 4 * (taken["c_attn" if gpt2 else "q_proj"] + queries)
    assert found["scores"] == found["weighted sum"] == 4 * queries
    assert found["output"] == 4 * (
        taken["attn_c_proj" if gpt2 else "o_proj"] + given["attn_c_proj" if gpt2 else "o_proj"]
    )
    first, last = ("c_fc", "mlp_c_proj") if gpt2 else ("gate_proj", "down_proj")
    assert found["mlp"] == 4 * (taken[first] + given[last])
    assert found["head"] == 4 * (taken["head"] + given["head"])
    assert found["embedding"] == 4 * batch * n_tokens * a.d_model
    assert found["norms"] == 2 * (2 * a.n_layers + 1) * found["embedding"]


def test_a_pass_without_logits_reads_rows_of_the_embedding_and_no_head():
    found = {o.name: o for o in operations.operations(PRIMES, pass_of(PRIMES, 2, 0, 17, 0), 4)}
    assert (found["head"].bytes, found["head"].flops) == (0, 0)
    assert found["embedding"].weight_bytes == 4 * (2 * 17 + 17) * PRIMES.d_model


@pytest.mark.parametrize("new_tokens", [1, 17])
def test_the_weights_that_a_gpt2_reads_are_those_of_its_tensors(new_tokens):
    a = PRIMES
    parts = operations.operations(a, pass_of(a, 1, 0, new_tokens, 1), 4)
    tensors = random_tensors(a)
    unread = (a.max_context - new_tokens) * a.d_model
    assert sum(o.weight_bytes for o in parts) == 4 * (sum(t.size for t in tensors.values()) - unread)
    sizes = (a.n_layers, a.d_model, a.d_ff, a.vocab_size, a.max_context)
    assert sum(o.weight_bytes for o in parts) == traffic.gpt2_weight_bytes_read(*sizes, new_tokens, 4)


@pytest.mark.parametrize("name", ["GPT-2 small", "GPT-3 175B"])
def test_the_short_formulas_of_gpt2_are_the_general_ones(name):
    d = catalog.model(name).decoder
    shapes = (d.n_layers, d.d_model, d.n_heads, d.n_kv_heads, d.head_dim, d.d_ff, d.vocab_size)
    m = Architecture(d.name, "gpt2", *shapes, max_context=1024)
    short = (d.n_layers, d.d_model, d.n_heads, d.head_dim, d.d_ff, d.vocab_size)
    step = operations.operations(m, operations.Pass(1, 776, 1, 1, 1, 1024), 2)
    assert sum(o.flops for o in step) == flops.gpt2_decode_flops(*short, 777)
    prefill = operations.operations(m, operations.Pass(1, 0, 777, 1, 1, 1024), 2)
    assert sum(o.flops for o in prefill) == flops.gpt2_prefill_flops(*short, 777)


# Generations.


class Generation:
    """Token by token: what is projected, which pairs are needed and which slots are read."""

    def __init__(self, prompt, new_tokens, capacity, block):
        self.cached, self.uncached = (
            self.add_up(passes, capacity, block) for passes in self.passes(prompt, new_tokens)
        )

    @staticmethod
    def passes(prompt, new_tokens):
        cached = [(0, prompt), *((prompt + i, 1) for i in range(new_tokens - 1))]
        return cached, [(0, prompt + i) for i in range(new_tokens)]

    @staticmethod
    def add_up(passes, capacity, block):
        tokens = pairs = slots = 0
        for held, n_tokens in passes:
            for position in range(held, held + n_tokens):
                tokens += 1
                pairs += position + 1
                slots += min((position // block + 1) * block, capacity)
        return tokens, pairs, slots


@given(st.integers(1, 70), st.integers(1, 40), st.integers(0, 40), st.integers(1, 17))
def test_a_generation_in_closed_form_is_the_sum_of_its_passes(prompt, new_tokens, more, block):
    capacity = prompt + new_tokens - 1 + more
    brute = Generation(prompt, new_tokens, capacity, block)
    assert brute.cached == (
        pairs.tokens_cached(prompt, new_tokens),
        pairs.pairs_cached(prompt, new_tokens),
        pairs.slots_cached(prompt, new_tokens, capacity, block),
    )
    assert brute.uncached == (
        pairs.tokens_uncached(prompt, new_tokens),
        pairs.pairs_uncached(prompt, new_tokens),
        pairs.slots_uncached(prompt, new_tokens, capacity, block),
    )


@given(st.integers(1, 70), st.integers(1, 40))
def test_without_a_cache_prompt_and_generated_tokens_are_repeated_as_a_loop_repeats_them(prompt, new_tokens):
    passes = [[*["prompt"] * prompt, *["generated"] * step] for step in range(new_tokens)]
    run = [token for tokens in passes for token in tokens]
    assert pairs.prompt_tokens_uncached(prompt, new_tokens) == run.count("prompt")
    assert pairs.generated_tokens_uncached(new_tokens) == run.count("generated")
    assert pairs.tokens_uncached(prompt, new_tokens) == len(run)
    assert pairs.tokens_of_text(prompt, new_tokens) == len(passes[-1]) + 1
    assert pairs.generated_tokens_asymptotic(new_tokens) == run.count("generated") + new_tokens // 2


@given(st.integers(1, 70))
def test_the_generated_tokens_lead_from_the_first_count_after_the_balance_on(prompt):
    balance = pairs.balancing_new_tokens(prompt)
    lead = [n for n in range(1, 3 * prompt + 3) if sum(range(n)) > n * prompt]
    assert lead[0] == balance + 1
    assert pairs.generated_tokens_uncached(balance) == pairs.prompt_tokens_uncached(prompt, balance)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 40), st.integers(1, 17))
def test_a_pass_after_others_needs_and_reads_what_its_queries_do(held, n_tokens, more, block):
    capacity = held + n_tokens + more
    queries = range(held, held + n_tokens)
    assert pairs.pairs_of_pass(held, n_tokens) == sum(t + 1 for t in queries)
    read = sum(pairs.slots_of_query(t, capacity, block) for t in queries)
    assert pairs.slots_of_pass(held, n_tokens, capacity, block) == read


def test_read_one_at_a_time_the_slots_are_the_pairs():
    assert pairs.slots_of_pass(5, 17, 100, 1) == pairs.pairs_of_pass(5, 17)


def test_the_counts_of_a_generation_of_128_tokens_from_one_are_those_of_the_running_model():
    """357,760 pairs against 8,256, and 8,256 tokens against 128, counted while the MiniGPT's shape generates."""
    a = Architecture("128", "gpt2", 1, 2, 1, 1, 2, 1, 3, 128)
    steps = [(0, n) for n in range(1, 129)]
    needed = [counted(a, 1, held, n, 1).needed // 2 for held, n in steps]
    assert sum(needed) == pairs.pairs_uncached(1, 128) == 357_760
    once = [counted(a, 1, held, 1, 1).needed // 2 for held in range(128)]
    assert sum(once) == pairs.pairs_cached(1, 128) == 8_256
    assert (pairs.tokens_uncached(1, 128), pairs.tokens_cached(1, 128)) == (8_256, 128)


@pytest.mark.parametrize("bad", [0, -1, 2.5, None])
def test_a_generation_without_a_prompt_or_a_token_is_refused(bad):
    with pytest.raises(KvlabError, match="prompt is"):
        pairs.pairs_uncached(bad, 3)
    with pytest.raises(KvlabError, match="new_tokens is"):
        pairs.tokens_cached(3, bad)
    with pytest.raises(KvlabError, match="block is"):
        pairs.slots_of_pass(3, 3, 9, bad)
