"""Parameters of a GPT-2-style model, counted from its shapes: `n_kv_heads = n_heads` and `d = H · d_h` there.

Arguments are positive integers; results are numbers of elements. The matrices are counted apart from the rest, since
each of their elements is one multiply-add of every token.
"""

from kvlab.accounting.components import plain_mlp_parameters
from kvlab.accounting.integers import exact


@exact
def gpt2_block_matrix_parameters(d_model: int, d_ff: int) -> int:
    """Return the elements of one block's four matrices: Q, K and V fused, output, and the MLP's two."""
    return 4 * d_model**2 + plain_mlp_parameters(d_model, d_ff)


@exact
def gpt2_block_vector_parameters(d_model: int, d_ff: int) -> int:
    """Return the elements of one block's vectors: four biases, and weight and bias of two LayerNorms."""
    return 9 * d_model + d_ff


@exact
def gpt2_parameters(n_layers: int, d_model: int, d_ff: int, vocab_size: int, max_context: int) -> int:
    """Return all the elements of a GPT-2 model with a tied head: embeddings, positions, blocks, last LayerNorm.

    The tied head is the embedding table and adds nothing.
    """
    return (
        (vocab_size + max_context) * d_model
        + n_layers * (gpt2_block_matrix_parameters(d_model, d_ff) + gpt2_block_vector_parameters(d_model, d_ff))
        + 2 * d_model
    )


@exact
def gpt2_untied_parameters(n_layers: int, d_model: int, d_ff: int, vocab_size: int, max_context: int) -> int:
    """Return all the elements of a GPT-2 model whose head is a table of its own, `V · d` more."""
    return gpt2_parameters(n_layers, d_model, d_ff, vocab_size, max_context) + vocab_size * d_model
