"""Bytes that a pass moves, each once: what must cross the memory's door at least.

Weights are read once a pass, however many tokens it has; K and V once a sequence; activations are what an operation
takes and gives, where it is done by itself and its scores stay on the chip. `s` is the bytes of one element, of the
weights or of the cache.
"""

from kvlab.accounting.components import qkv_bias_parameters
from kvlab.accounting.flops import layer_matrix_elements
from kvlab.accounting.integers import exact
from kvlab.accounting.memory import kv_cache_bytes
from kvlab.accounting.parameters import gpt2_parameters


@exact
def qkv_weight_bytes(
    n_layers: int, d_model: int, n_heads: int, n_kv_heads: int, head_dim: int, bytes_per_element: int
) -> int:
    """Return the bytes of the matrices that make Q, K and V: `L · d · (H + 2 · H_kv) · d_h · s`."""
    return n_layers * d_model * qkv_bias_parameters(n_heads, n_kv_heads, head_dim) * bytes_per_element


@exact
def output_weight_bytes(n_layers: int, d_model: int, n_heads: int, head_dim: int, bytes_per_element: int) -> int:
    """Return the bytes of attention's output matrices: `L · H · d_h · d · s`."""
    return n_layers * n_heads * head_dim * d_model * bytes_per_element


@exact
def mlp_weight_bytes(n_layers: int, d_model: int, d_ff: int, mlp_matrices: int, bytes_per_element: int) -> int:
    """Return the bytes of the MLP's two or three matrices: `L · n_W · d · d_ff · s`."""
    return n_layers * mlp_matrices * d_model * d_ff * bytes_per_element


@exact
def head_weight_bytes(d_model: int, vocab_size: int, bytes_per_element: int) -> int:
    """Return the bytes of the output head: `V · d · s`."""
    return vocab_size * d_model * bytes_per_element


@exact
def matrix_bytes(
    n_layers: int,
    d_model: int,
    n_heads: int,
    n_kv_heads: int,
    head_dim: int,
    d_ff: int,
    mlp_matrices: int,
    vocab_size: int,
    bytes_per_element: int,
) -> int:
    """Return the bytes of all matrices that a pass with logits reads: the layers' and the head's."""
    return n_layers * layer_matrix_elements(
        d_model, n_heads, n_kv_heads, head_dim, d_ff, mlp_matrices
    ) * bytes_per_element + head_weight_bytes(d_model, vocab_size, bytes_per_element)


@exact
def activation_bytes(n_in: int, n_out: int, n_tokens: int, bytes_per_element: int) -> int:
    """Return the bytes that a linear map takes and gives: `(in + out) · T · s`."""
    return (n_in + n_out) * n_tokens * bytes_per_element


@exact
def kv_read_bytes(
    n_layers: int, n_kv_heads: int, head_dim: int, context: int, batch: int, bytes_per_element: int
) -> int:
    """Return the bytes of K and V that a pass reads with `context` tokens in reach of each sequence, its own included.

    One token or many: all queries of a sequence that are in the pass can use what is read once.
    """
    return kv_cache_bytes(n_layers, n_kv_heads, head_dim, context, batch, bytes_per_element)


@exact
def kv_written_bytes(
    n_layers: int, n_kv_heads: int, head_dim: int, n_tokens: int, batch: int, bytes_per_element: int
) -> int:
    """Return the bytes of K and V that a pass writes: those of its `n_tokens` tokens a sequence."""
    return kv_cache_bytes(n_layers, n_kv_heads, head_dim, n_tokens, batch, bytes_per_element)


# GPT-2, with its biases, norms and positions to the last byte.


@exact
def gpt2_weight_bytes_read(
    n_layers: int, d_model: int, d_ff: int, vocab_size: int, max_context: int, n_tokens: int, bytes_per_element: int
) -> int:
    """Return the weight bytes that a forward pass over `n_tokens` tokens reads, with a tied head.

    All the weights but the rows of positions that it does not visit. The embedding rows of its tokens are rows of the
    tied head, which is read whole.
    """
    return (
        gpt2_parameters(n_layers, d_model, d_ff, vocab_size, max_context) - (max_context - n_tokens) * d_model
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
    ) + kv_read_bytes(n_layers, n_kv_heads, head_dim, context, 1, bytes_per_element)
