"""Decoders of which some layers have a state that does not grow, in place of a cache: Jamba and Qwen3-Next."""

from __future__ import annotations

from kvlab.accounting import components
from kvlab.accounting.layers import Layers
from kvlab.sizing.config_reader import Keys
from kvlab.sizing.decoder import NO_LOOKING_AHEAD, Shape, grouped
from kvlab.sizing.layer_types import are_listed, typed
from kvlab.sizing.mlps import qwen_experts


def read_jamba(keys: Keys) -> Shape:
    """Jamba: one layer in `attn_layer_period` attends, the others are Mamba's (arXiv 2403.19887)."""
    n_layers, d = keys.n_layers("num_hidden_layers"), keys.integer("hidden_size")
    n_heads = keys.integer("num_attention_heads")
    n_kv_heads, head_dim = keys.kv_heads(n_heads), keys.head_dim(d, n_heads)
    full = _periodic(keys, n_layers, "attn_layer_period", "attn_layer_offset")
    keys.require("layer_types", None)  # its class derives them, and takes none
    kinds = ["full" if attends else "recurrent" for attends in full]
    d_inner = d * keys.integer("mamba_expand")
    d_state, d_conv = keys.integer("mamba_d_state"), keys.integer("mamba_d_conv")
    d_ff, n_experts = keys.integer("intermediate_size"), keys.integer("num_experts")
    vocab_size = keys.integer("vocab_size")
    layers = {
        "full": Layers("full", 1, n_kv_heads, head_dim, head_dim),
        "recurrent": Layers(
            "recurrent", 1, 0, 0, 0, conv_elements=d_inner * d_conv, recurrent_elements=d_inner * d_state
        ),
    }
    sparse = sum(_periodic(keys, n_layers, "expert_layer_period", "expert_layer_offset")) if n_experts > 1 else 0
    mamba = (
        components.mamba_parameters(d, d_inner, d_state, d_conv, _dt_rank(keys, d))
        + keys.flag("mamba_conv_bias") * d_inner
        + keys.flag("mamba_proj_bias") * (2 * d_inner + d)
    )
    return Shape(
        layers=grouped(kinds, layers),
        d_model=d,
        n_heads=n_heads,
        d_ff=d_ff,
        vocab_size=vocab_size,
        max_context=keys.integer("max_position_embeddings"),
        parameters=vocab_size * d * (1 if keys.flag("tie_word_embeddings") else 2)
        + kinds.count("full") * components.attention_parameters(d, n_heads, n_kv_heads, head_dim)
        + kinds.count("recurrent") * mamba
        + sparse * components.experts_parameters(d, d_ff, n_experts)
        + (n_layers - sparse) * components.gated_mlp_parameters(d, d_ff)
        + (2 * n_layers + 1) * d,
    )


def _periodic(keys: Keys, n_layers: int, period_key: str, offset_key: str) -> list[bool]:
    period, offset = keys.integer(period_key), keys.integer(offset_key, least=0)
    if offset >= period:
        raise keys.refusal(f"{offset_key} is {offset}, and must be below {period_key}, {period}")
    return [i % period == offset for i in range(n_layers)]


def _dt_rank(keys: Keys, d_model: int) -> int:
    written = keys.value("mamba_dt_rank")
    return -(-d_model // 16) if written == "auto" else keys.checked("mamba_dt_rank", written)


def read_qwen3_next(keys: Keys) -> Shape:
    """Qwen3-Next: each fourth layer attends, with a gate on its output; the others are gated delta nets."""
    n_layers, d = keys.n_layers("num_hidden_layers"), keys.integer("hidden_size")
    n_heads = keys.integer("num_attention_heads")
    n_kv_heads, head_dim, vocab_size = keys.kv_heads(n_heads), keys.head_dim(d, n_heads), keys.integer("vocab_size")
    period = 4 if are_listed(keys) else keys.integer("full_attention_interval", otherwise=4)
    kinds = typed(
        keys, ["recurrent" if (i + 1) % period else "full" for i in range(n_layers)], known=("full", "recurrent")
    )
    n_keys, n_values = keys.integer("linear_num_key_heads"), keys.integer("linear_num_value_heads")
    keys.dividing(n_keys, n_values, "linear_num_key_heads")
    key_dim, value_dim = keys.integer("linear_key_head_dim"), keys.integer("linear_value_head_dim")
    d_conv, key_width, value_width = keys.integer("linear_conv_kernel_dim"), n_keys * key_dim, n_values * value_dim
    layers = {
        "full": Layers("full", 1, n_kv_heads, head_dim, head_dim),
        "recurrent": Layers(
            "recurrent",
            1,
            0,
            0,
            0,
            conv_elements=(2 * key_width + value_width) * d_conv,
            recurrent_elements=n_values * key_dim * value_dim,
        ),
    }
    feed_forward, d_ff = qwen_experts(shared=True)(keys, d, n_layers)
    attention = (
        components.attention_parameters(d, n_heads, n_kv_heads, head_dim)
        + d * n_heads * head_dim  # the gate
        + 2 * head_dim
        + keys.flag("attention_bias") * (components.qkv_bias_parameters(2 * n_heads, n_kv_heads, head_dim) + d)
    )
    delta_net = components.delta_net_parameters(d, key_width, value_width, n_values, d_conv) + value_dim
    return Shape(
        layers=grouped(kinds, layers),
        d_model=d,
        n_heads=n_heads,
        d_ff=d_ff,
        vocab_size=vocab_size,
        max_context=keys.integer("max_position_embeddings"),
        parameters=vocab_size * d * (1 if keys.flag("tie_word_embeddings") else 2)
        + kinds.count("full") * attention
        + kinds.count("recurrent") * delta_net
        + feed_forward
        + (2 * n_layers + 1) * d,
        note=NO_LOOKING_AHEAD,
    )
