"""GPT-2 and the decoders of its time: LayerNorms, MLPs of two matrices, positions of every kind."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kvlab.accounting import components
from kvlab.accounting.layers import Layers
from kvlab.sizing.config_reader import Keys, shown
from kvlab.sizing.decoder import Shape, grouped


@dataclass(frozen=True)
class Widths:
    """The shapes that all these families have, whatever their keys are called."""

    n_layers: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    d_ff: int
    vocab_size: int

    @property
    def matrices(self) -> int:
        """The elements of one layer's matrices: attention's, and two of the MLP."""
        attention = components.attention_parameters(self.d_model, self.n_heads, self.n_kv_heads, self.head_dim)
        return attention + components.plain_mlp_parameters(self.d_model, self.d_ff)

    @property
    def qkv_bias(self) -> int:
        """The elements of a layer's biases on Q, K and V."""
        return components.qkv_bias_parameters(self.n_heads, self.n_kv_heads, self.head_dim)

    @property
    def mlp_bias(self) -> int:
        """The elements of a layer's biases in the MLP."""
        return self.d_ff + self.d_model

    def shape(self, max_context: int | None, parameters: int) -> Shape:
        """Return the shape of a model whose layers all store every token."""
        return Shape(
            layers=(Layers("full", self.n_layers, self.n_kv_heads, self.head_dim, self.head_dim),),
            d_model=self.d_model,
            n_heads=self.n_heads,
            d_ff=self.d_ff,
            vocab_size=self.vocab_size,
            max_context=max_context,
            parameters=parameters,
        )


def read_gpt2(keys: Keys) -> Shape:
    """GPT-2: every K/V head is cached, as many as query heads."""
    return _with_positions(keys, multi_query=False)


def read_gpt_bigcode(keys: Keys) -> Shape:
    """StarCoder: GPT-2 with one K/V head, where `multi_query` says so."""
    return _with_positions(keys, multi_query=keys.flag("multi_query"))


def _with_positions(keys: Keys, multi_query: bool) -> Shape:
    keys.require("add_cross_attention", False)  # a second cache, of another text
    w = _early_widths(keys, multi_query)
    positions = keys.integer("n_positions")
    block = w.matrices + w.qkv_bias + w.d_model + w.mlp_bias + 4 * w.d_model
    parameters = (_tables(keys, w) + positions) * w.d_model + w.n_layers * block + 2 * w.d_model
    return w.shape(positions, parameters)


def read_gptj(keys: Keys) -> Shape:
    """GPT-J and CodeGen: attention and MLP side by side after one norm, no bias in attention, one on the head."""
    w = _early_widths(keys)
    block = w.matrices + w.mlp_bias + 2 * w.d_model
    parameters = _tables(keys, w) * w.d_model + w.n_layers * block + 2 * w.d_model + w.vocab_size
    return w.shape(keys.integer("n_positions"), parameters)


def _early_widths(keys: Keys, multi_query: bool = False) -> Widths:
    """Return the widths by the keys that OpenAI gave them."""
    d_model, n_heads = keys.integer("n_embd"), keys.integer("n_head")
    n_kv_heads = 1 if multi_query else n_heads
    keys.require("num_key_value_heads", n_kv_heads)
    return Widths(
        n_layers=keys.n_layers("n_layer"),
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        head_dim=keys.head_dim(d_model, n_heads),
        d_ff=keys.integer_or("n_inner", 4 * d_model),
        vocab_size=keys.integer("vocab_size"),
    )


def read_gpt_neo(keys: Keys) -> Shape:
    """GPT-Neo: GPT-2 without biases on Q, K and V; by default every second layer sees a window only."""
    d, n_heads = keys.integer("hidden_size"), keys.integer("num_heads")
    w = Widths(
        n_layers=keys.n_layers("num_layers"),
        d_model=d,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        head_dim=keys.head_dim(d, n_heads),
        d_ff=keys.integer_or("intermediate_size", 4 * d),
        vocab_size=keys.integer("vocab_size"),
    )
    positions = keys.integer("max_position_embeddings")
    block = w.matrices + d + w.mlp_bias + 4 * d
    full = Layers("full", 1, n_heads, w.head_dim, w.head_dim)
    layers = {"full": full, "sliding": replace(full, kind="sliding", window=keys.integer("window_size"))}
    shape = w.shape(positions, (_tables(keys, w) + positions) * d + w.n_layers * block + 2 * d)
    return replace(shape, layers=grouped(_gpt_neo_kinds(keys, w.n_layers), layers))


def _gpt_neo_kinds(keys: Keys, n_layers: int) -> list[str]:
    """Return the kinds that `attention_types` gives, as patterns and how often each is repeated."""
    names = {"global": "full", "local": "sliding"}
    written = keys.items("attention_types")
    if written is None:
        written = keys.infer("attention_types", [[["global", "local"], 12]])
    kinds: list[str] = []
    for entry in written:
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], list):
            raise keys.refusal(f"attention_types has {shown(entry)}, and must have [[kinds], times] throughout")
        pattern, times = entry[0], keys.checked("attention_types", entry[1])
        for kind in pattern:
            if not isinstance(kind, str) or kind not in names:
                raise keys.refusal(f"attention_types has the kind {shown(kind)}; known are {', '.join(names)}")
        if times * len(pattern) > n_layers:
            raise keys.refusal(f"attention_types repeats {len(pattern)} kinds {times} times, for {n_layers} layers")
        kinds += [names[kind] for kind in pattern] * times
    if len(kinds) != n_layers:
        raise keys.refusal(f"attention_types describes {len(kinds)} layers, and num_layers says {n_layers}")
    if keys.config.get("attention_layers") not in (None, [{v: k for k, v in names.items()}[kind] for kind in kinds]):
        raise keys.refusal("attention_layers, which lists them one by one, says otherwise than attention_types")
    return kinds


def read_gpt_neox(keys: Keys) -> Shape:
    """GPT-NeoX and Pythia: biases in attention where `attention_bias` says so, in the MLP always."""
    w = _widths(keys, d_ff=keys.integer("intermediate_size"))
    biases = keys.flag("attention_bias") * (w.qkv_bias + w.d_model) + w.mlp_bias
    parameters = _tables(keys, w) * w.d_model + w.n_layers * (w.matrices + biases + 4 * w.d_model) + 2 * w.d_model
    return w.shape(keys.integer("max_position_embeddings"), parameters)


def read_bloom(keys: Keys) -> Shape:
    """BLOOM: ALiBi, which sets no limit to the context; a norm after the embedding; biases everywhere."""
    d, n_heads = keys.integer("hidden_size"), keys.integer("n_head")
    w = Widths(
        keys.n_layers("n_layer"), d, n_heads, n_heads, keys.head_dim(d, n_heads), 4 * d, keys.integer("vocab_size")
    )
    block = w.matrices + w.qkv_bias + d + w.mlp_bias + 4 * d
    return w.shape(None, _tables(keys, w) * d + w.n_layers * block + 4 * d)


def read_mpt(keys: Keys) -> Shape:
    """MPT: ALiBi, no biases, norms of one vector. Its class knows neither other attention nor other MLPs."""
    d, n_heads = keys.integer("d_model"), keys.integer("n_heads")
    _require_multi_head(keys, n_heads)
    keys.require("expansion_ratio", 4)
    keys.require("no_bias", True)
    w = Widths(
        n_layers=keys.n_layers("n_layers"),
        d_model=d,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        head_dim=keys.head_dim(d, n_heads),
        d_ff=4 * d,
        vocab_size=keys.integer("vocab_size"),
    )
    parameters = _tables(keys, w) * d + w.n_layers * (w.matrices + 2 * d) + d
    return w.shape(keys.integer("max_seq_len"), parameters)


def _require_multi_head(keys: Keys, n_heads: int) -> None:
    """Raise `KvlabError` where MPT's `attn_config` asks for an attention that its class does not have."""
    attention = keys.value("attn_config")
    if attention is None:
        return
    if not isinstance(attention, dict):
        raise keys.refusal(f"attn_config is {shown(attention)}, and must be an object")
    onlys = {"attn_type": "multihead_attention", "kv_n_heads": n_heads, "qk_ln": False, "alibi": True}
    for key, only in onlys.items():
        found = attention.get(key)
        if found is not None and found != only:
            raise keys.refusal(f"attn_config has {key} {shown(found)}, where this family has only {shown(only)}")


OPT_EXTRA_POSITIONS = 2  # rows of its table of positions that no position uses


def read_opt(keys: Keys) -> Shape:
    """OPT: GPT-2's shapes; one of its sizes embeds in fewer dimensions and projects."""
    w = _widths(keys, d_ff=keys.integer("ffn_dim"))
    d, positions = w.d_model, keys.integer("max_position_embeddings")
    d_embedding = keys.integer_or("word_embed_proj_dim", d)
    norm = keys.flag("layer_norm_elementwise_affine") * 2 * d
    last_norm = norm * (keys.flag("do_layer_norm_before") and not keys.flag("_remove_final_layer_norm"))
    biases = keys.flag("enable_bias") * (w.qkv_bias + d + w.mlp_bias)
    tables = _tables(keys, w) * d_embedding + (positions + OPT_EXTRA_POSITIONS) * d
    projections = 0 if d_embedding == d else 2 * d * d_embedding
    return w.shape(positions, tables + projections + w.n_layers * (w.matrices + biases + 2 * norm) + last_norm)


def read_falcon(keys: Keys) -> Shape:
    """Falcon: one K/V head in the 7B, groups of them in the 40B's new architecture, all of them with neither."""
    d_model, n_heads = keys.integer("hidden_size"), keys.integer("num_attention_heads")
    w = _widths(keys, d_ff=keys.integer_or("ffn_hidden_size", 4 * d_model), n_kv_heads=_falcon_kv_heads(keys, n_heads))
    biases = keys.flag("bias") * (w.qkv_bias + w.d_model + w.mlp_bias)
    block = w.matrices + biases + _falcon_norms(keys) * 2 * w.d_model
    limit = None if keys.flag("alibi") else keys.integer("max_position_embeddings")
    return w.shape(limit, _tables(keys, w) * w.d_model + w.n_layers * block + 2 * w.d_model)


def _falcon_kv_heads(keys: Keys, n_heads: int) -> int:
    if keys.flag("new_decoder_architecture"):
        keys.asked.add("multi_query")  # which the new architecture does not look at
        return keys.kv_heads(n_heads, "num_kv_heads")
    if keys.flag("multi_query"):
        keys.asked.add("num_kv_heads")  # nor the old one at this: a saved 7B says 71, and caches 1
        return 1
    keys.require("num_kv_heads", n_heads)
    return n_heads


def _falcon_norms(keys: Keys) -> int:
    """Return a layer's norms; where attention and MLP are side by side, they share one or have one each."""
    is_new = keys.flag("new_decoder_architecture")
    if keys.flag("parallel_attn"):
        keys.require("num_ln_in_parallel_attn", *((2, 1) if is_new else (1,)))
        return keys.integer_or("num_ln_in_parallel_attn", 2 if is_new else 1)
    if is_new:
        raise keys.refusal("parallel_attn is false, and the new architecture is always parallel")
    return 2


def _widths(keys: Keys, d_ff: int, n_kv_heads: int | None = None) -> Widths:
    """Return the widths by the keys that most families give them."""
    d_model, n_heads = keys.integer("hidden_size"), keys.integer("num_attention_heads")
    return Widths(
        n_layers=keys.n_layers("num_hidden_layers"),
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_heads if n_kv_heads is None else n_kv_heads,
        head_dim=keys.head_dim(d_model, n_heads),
        d_ff=d_ff,
        vocab_size=keys.integer("vocab_size"),
    )


def _tables(keys: Keys, w: Widths) -> int:
    """Return the rows of the embedding and of the output head together: a tied head has none of its own."""
    return w.vocab_size * (1 if keys.flag("tie_word_embeddings") else 2)
