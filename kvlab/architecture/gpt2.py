"""Reader of GPT-2's `config.json`, with the keys that the transformers library writes."""

from __future__ import annotations

from collections.abc import Mapping

from kvlab.architecture.architecture import Architecture
from kvlab.errors import KvlabError

# Keys that change the mathematics, with the values that the forward pass in kvlab.model.gpt2 implements.
IMPLEMENTED = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}


def gpt2_architecture(config: Mapping[str, object], name: str) -> Architecture:
    """Return the `Architecture` that a GPT-2 `config.json` describes.

    `n_layer`, `n_head`, `n_embd`, `n_positions` and `vocab_size` must be there. `n_inner` absent or null means
    `4 · n_embd`, and an absent `layer_norm_epsilon` 1e-5, an absent `tie_word_embeddings` true, an absent
    `activation_function` `gelu_new`, as in the library's `GPT2Config`.

    Raises:
        KvlabError: another `model_type`, a missing or malformed key, or a variant that is not implemented.
    """
    if config.get("model_type") != "gpt2":
        raise KvlabError(f"{name}: model_type is {config.get('model_type')!r}; only 'gpt2' can be opened")
    for key, implemented in IMPLEMENTED.items():
        if config.get(key, implemented[0]) not in implemented:
            raise KvlabError(f"{name}: {key} is {config[key]!r}; implemented is {' or '.join(map(repr, implemented))}")
    d_model, n_heads = _integer(config, "n_embd", name), _integer(config, "n_head", name)
    if d_model % n_heads:
        raise KvlabError(f"{name}: n_embd {d_model} is not a multiple of n_head {n_heads}")
    return Architecture(
        name=name,
        family="gpt2",
        n_layers=_integer(config, "n_layer", name),
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        head_dim=d_model // n_heads,
        d_ff=4 * d_model if config.get("n_inner") is None else _integer(config, "n_inner", name),
        vocab_size=_integer(config, "vocab_size", name),
        max_context=_integer(config, "n_positions", name),
        tied_head=_flag(config, "tie_word_embeddings", default=True, name=name),
        norm_epsilon=_epsilon(config, name),
    )


def _integer(config: Mapping[str, object], key: str, name: str) -> int:
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        found = f"is {value!r}" if key in config else "is missing"
        raise KvlabError(f"{name}: {key} {found}; config.json must give it as a positive integer")
    return value


def _flag(config: Mapping[str, object], key: str, *, default: bool, name: str) -> bool:
    value = config.get(key, default)
    if not isinstance(value, bool):
        raise KvlabError(f"{name}: {key} is {value!r}, and must be true or false")
    return value


def _epsilon(config: Mapping[str, object], name: str) -> float:
    value = config.get("layer_norm_epsilon", 1e-5)
    if not isinstance(value, float) or not 0 < value < 1:
        raise KvlabError(f"{name}: layer_norm_epsilon is {value!r}, and must be a number between 0 and 1")
    return value
