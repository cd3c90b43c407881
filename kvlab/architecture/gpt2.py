"""Reader of GPT-2's `config.json`, with the keys that the transformers library writes."""

from __future__ import annotations

from kvlab.architecture.architecture import Architecture
from kvlab.architecture.config import Config, epsilon, flag, integer, require_implemented
from kvlab.errors import KvlabError

# Keys that change the mathematics, with the values that the forward pass in kvlab.model.gpt2 implements.
IMPLEMENTED: dict[str, tuple[object, ...]] = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}


def gpt2_architecture(config: Config, name: str) -> Architecture:
    """Return the `Architecture` that a GPT-2 `config.json` describes.

    `n_layer`, `n_head`, `n_embd`, `n_positions` and `vocab_size` must be there. `n_inner` absent or null means
    `4 · n_embd`, and an absent `layer_norm_epsilon` 1e-5, an absent `tie_word_embeddings` true, an absent
    `activation_function` `gelu_new`, as in the library's `GPT2Config`.

    Raises:
        KvlabError: a missing or malformed key, or a variant that is not implemented.
    """
    require_implemented(config, IMPLEMENTED, name)
    d_model, n_heads = integer(config, "n_embd", name), integer(config, "n_head", name)
    if d_model % n_heads:
        raise KvlabError(f"{name}: n_embd {d_model} is not a multiple of n_head {n_heads}")
    return Architecture(
        name=name,
        family="gpt2",
        n_layers=integer(config, "n_layer", name),
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        head_dim=d_model // n_heads,
        d_ff=integer(config, "n_inner", name, default=4 * d_model),
        vocab_size=integer(config, "vocab_size", name),
        max_context=integer(config, "n_positions", name),
        tied_head=flag(config, "tie_word_embeddings", name, default=True),
        norm_epsilon=epsilon(config, "layer_norm_epsilon", name, default=1e-5),
    )
