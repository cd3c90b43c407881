"""Bytes that a step reads and writes, each once: what must cross the memory's door at least.

Activations are not counted: at one token they are a few kilobytes that never leave the nearest cache.
"""

from kvlab.accounting.exact import exact
from kvlab.accounting.memory import kv_cache_bytes
from kvlab.accounting.parameters import gpt2_parameters


@exact
def gpt2_weight_bytes_read(
    n_layers: int, d_model: int, d_ff: int, vocab_size: int, max_context: int, new_tokens: int, bytes_per_element: int
) -> int:
    """Return the weight bytes that a forward pass over `new_tokens` tokens reads, with a tied head.

    All the weights but the rows of positions that it does not visit. The embedding rows of its tokens are rows of the
    tied head, which is read whole.
    """
    return (
        gpt2_parameters(n_layers, d_model, d_ff, vocab_size, max_context) - (max_context - new_tokens) * d_model
    ) * bytes_per_element


@exact
def gpt2_decode_bytes_read(
    n_layers: int,
    d_model: int,
    n_kv_heads: int,
    head_dim: int,
    d_ff: int,
    vocab_size: int,
    max_context: int,
    context: int,
    bytes_per_element: int,
) -> int:
    """Return the bytes that one decode step reads with `context` tokens in reach: weights and cache."""
    return gpt2_weight_bytes_read(
        n_layers, d_model, d_ff, vocab_size, max_context, 1, bytes_per_element
    ) + kv_cache_bytes(n_layers, n_kv_heads, head_dim, context, 1, bytes_per_element)
