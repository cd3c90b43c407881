"""DeepSeek V2 and V3: a layer stores one latent of K and V and its rotary part, which all query heads share."""

from __future__ import annotations

from kvlab.accounting import components
from kvlab.accounting.layers import Layers
from kvlab.sizing.config_reader import Keys
from kvlab.sizing.decoder import NO_LOOKING_AHEAD, Shape


def read_deepseek_v2(keys: Keys) -> Shape:
    """DeepSeek V2: `kv_lora_rank + qk_rope_head_dim` elements a token and layer."""
    keys.require("topk_method", "greedy", "group_limited_greedy")
    return _read(keys, router_bias=False, mlp_bias=keys.flag("mlp_bias"))


def read_deepseek_v3(keys: Keys) -> Shape:
    """DeepSeek V3: as V2; its router has a bias, which training sets and the checkpoint stores."""
    return _read(keys, router_bias=True, mlp_bias=False)


def _read(keys: Keys, router_bias: bool, mlp_bias: bool) -> Shape:
    n_layers, d = keys.n_layers("num_hidden_layers"), keys.integer("hidden_size")
    n_heads = keys.integer("num_attention_heads")
    latent, rope_dim = keys.integer("kv_lora_rank"), keys.integer("qk_rope_head_dim")
    # Neither is cached. The class saves its own default of the one, and calls the rotary part by the name of the other.
    keys.require("num_key_value_heads", n_heads, keys.defaults.values["num_key_value_heads"])
    keys.require("head_dim", rope_dim)
    keys.require("moe_layer_freq", 1)
    vocab_size, d_ff = keys.integer("vocab_size"), keys.integer("moe_intermediate_size")
    n_dense = min(keys.integer("first_k_dense_replace", least=0), n_layers)
    mixture = (
        components.experts_parameters(d, d_ff, keys.integer("n_routed_experts"))
        + _mlp(d, d_ff * keys.integer("n_shared_experts"), mlp_bias)
        + router_bias * keys.integer("n_routed_experts")
    )
    dense = _mlp(d, keys.integer("intermediate_size"), mlp_bias) if n_dense else 0
    return Shape(
        layers=(Layers("latent", n_layers, 1, latent + rope_dim, 0),),
        d_model=d,
        n_heads=n_heads,
        d_ff=d_ff,
        vocab_size=vocab_size,
        max_context=keys.integer("max_position_embeddings"),
        parameters=vocab_size * d * (1 if keys.flag("tie_word_embeddings") else 2)
        + n_layers * (_attention(keys, d, n_heads, latent, rope_dim) + 2 * d)
        + n_dense * dense
        + (n_layers - n_dense) * mixture
        + d,
        note=NO_LOOKING_AHEAD if router_bias else "",
    )


def _mlp(d: int, d_ff: int, bias: bool) -> int:
    return components.gated_mlp_parameters(d, d_ff) + bias * (2 * d_ff + d)


def _attention(keys: Keys, d: int, n_heads: int, latent: int, rope_dim: int) -> int:
    nope_dim, v_dim, rank = keys.integer("qk_nope_head_dim"), keys.integer("v_head_dim"), keys.optional("q_lora_rank")
    if rank is None:
        query = d * n_heads * (nope_dim + rope_dim)
    else:
        query = components.latent_query_parameters(d, n_heads, rank, rope_dim, nope_dim)
    biases = keys.flag("attention_bias") * ((rank or 0) + latent + rope_dim + d)
    return query + biases + components.latent_attention_parameters(d, n_heads, latent, rope_dim, nope_dim, v_dim)
