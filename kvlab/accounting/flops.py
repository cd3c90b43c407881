"""Work of a GPT-2-style model in FLOPs; a multiply-add counts 2.

Counted: the matrix products and attention's two. Not counted: embedding look-up, LayerNorm, GELU, softmax, biases and
residual additions, which are linear in `d` where the products are quadratic. Attention counts the pairs that causality
needs, not the slots that a kernel reads.
"""

from kvlab.accounting.exact import exact
from kvlab.accounting.parameters import gpt2_block_matrix_parameters


@exact
def gpt2_matrix_elements(n_layers: int, d_model: int, d_ff: int, vocab_size: int) -> int:
    """Return the matrix elements that a token meets on its way to its logits: the blocks' and the head's."""
    return n_layers * gpt2_block_matrix_parameters(d_model, d_ff) + vocab_size * d_model


@exact
def attention_flops(n_layers: int, n_heads: int, head_dim: int, context: int) -> int:
    """Return the FLOPs of attention for one query over `context` tokens, itself among them: `4 · L · H · d_h · S`.

    Scores and weighted sum are two products of `d_h · S` multiply-adds a head. `H`, not `H_kv`: every query head
    does its own.
    """
    return 4 * n_layers * n_heads * head_dim * context


@exact
def gpt2_decode_flops(
    n_layers: int, d_model: int, n_heads: int, head_dim: int, d_ff: int, vocab_size: int, context: int
) -> int:
    """Return the FLOPs of one decode step with a cache, `context` tokens held at its end."""
    return 2 * gpt2_matrix_elements(n_layers, d_model, d_ff, vocab_size) + attention_flops(
        n_layers, n_heads, head_dim, context
    )


@exact
def causal_pairs(n_tokens: int) -> int:
    """Return the (query, key) pairs with the key not after the query: `n(n + 1)/2`."""
    return n_tokens * (n_tokens + 1) // 2


@exact
def gpt2_prefill_flops(
    n_layers: int, d_model: int, n_heads: int, head_dim: int, d_ff: int, vocab_size: int, prompt: int
) -> int:
    """Return the FLOPs of prefilling `prompt` tokens and of the one row of logits that follows them."""
    return (
        2 * n_layers * gpt2_block_matrix_parameters(d_model, d_ff) * prompt
        + 2 * vocab_size * d_model
        + attention_flops(n_layers, n_heads, head_dim, causal_pairs(prompt))
    )
