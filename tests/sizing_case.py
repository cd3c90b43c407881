"""What a case of sizing is, and what the transformers library stores otherwise than the formula, each by name.

The formula says what a layer must keep: a window of w tokens for w tokens. An implementation may keep less, since the
token that comes next brings its own K and V, or more, where it does not use what it could.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from kvlab.accounting.layers import Layers
from kvlab.sizing import Decoder

Config = Mapping[str, Any]


class Case(NamedTuple):
    """A configuration, and the names in EXPLANATIONS of what its class stores otherwise than the formula."""

    config: Config
    explained: tuple[str, ...] = ()


def row(model_type: str, base: Config, *explained: str, **changes: object) -> Case:
    """Return the case of a base with changes."""
    return Case({"model_type": model_type, **base, **changes}, explained)


def without(config: Config, *keys: str) -> Config:
    """Return a configuration without some of its keys."""
    return {key: value for key, value in config.items() if key not in keys}


def _each(decoder: Decoder, change: Callable[[Layers], Layers]) -> Decoder:
    return replace(decoder, layers=tuple(change(group) for group in decoder.layers))


def windows_of_one_token_less(decoder: Decoder, _: Config) -> Decoder:
    """The library drops the oldest token of a full window at once, before the next token asks for its place."""
    return _each(decoder, lambda g: replace(g, window=g.window - 1) if g.window is not None and g.window > 1 else g)


def windows_of_one_are_whole(decoder: Decoder, _: Config) -> Decoder:
    """It keeps the slots from `-window + 1` on, and from `-0` on these are all that there are."""
    return _each(decoder, lambda g: replace(g, window=None) if g.window == 1 else g)


def local_layers_are_whole(decoder: Decoder, _: Config) -> Decoder:
    """GPT-Neo masks what its local layers do not see, and keeps it."""
    return _each(decoder, lambda g: replace(g, window=None))


def heads_are_expanded(decoder: Decoder, _: Config) -> Decoder:
    """Falcon's new architecture repeats each K/V head for its query heads before it caches them."""
    return _each(decoder, lambda g: replace(g, n_kv_heads=decoder.n_heads))


def router_bias_is_a_buffer(decoder: Decoder, config: Config) -> Decoder:
    """DeepSeek-V3's checkpoint holds the router's bias, and its class does not call it a parameter."""
    sparse = max(config["num_hidden_layers"] - config["first_k_dense_replace"], 0)
    return replace(decoder, parameters=decoder.parameters - sparse * config["n_routed_experts"])


WINDOW, WINDOW_OF_ONE = "windows of one token less", "windows of one are whole"
LOCAL, EXPANDED, ROUTER = "local layers are whole", "heads are expanded", "the router's bias is a buffer"

EXPLANATIONS: dict[str, Callable[[Decoder, Config], Decoder]] = {
    WINDOW: windows_of_one_token_less,
    WINDOW_OF_ONE: windows_of_one_are_whole,
    LOCAL: local_layers_are_whole,
    EXPANDED: heads_are_expanded,
    ROUTER: router_bias_is_a_buffer,
}


def as_implemented(decoder: Decoder, case: Case) -> Decoder:
    """Return the decoder as the library implements it."""
    for name in case.explained:
        decoder = EXPLANATIONS[name](decoder, case.config)
    return decoder


# Sizes are different primes, or have different prime factors, so that none can be taken for another.
TOKENS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
KIN = {
    "num_hidden_layers": 5,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "hidden_size": 84,
    "intermediate_size": 37,
    "vocab_size": 101,
    "max_position_embeddings": 97,
    **TOKENS,
}
MHA = without(KIN, "num_key_value_heads")
SLIDING, FULL = "sliding_attention", "full_attention"
MIXED = [SLIDING, FULL, FULL, FULL, SLIDING]  # as many of each as no family has by itself
EXPERTS = {"num_local_experts": 5, "num_experts_per_tok": 2}
QWEN_EXPERTS = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 29}
SHARED_EXPERT = {**QWEN_EXPERTS, "shared_expert_intermediate_size": 31}
