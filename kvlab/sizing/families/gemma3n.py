"""Gemma 3n: its last layers read the caches of earlier ones, and store none."""

from __future__ import annotations

from dataclasses import replace

from kvlab.accounting import components
from kvlab.sizing.config_reader import Keys
from kvlab.sizing.decoder import Shape, grouped
from kvlab.sizing.layer_types import every_nth_full, one_of_each


def read_gemma3n(keys: Keys) -> Shape:
    """Gemma 3n: windows but in each fifth layer; the last `num_kv_shared_layers` read the caches of earlier ones."""
    n_layers, d = keys.n_layers("num_hidden_layers"), keys.integer("hidden_size")
    n_heads = keys.integer("num_attention_heads")
    n_kv_heads, head_dim = keys.kv_heads(n_heads), keys.head_dim(d, n_heads)
    kinds = every_nth_full(5)(keys, n_layers)
    n_own = n_layers - keys.integer("num_kv_shared_layers", least=0)
    if set(kinds[: max(n_own, 0)]) != set(kinds):
        raise keys.refusal(f"num_kv_shared_layers leaves {n_own} layers with caches, and not one of each kind")
    own = one_of_each(keys, kinds, n_kv_heads, head_dim)
    shared = {f"{kind}, shared": replace(one, kind=f"{kind}, shared", stores=False) for kind, one in own.items()}
    roles = [kind if i < n_own else f"{kind}, shared" for i, kind in enumerate(kinds)]
    vocab_size, d_ffs = keys.integer("vocab_size"), _widths(keys, n_layers)
    return Shape(
        layers=grouped(roles, own | shared),
        d_model=d,
        n_heads=n_heads,
        d_ff=max(d_ffs),
        vocab_size=vocab_size,
        max_context=keys.integer("max_position_embeddings"),
        parameters=vocab_size * d * (1 if keys.flag("tie_word_embeddings") else 2)
        + sum(components.gated_mlp_parameters(d, d_ff) for d_ff in d_ffs)
        + n_own * _attention(keys, d, n_heads, n_kv_heads, head_dim)
        + (n_layers - n_own) * _attention(keys, d, n_heads, 0, head_dim)
        + n_layers * 4 * d
        + _around_the_blocks(keys, n_layers, d)
        + d,
        note="K and V projections of layers that share a cache are not counted" if n_own < n_layers else "",
    )


def _attention(keys: Keys, d: int, n_heads: int, n_kv_heads: int, head_dim: int) -> int:
    """Return the elements of a layer's attention; a layer that shares has no K/V heads of its own, nor their norm."""
    biases = keys.flag("attention_bias") * (components.qkv_bias_parameters(n_heads, n_kv_heads, head_dim) + d)
    norms = head_dim * (2 if n_kv_heads else 1)
    return components.attention_parameters(d, n_heads, n_kv_heads, head_dim) + biases + norms


def _widths(keys: Keys, n_layers: int) -> list[int]:
    written = keys.value("intermediate_size")
    if not isinstance(written, list):
        return [keys.checked("intermediate_size", written)] * n_layers
    if len(written) != n_layers:
        raise keys.refusal(f"intermediate_size lists {len(written)} widths, and there are {n_layers} layers")
    return [keys.checked("intermediate_size", width) for width in written]


def _around_the_blocks(keys: Keys, n_layers: int, d: int) -> int:
    """Return the elements of what Gemma 3n has in addition to attention and MLP.

    AltUp keeps several copies of the residual stream and predicts them from one another; LAuReL adds a product of low
    rank; each layer has a small embedding of its own, with a projection to and from it.
    """
    copies, rank = keys.integer("altup_num_inputs"), keys.integer("laurel_rank")
    width, entries = keys.integer("hidden_size_per_layer_input"), keys.integer("vocab_size_per_layer_input")
    altup = 2 * d + copies * d + copies**2 + copies**3
    laurel = 2 * d * rank + d
    own_input = 2 * d * width + d
    tables = n_layers * width * (entries + d) + width
    return n_layers * (altup + laurel + own_input) + tables + 2 * (copies - 1) * d**2
