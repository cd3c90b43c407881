"""The many decoders that are Llama-like: rotary positions, and a `Style` that says in what each differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kvlab.accounting import components
from kvlab.sizing.config_reader import Keys
from kvlab.sizing.decoder import Shape, grouped
from kvlab.sizing.layer_types import (
    Kinds,
    all_full,
    chunks_where_rotary_is_on,
    early_even_windows,
    every_nth_full,
    late_windows,
    listed_or_one_window,
    one_of_each,
    one_window,
    switched_window,
    windows_where_rotary_is_off,
)
from kvlab.sizing.mlps import (
    FeedForward,
    dense,
    experts,
    gated,
    gpt_oss_experts,
    llama4_experts,
    plain,
    qwen_experts,
)


@dataclass(frozen=True)
class Heads:
    """The shapes of one layer's attention, as the counts of norms take them."""

    n_heads: int
    n_kv_heads: int
    head_dim: int


HeadNorms = Callable[[Keys, Heads], int]


def no_norm(_: Keys, __: Heads) -> int:
    """Q and K are as they are projected."""
    return 0


def norm_of_each_head(_: Keys, heads: Heads) -> int:
    """One weight of a head's size for Q, one for K, shared by the heads."""
    return 2 * heads.head_dim


def norm_of_all_heads(_: Keys, heads: Heads) -> int:
    """A weight for each element of Q and of K."""
    return (heads.n_heads + heads.n_kv_heads) * heads.head_dim


def sinks(_: Keys, heads: Heads) -> int:
    """gpt-oss: one number a head, the score of attending to nothing."""
    return heads.n_heads


def phi_norms(keys: Keys, heads: Heads) -> int:
    """Phi: where `qk_layernorm` says so, norms with biases. They are as wide as `d / H`, whatever `head_dim` says."""
    if not keys.flag("qk_layernorm"):
        return 0
    keys.require("head_dim", keys.integer("hidden_size") // heads.n_heads)
    return 2 * norm_of_each_head(keys, heads)


def switched(key: str, norm: HeadNorms) -> HeadNorms:
    """Return `norm` where `key` says so."""
    return lambda keys, heads: norm(keys, heads) if keys.flag(key) else 0


@dataclass(frozen=True)
class Style:
    """In what a Llama-like family differs from the others.

    Attributes:
        kinds: which layer stores what.
        bias: whether the projections of attention have biases, or the key that says so.
        out_bias: whether the output's has one where the others have.
        head_norms: how many elements of norms on Q and K a layer has, or of what else attention adds.
        norms: norms of the model's width in a layer, except those that a key takes away.
        norm_vectors: 1 for a weight, 2 for a weight and a bias, 0 for a norm without either.
        parallel: a key that, where it is true, takes one norm away: attention and MLP then share it.
        feed_forward: the elements of all layers' MLPs.
        head_bias: whether the output head has a bias, or the key that says so.
    """

    kinds: Kinds = all_full
    bias: bool | str = False
    out_bias: bool = True
    head_norms: HeadNorms = no_norm
    norms: int = 2
    norm_vectors: int = 1
    parallel: str = ""
    feed_forward: FeedForward = gated
    head_bias: bool | str = False


ATTENTION_BIAS = "attention_bias"

STYLES = {
    "llama": Style(bias=ATTENTION_BIAS, feed_forward=dense(bias="mlp_bias")),
    "llama4_text": Style(bias=ATTENTION_BIAS, kinds=chunks_where_rotary_is_on, feed_forward=llama4_experts),
    "mistral": Style(kinds=one_window),
    "ministral": Style(kinds=listed_or_one_window),
    "ministral3": Style(kinds=one_window),
    "mixtral": Style(kinds=one_window, feed_forward=experts("num_local_experts")),
    "qwen2": Style(bias=True, out_bias=False, kinds=late_windows),
    "qwen2_vl_text": Style(bias=True, out_bias=False, kinds=late_windows),
    "qwen2_5_vl_text": Style(bias=True, out_bias=False, kinds=late_windows),
    "qwen2_moe": Style(
        bias="qkv_bias", out_bias=False, kinds=early_even_windows, feed_forward=qwen_experts(shared=True)
    ),
    "qwen3": Style(bias=ATTENTION_BIAS, kinds=late_windows, head_norms=norm_of_each_head),
    "qwen3_vl_text": Style(bias=ATTENTION_BIAS, head_norms=norm_of_each_head),
    "qwen3_moe": Style(
        bias=ATTENTION_BIAS,
        kinds=switched_window,
        head_norms=norm_of_each_head,
        feed_forward=qwen_experts(shared=False),
    ),
    "gemma": Style(bias=ATTENTION_BIAS),
    "gemma2": Style(bias=ATTENTION_BIAS, kinds=every_nth_full(2), norms=4),
    "gemma3_text": Style(
        bias=ATTENTION_BIAS, kinds=every_nth_full(6, "sliding_window_pattern"), head_norms=norm_of_each_head, norms=4
    ),
    "phi": Style(
        bias=True,
        head_norms=phi_norms,
        norms=1,
        norm_vectors=2,
        feed_forward=plain(bias=True),
        head_bias=True,
    ),
    "phi3": Style(kinds=one_window),
    "phimoe": Style(
        bias=ATTENTION_BIAS,
        kinds=one_window,
        norm_vectors=2,
        feed_forward=experts("num_local_experts"),
        head_bias="lm_head_bias",
    ),
    "cohere": Style(bias=ATTENTION_BIAS, head_norms=switched("use_qk_norm", norm_of_all_heads), norms=1),
    "cohere2": Style(bias=ATTENTION_BIAS, kinds=every_nth_full(4, "sliding_window_pattern"), norms=1),
    "starcoder2": Style(
        bias="use_bias",
        kinds=one_window,
        norm_vectors=2,
        feed_forward=plain(bias="use_bias"),
    ),
    "stablelm": Style(
        bias="use_qkv_bias",
        out_bias=False,
        head_norms=switched("qk_layernorm", norm_of_all_heads),
        norm_vectors=2,
        parallel="use_parallel_residual",
    ),
    "olmo": Style(bias=ATTENTION_BIAS, norm_vectors=0),
    "olmo2": Style(bias=ATTENTION_BIAS, head_norms=norm_of_all_heads),
    "olmo3": Style(bias=ATTENTION_BIAS, kinds=every_nth_full(4), head_norms=norm_of_all_heads),
    "olmoe": Style(bias=ATTENTION_BIAS, head_norms=norm_of_all_heads, feed_forward=experts("num_experts")),
    "glm": Style(bias=ATTENTION_BIAS, out_bias=False),
    "glm4": Style(bias=ATTENTION_BIAS, out_bias=False, norms=4),
    "granite": Style(bias=ATTENTION_BIAS, feed_forward=dense(bias="mlp_bias")),
    "granitemoe": Style(bias=ATTENTION_BIAS, feed_forward=experts("num_local_experts")),
    "smollm3": Style(bias=ATTENTION_BIAS, kinds=windows_where_rotary_is_off, feed_forward=dense(bias="mlp_bias")),
    "nemotron": Style(bias=ATTENTION_BIAS, norm_vectors=2, feed_forward=plain(bias="mlp_bias")),
    "gpt_oss": Style(bias=ATTENTION_BIAS, kinds=every_nth_full(2), head_norms=sinks, feed_forward=gpt_oss_experts),
}


def read(keys: Keys, style: Style) -> Shape:
    """Return what a Llama-like configuration describes."""
    n_layers = keys.n_layers("num_hidden_layers")
    d_model, n_heads = keys.integer("hidden_size"), keys.integer("num_attention_heads")
    heads = Heads(n_heads, keys.kv_heads(n_heads), keys.head_dim(d_model, n_heads))
    kinds = style.kinds(keys, n_layers)
    vocab_size = keys.integer("vocab_size")
    feed_forward, d_ff = style.feed_forward(keys, d_model, n_layers)
    norms = style.norms - (keys.flag(style.parallel) if style.parallel else 0)
    return Shape(
        layers=grouped(kinds, one_of_each(keys, kinds, heads.n_kv_heads, heads.head_dim)),
        d_model=d_model,
        n_heads=n_heads,
        d_ff=d_ff,
        vocab_size=vocab_size,
        max_context=keys.integer("max_position_embeddings"),
        parameters=vocab_size * d_model * (1 if keys.flag("tie_word_embeddings") else 2)
        + n_layers * (_attention(keys, style, d_model, heads) + norms * style.norm_vectors * d_model)
        + feed_forward
        + style.norm_vectors * d_model
        + keys.is_on(style.head_bias) * vocab_size,
    )


def _attention(keys: Keys, style: Style, d_model: int, heads: Heads) -> int:
    biases = components.qkv_bias_parameters(heads.n_heads, heads.n_kv_heads, heads.head_dim) + style.out_bias * d_model
    return (
        components.attention_parameters(d_model, heads.n_heads, heads.n_kv_heads, heads.head_dim)
        + keys.is_on(style.bias) * biases
        + style.head_norms(keys, heads)
    )
