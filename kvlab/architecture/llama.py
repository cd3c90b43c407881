"""Reader of Llama's `config.json`, with the keys that the transformers library writes, now and before its version 5."""

from __future__ import annotations

from collections.abc import Mapping

from kvlab.architecture.architecture import Architecture
from kvlab.architecture.config import Config, epsilon, flag, integer, require_implemented
from kvlab.errors import KvlabError

# Keys that change the mathematics, with the values that the forward pass in kvlab.model.llama implements.
IMPLEMENTED: dict[str, tuple[object, ...]] = {
    "hidden_act": ("silu",),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "quantization_config": (None,),
    "sliding_window": (None,),
    "partial_rotary_factor": (1.0, None),
}
UNSCALED = {"rope_type": "default", "type": "default", "partial_rotary_factor": 1.0, "factor": 1.0}


def llama_architecture(config: Config, name: str) -> Architecture:
    """Return the `Architecture` that a Llama `config.json` describes.

    `num_hidden_layers`, `num_attention_heads`, `hidden_size`, `intermediate_size`, `vocab_size` and
    `max_position_embeddings` must be there. As in the library's `LlamaConfig`, an absent `num_key_value_heads` means
    as many as query heads, an absent `head_dim` `hidden_size / num_attention_heads`, an absent `rms_norm_eps` 1e-6, an
    absent `tie_word_embeddings` false, and an absent base of rotary positions 10,000.

    Raises:
        KvlabError: a missing or malformed key, or a variant that is not implemented, scaled rotary positions among
            them.
    """
    require_implemented(config, IMPLEMENTED, name)
    d_model, n_heads = integer(config, "hidden_size", name), integer(config, "num_attention_heads", name)
    if config.get("head_dim") is None and d_model % n_heads:
        raise KvlabError(
            f"{name}: hidden_size {d_model} is not a multiple of num_attention_heads {n_heads}; give head_dim"
        )
    head_dim = integer(config, "head_dim", name, default=max(1, d_model // n_heads))
    if head_dim % 2:
        raise KvlabError(f"{name}: head_dim {head_dim} is odd; rotary positions turn pairs of elements")
    return Architecture(
        name=name,
        family="llama",
        n_layers=integer(config, "num_hidden_layers", name),
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=integer(config, "num_key_value_heads", name, default=n_heads),
        head_dim=head_dim,
        d_ff=integer(config, "intermediate_size", name),
        vocab_size=integer(config, "vocab_size", name),
        max_context=integer(config, "max_position_embeddings", name),
        tied_head=flag(config, "tie_word_embeddings", name, default=False),
        norm_epsilon=epsilon(config, "rms_norm_eps", name, default=1e-6),
        rope_theta=_rope_theta(config, name),
    )


def _rope_theta(config: Config, name: str) -> float:
    """Return the base of unscaled rotary positions: of `rope_parameters`, of `rope_theta`, or the library's default."""
    bases = [config.get("rope_theta")]
    for key in ("rope_parameters", "rope_scaling"):
        parameters = {} if config.get(key) is None else config[key]
        if not isinstance(parameters, Mapping):
            raise KvlabError(f"{name}: {key} is {parameters!r}, and must be an object or null")
        _require_unscaled(parameters, name)
        bases.append(parameters.get("rope_theta"))
    given = [_base(base, name) for base in bases if base is not None]
    for base in given:
        if base != given[0]:
            raise KvlabError(f"{name}: rope_theta is given twice, as {given[0]!r} and as {base!r}")
    return given[0] if given else 10_000.0


def _require_unscaled(parameters: Config, name: str) -> None:
    for key, value in parameters.items():
        if key != "rope_theta" and value not in (None, UNSCALED.get(key)):
            raise KvlabError(
                f"{name}: its rotary positions are scaled ({key} is {value!r}); only plain ones are implemented"
            )


def _base(value: object, name: str) -> float:
    # Bounded above: JSON has integers that no float holds.
    if not isinstance(value, int | float) or not 1 < value < 1e308:  # true is 1
        raise KvlabError(f"{name}: rope_theta is {value!r}, and must be a number above 1 and below 1e308")
    return float(value)
