"""Parameters of the parts of a decoder, counted from their shapes; what a model has in all is a sum of these.

Arguments are positive integers, except counts of vectors, which may be 0; results are numbers of elements.
"""

from kvlab.accounting.integers import exact


@exact
def attention_parameters(d_model: int, n_heads: int, n_kv_heads: int, head_dim: int) -> int:
    """Return the elements of Q, K, V and output projections: `2 · d · (H + H_kv) · d_h`."""
    return 2 * d_model * (n_heads + n_kv_heads) * head_dim


@exact
def qkv_bias_parameters(n_heads: int, n_kv_heads: int, head_dim: int) -> int:
    """Return the elements of the biases of Q, K and V: `(H + 2 · H_kv) · d_h`."""
    return (n_heads + 2 * n_kv_heads) * head_dim


@exact
def gated_mlp_parameters(d_model: int, d_ff: int) -> int:
    """Return the elements of an MLP with a gate, three matrices: `3 · d · d_ff`; one expert is one too."""
    return 3 * d_model * d_ff


@exact
def plain_mlp_parameters(d_model: int, d_ff: int) -> int:
    """Return the elements of an MLP of two matrices: `2 · d · d_ff`."""
    return 2 * d_model * d_ff


@exact
def experts_parameters(d_model: int, d_ff: int, n_experts: int) -> int:
    """Return the elements of a mixture of gated experts and its router: `E · (3 · d · d_ff + d)`."""
    return n_experts * (gated_mlp_parameters(d_model, d_ff) + d_model)


@exact
def latent_attention_parameters(
    d_model: int, n_heads: int, latent: int, rope_dim: int, nope_dim: int, v_dim: int
) -> int:
    """Return the elements of MLA's K, V and output projections, the latent's norm among them; Q is counted apart.

    `d · (d_c + d_rope) + d_c + d_c · H · (d_nope + d_v) + H · d_v · d` (DeepSeek-V2, arXiv 2405.04434).
    """
    return d_model * (latent + rope_dim) + latent + latent * n_heads * (nope_dim + v_dim) + n_heads * v_dim * d_model


@exact
def latent_query_parameters(d_model: int, n_heads: int, rank: int, rope_dim: int, nope_dim: int) -> int:
    """Return the elements of MLA's Q projections through a latent of `rank`, its norm among them."""
    return d_model * rank + rank + rank * n_heads * (nope_dim + rope_dim)


@exact
def mamba_parameters(d_model: int, d_inner: int, d_state: int, d_conv: int, dt_rank: int) -> int:
    """Return the elements of a Mamba mixer with norms on dt, B and C, without biases but dt's (arXiv 2403.19887)."""
    return (
        3 * d_model * d_inner
        + d_inner * (d_conv + d_state + 2 + dt_rank)
        + d_inner * (dt_rank + 2 * d_state)
        + dt_rank
        + 2 * d_state
    )


@exact
def delta_net_parameters(d_model: int, key_width: int, value_width: int, n_value_heads: int, d_conv: int) -> int:
    """Return the elements of a gated delta net except the norm of its output (arXiv 2412.06464).

    In: Q, K, V, gate, and two numbers a head; convolution of Q, K and V; two vectors of one number a head; out.
    """
    return (
        d_model * (2 * key_width + 2 * value_width + 2 * n_value_heads)
        + (2 * key_width + value_width) * d_conv
        + 2 * n_value_heads
        + value_width * d_model
    )
