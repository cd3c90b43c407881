"""Work in FLOPs: of each operation of a pass, and of passes and generations; a multiply-add counts 2.

Counted here are the products, which have as many multiply-adds as their operands' shapes say; what stands between them
is counted in `elementwise`. `mlp_matrices` is 2 for a plain MLP and 3 for one with a gate. Attention takes a number of
pairs, which `positions` counts: those that causality needs, or the slots that a kernel reads.

    one token after the others: n_tokens 1, pairs S          a prompt: n_tokens P, pairs P(P + 1)/2
"""

from kvlab.accounting.components import attention_parameters, qkv_bias_parameters
from kvlab.accounting.integers import exact
from kvlab.accounting.pairs import causal_pairs
from kvlab.accounting.parameters import gpt2_block_matrix_parameters


@exact
def projection_multiply_adds(d_model: int, n_tokens: int) -> int:
    """Return the multiply-adds of `n_tokens` tokens through one `d`-by-`d` matrix: `d²` each."""
    return d_model**2 * n_tokens


@exact
def projection_flops(d_model: int, n_tokens: int) -> int:
    """Return the FLOPs of `n_tokens` tokens through one `d`-by-`d` matrix: two a multiply-add, `2 · d²` each."""
    return 2 * projection_multiply_adds(d_model, n_tokens)


@exact
def qkv_flops(n_layers: int, d_model: int, n_heads: int, n_kv_heads: int, head_dim: int, n_tokens: int) -> int:
    """Return the FLOPs of the projections to Q, K and V: `2 · L · d · (H + 2 · H_kv) · d_h` a token."""
    return 2 * n_layers * d_model * qkv_bias_parameters(n_heads, n_kv_heads, head_dim) * n_tokens


@exact
def scores_flops(n_layers: int, n_heads: int, head_dim: int, pairs: int) -> int:
    """Return the FLOPs of the scores: `2 · L · H · d_h` a pair, half of attention's."""
    return attention_flops(n_layers, n_heads, head_dim, pairs) // 2


@exact
def weighted_sum_flops(n_layers: int, n_heads: int, head_dim: int, pairs: int) -> int:
    """Return the FLOPs of the weighted sum of V: as many as those of the scores."""
    return scores_flops(n_layers, n_heads, head_dim, pairs)


@exact
def output_flops(n_layers: int, d_model: int, n_heads: int, head_dim: int, n_tokens: int) -> int:
    """Return the FLOPs of attention's output projection: `2 · L · H · d_h · d` a token."""
    return 2 * n_layers * n_heads * head_dim * d_model * n_tokens


@exact
def mlp_flops(n_layers: int, d_model: int, d_ff: int, mlp_matrices: int, n_tokens: int) -> int:
    """Return the FLOPs of the MLP's two or three matrices: `2 · L · n_W · d · d_ff` a token."""
    return 2 * n_layers * mlp_matrices * d_model * d_ff * n_tokens


@exact
def head_flops(d_model: int, vocab_size: int, n_tokens: int) -> int:
    """Return the FLOPs of the output head: `2 · V · d` for each token whose logits are wanted."""
    return 2 * vocab_size * d_model * n_tokens


@exact
def attention_flops(n_layers: int, n_heads: int, head_dim: int, context: int) -> int:
    """Return the FLOPs of attention for one query over `context` tokens, itself among them: `4 · L · H · d_h · S`.

    Scores and weighted sum are two products of `d_h · S` multiply-adds a head. `H`, not `H_kv`: every query head
    does its own.
    """
    return 4 * n_layers * n_heads * head_dim * context


@exact
def absorbed_mla_flops(n_layers: int, n_heads: int, latent: int, rope_dim: int, context: int) -> int:
    """Return the FLOPs of MLA's attention for one query over `context` tokens, its up-projections absorbed.

    Scores and weighted sum over latents, and scores over the rotary part: `2 · L · H · (2 · d_c + d_rope) · S`
    (DeepSeek-V2, arXiv 2405.04434).
    """
    return attention_flops(n_layers, n_heads, latent, context) + scores_flops(n_layers, n_heads, rope_dim, context)


@exact
def layer_matrix_elements(
    d_model: int, n_heads: int, n_kv_heads: int, head_dim: int, d_ff: int, mlp_matrices: int
) -> int:
    """Return the matrix elements of one layer: each is one multiply-add of every token."""
    return attention_parameters(d_model, n_heads, n_kv_heads, head_dim) + mlp_matrices * d_model * d_ff


@exact
def pass_flops(
    n_layers: int,
    d_model: int,
    n_heads: int,
    n_kv_heads: int,
    head_dim: int,
    d_ff: int,
    mlp_matrices: int,
    vocab_size: int,
    n_tokens: int,
    pairs: int,
    rows: int,
) -> int:
    """Return the FLOPs of a pass over `n_tokens` tokens that attend to `pairs`, and of `rows` rows of logits.

    Of a whole generation too, with its tokens, its pairs and its rows all added up.
    """
    return (
        2 * n_layers * layer_matrix_elements(d_model, n_heads, n_kv_heads, head_dim, d_ff, mlp_matrices) * n_tokens
        + attention_flops(n_layers, n_heads, head_dim, pairs)
        + head_flops(d_model, vocab_size, rows)
    )


# GPT-2, whose heads make its width, and which has as many K/V heads as query heads: the formulas become short.


@exact
def gpt2_matrix_elements(n_layers: int, d_model: int, d_ff: int, vocab_size: int) -> int:
    """Return the matrix elements that a token meets on its way to its logits: the blocks' and the head's."""
    return n_layers * gpt2_block_matrix_parameters(d_model, d_ff) + vocab_size * d_model


@exact
def gpt2_balancing_context(d_model: int, d_ff: int) -> int:
    """Return the context at which attention over it costs a token as much as a block's matrices: `2 · d + d_ff`.

    `4 · d · S` FLOPs of attention against `2 · (4 · d² + 2 · d · d_ff)` of matrices; `6 · d` where `d_ff` is `4 · d`.
    """
    return 2 * d_model + d_ff


@exact
def gpt2_decode_flops(
    n_layers: int, d_model: int, n_heads: int, head_dim: int, d_ff: int, vocab_size: int, context: int
) -> int:
    """Return the FLOPs of one decode step with a cache, `context` tokens held at its end."""
    return 2 * gpt2_matrix_elements(n_layers, d_model, d_ff, vocab_size) + attention_flops(
        n_layers, n_heads, head_dim, context
    )


@exact
def gpt2_prefill_flops(
    n_layers: int, d_model: int, n_heads: int, head_dim: int, d_ff: int, vocab_size: int, prompt: int
) -> int:
    """Return the FLOPs of prefilling `prompt` tokens and of the one row of logits that follows them."""
    return (
        2 * n_layers * gpt2_block_matrix_parameters(d_model, d_ff) * prompt
        + head_flops(d_model, vocab_size, 1)
        + attention_flops(n_layers, n_heads, head_dim, causal_pairs(prompt))
    )
