"""One formula a quantity: a factor that changes there changes all that depends on it, and two routes agree."""

import inspect
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples, hold_for_each
from random_formulas import public_functions

from kvlab.accounting import components, flops, layers, memory, paging, parameters, roofline, traffic
from kvlab.accounting.formats import ELEMENTS
from kvlab.accounting.layers import Layers
from kvlab.accounting.operations import Pass, operations
from kvlab.accounting.pairs import causal_pairs
from kvlab.architecture import read_architecture
from kvlab.catalog import model
from kvlab.units import ratio

# An argument for each parameter of the accounting; what is divided is large, so that a quotient moves too.
ARGUMENTS = {
    **{"n_layers": 3, "n_heads": 20, "n_kv_heads": 5, "head_dim": 7, "d_model": 11, "d_ff": 13, "vocab_size": 17},
    **{"context": 19, "max_context": 151, "batch": 2, "bytes_per_element": 4, "parameters": 23, "prompt": 29},
    **{"n_tokens": 31, "new_tokens": 37, "weights": 41, "kv_cache": 43, "memory": 4_100, "budget": 10**9, "count": 3},
    **{"k_blocks": 47, "v_blocks": 53, "block_bytes": 59, "tokens": 61, "held": 67, "position": 71, "pairs": 73},
    **{"slots": 79, "rows": 83, "mlp_matrices": 2, "n_in": 89, "n_out": 97, "flops": 10**6, "bytes_moved": 101},
    **{"flops_per_second": 103, "bytes_per_second": 107, "width": 109, "block": 8, "page": 16, "length": 113},
    **{"capacity": 160, "n_devices": 2, "n_experts": 6, "latent": 127, "rank": 131, "rope_dim": 137, "nope_dim": 139},
    **{"v_dim": 149, "d_inner": 12, "d_state": 14, "d_conv": 4, "dt_rank": 9, "key_width": 10, "value_width": 15},
    **{"n_value_heads": 21, "lengths": [5, 33], "weight_bytes": 10**4, "cache_bytes": 10**3, "part": "seconds"},
    **{"element": ELEMENTS["fp16"], "state_element": 2, "layers": Layers("full", 3, 5, 7, 11)},
    **{"groups": [Layers("full", 3, 5, 7, 11), Layers("sliding", 2, 5, 7, 7, window=16)]},
    **{"a": read_architecture(model("MiniGPT").config, "MiniGPT"), "p": Pass(2, 9, 3, 1, 8, 128)},
}

OF_K_AND_V = """
memory.kv_cache_bytes memory.kv_elements_per_token memory.kv_bytes_per_token memory.kv_bytes_per_layer_token
memory.context_in_budget paging.unused_bytes traffic.kv_read_bytes traffic.kv_written_bytes
traffic.gpt2_decode_bytes_read roofline.grouped_attention_intensity operations.operations
"""
OF_LAYERS = """
layers.kind_bytes layers.slots_bytes layers.layers_bytes layers.attention_bytes layers.read_bytes
layers.next_token_bytes layers.paged_bytes layers.device_bytes layers.largest_batch layers.largest_context
"""
OF_ATTENTION = """
flops.attention_flops flops.scores_flops flops.weighted_sum_flops flops.absorbed_mla_flops flops.pass_flops
flops.gpt2_decode_flops flops.gpt2_prefill_flops operations.operations roofline.grouped_attention_intensity
roofline.latent_attention_intensity
"""


def results():
    functions = public_functions().items()
    return {
        name: function(**{argument: ARGUMENTS[argument] for argument in inspect.signature(function).parameters})
        for name, function in functions
    }


@pytest.mark.parametrize(
    ("function", "factor", "changed", "dependants"),
    [
        (memory.kv_cache_bytes, "2 *", "3 *", OF_K_AND_V),
        (layers.kind_bytes, "+ v_blocks", "+ 2 * v_blocks", OF_LAYERS),
        (flops.attention_flops, "4 *", "6 *", OF_ATTENTION),
    ],
)
def test_a_factor_that_is_changed_once_changes_all_that_depends_on_it(
    function, factor, changed, dependants, monkeypatch
):
    before = results()
    plain = inspect.unwrap(function)
    source = textwrap.dedent(inspect.getsource(plain)).removeprefix("@exact\n")
    assert source.count(factor) == 1
    compiled = {}
    exec(source.replace(factor, changed), plain.__globals__, compiled)
    monkeypatch.setattr(plain, "__code__", compiled[plain.__name__].__code__)
    assert {name for name, result in results().items() if result != before[name]} == set(dependants.split())


# Two routes to one quantity, each pair as a function of the shapes.

SHAPES = {name: st.integers(1, 40) for name in ("layers", "kv", "group", "dim", "d", "ff", "vocab", "context", "s")}


def as_a_pass(n):
    """Return the operations of a plain GPT-2 pass over a prompt as long as the context, by name."""
    config = {"model_type": "gpt2", "n_layer": n["layers"], "n_head": n["kv"], "n_embd": n["kv"] * n["dim"]}
    config |= {"n_inner": n["ff"], "vocab_size": n["vocab"], "n_positions": n["context"]}
    a = read_architecture(config, "any")
    whole = Pass(1, 0, n["context"], 1, 1, n["context"])
    return {one.name: one for one in operations(a, whole, n["s"])}


def of_gpt2(n):
    return {"n_layers": n["layers"], "d_model": n["kv"] * n["dim"], "d_ff": n["ff"], "vocab_size": n["vocab"]}


def of_attention(n):
    return {"n_layers": n["layers"], "n_heads": n["kv"], "head_dim": n["dim"]}


ROUTES = {
    "a layer's K and V are twice its K": lambda n: (
        memory.kv_bytes_per_layer_token(n["kv"], n["dim"], n["s"]),
        2 * memory.k_bytes_per_layer_token(n["kv"], n["dim"], n["s"]),
    ),
    "six factors and the sum over layers": lambda n: (
        memory.kv_cache_bytes(n["layers"], n["kv"], n["dim"], n["context"], n["d"], n["s"]),
        layers.kind_bytes(n["layers"], n["kv"] * n["dim"], n["kv"] * n["dim"], n["s"], n["context"], n["d"]),
    ),
    "unused bytes and unused slots": lambda n: (
        paging.unused_bytes(n["layers"], n["kv"], n["dim"], n["context"] + n["d"], n["context"], n["ff"], n["s"]),
        paging.unused_slots(n["context"] + n["d"], n["context"], n["ff"])
        * memory.kv_bytes_per_token(n["layers"], n["kv"], n["dim"], n["s"]),
    ),
    "the products of attention and both together": lambda n: (
        flops.scores_flops(**of_attention(n), pairs=n["context"])
        + flops.weighted_sum_flops(**of_attention(n), pairs=n["context"]),
        flops.attention_flops(**of_attention(n), context=n["context"]),
    ),
    "the intensity, with what cancels and without": lambda n: (
        roofline.grouped_attention_intensity(n["group"] * n["kv"], n["kv"], n["s"]),
        ratio(
            flops.attention_flops(n["layers"], n["group"] * n["kv"], n["dim"], n["context"]),
            traffic.kv_read_bytes(n["layers"], n["kv"], n["dim"], n["context"], 1, n["s"]),
        ),
    ),
    "the intensity over latents": lambda n: (
        roofline.latent_attention_intensity(n["kv"], n["d"], n["dim"], n["s"]),
        ratio(
            flops.absorbed_mla_flops(n["layers"], n["kv"], n["d"], n["dim"], n["context"]),
            layers.kind_bytes(n["layers"], n["d"] + n["dim"], 0, n["s"], n["context"], 1),
        ),
    ),
    "matrices of attention in one and apart": lambda n: (
        components.attention_parameters(n["d"], n["group"] * n["kv"], n["kv"], n["dim"]) * n["layers"] * n["s"],
        traffic.qkv_weight_bytes(n["layers"], n["d"], n["group"] * n["kv"], n["kv"], n["dim"], n["s"])
        + traffic.output_weight_bytes(n["layers"], n["d"], n["group"] * n["kv"], n["dim"], n["s"]),
    ),
    "matrices of a GPT-2 block and of any layer": lambda n: (
        parameters.gpt2_block_matrix_parameters(n["kv"] * n["dim"], n["ff"]),
        flops.layer_matrix_elements(n["kv"] * n["dim"], n["kv"], n["kv"], n["dim"], n["ff"], 2),
    ),
    "a GPT-2 prefill and its operations": lambda n: (
        flops.gpt2_prefill_flops(**of_gpt2(n), n_heads=n["kv"], head_dim=n["dim"], prompt=n["context"]),
        sum(one.flops for one in as_a_pass(n).values()),
    ),
    "any pass and its operations": lambda n: (
        flops.pass_flops(
            **of_gpt2(n),
            n_heads=n["kv"],
            n_kv_heads=n["kv"],
            head_dim=n["dim"],
            mlp_matrices=2,
            n_tokens=n["context"],
            pairs=causal_pairs(n["context"]),
            rows=1,
        ),
        sum(one.flops for one in as_a_pass(n).values()),
    ),
    "what a pass reads of a cache and its two halves": lambda n: (
        traffic.kv_read_bytes(n["layers"], n["kv"], n["dim"], n["context"], 1, n["s"]),
        sum(one.kv_bytes for one in as_a_pass(n).values()),
    ),
}


def each_pair(check):
    def test():
        hold_for_each(check, ROUTES)

    return test


@each_pair
@examples(0.3)
@given(shapes=st.fixed_dictionaries(SHAPES))
def test_two_routes_come_to_the_same(routes, shapes):
    one, other = routes(shapes)
    assert one == other
