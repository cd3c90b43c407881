"""Work between the products, in operations on elements: each addition, product, comparison, exponential counts 1.

As kvlab's own forward passes do it; other implementations fuse and reorder, and come to other numbers. What is one
number a row (a mean's division, a root) is not counted. The sums over a row that norms take are products with a row of
ones or with itself, and count 2 an element, as multiply-adds do.
"""

from kvlab.accounting.components import qkv_bias_parameters
from kvlab.accounting.integers import exact


@exact
def embedding_operations(d_model: int, n_tokens: int) -> int:
    """Return the additions of learned positions to token embeddings; rotary models have none."""
    return d_model * n_tokens


@exact
def layer_norm_operations(n_layers: int, d_model: int, n_tokens: int) -> int:
    """Return the operations of all LayerNorms, two a layer and the last: 8 an element.

    The row's sum (2), minus the mean, the squares' sum (2), times the inverse root, times the weight, plus the bias.
    """
    return (2 * n_layers + 1) * 8 * d_model * n_tokens


@exact
def rms_norm_operations(n_layers: int, d_model: int, n_tokens: int) -> int:
    """Return the operations of all RMSNorms, two a layer and the last: 4 an element.

    The squares' sum (2), times the inverse root, times the weight.
    """
    return (2 * n_layers + 1) * 4 * d_model * n_tokens


@exact
def rotary_operations(n_layers: int, n_heads: int, n_kv_heads: int, head_dim: int, n_tokens: int) -> int:
    """Return the operations of rotary positions: two products and a sum for each element of Q and of K.

    And once a pass, not a layer: for each pair of a head its angle, cosine and sine.
    """
    return (3 * n_layers * (n_heads + n_kv_heads) * head_dim + 3 * (head_dim // 2)) * n_tokens


@exact
def query_scale_operations(n_layers: int, n_heads: int, head_dim: int, n_tokens: int) -> int:
    """Return the products of queries by 1/√d_h; in kvlab's GPT-2 the factor is in the weights, and there are none."""
    return n_layers * n_heads * head_dim * n_tokens


@exact
def softmax_operations(n_layers: int, n_heads: int, slots: int) -> int:
    """Return the operations of mask and softmax: 6 for each score, and a masked slot has a score like any other.

    Plus the mask, the largest, minus the largest, the exponential, the sum, and the division by it. Of the largest and
    of the sum, one fewer a row is done and counted as if it were not.
    """
    return 6 * n_layers * n_heads * slots


@exact
def gelu_operations(n_layers: int, d_ff: int, n_tokens: int) -> int:
    """Return the operations of GELU in GPT-2's form: five products, two sums and a hyperbolic tangent an element."""
    return 8 * n_layers * d_ff * n_tokens


@exact
def swiglu_operations(n_layers: int, d_ff: int, n_tokens: int) -> int:
    """Return the operations of SwiGLU: a sign, an exponential, a sum, a division, the product with the other half."""
    return 5 * n_layers * d_ff * n_tokens


@exact
def bias_operations(
    n_layers: int, d_model: int, n_heads: int, n_kv_heads: int, head_dim: int, d_ff: int, n_tokens: int
) -> int:
    """Return the additions of biases to Q, K and V, to attention's output, and in a plain MLP."""
    return n_layers * (qkv_bias_parameters(n_heads, n_kv_heads, head_dim) + 2 * d_model + d_ff) * n_tokens


@exact
def residual_operations(n_layers: int, d_model: int, n_tokens: int) -> int:
    """Return the additions to the residual stream, two a layer."""
    return 2 * n_layers * d_model * n_tokens
