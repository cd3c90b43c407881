"""A pass, operation by operation: what each does and what it moves. The sum of the parts is the whole.

    embedding · norms · QKV · rotary · scores · softmax · weighted sum · output · MLP · head

Prefill is a pass over the prompt with nothing cached, a decode step one over a single new token, and a step without
a cache one over everything.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvlab.accounting import elementwise, flops, traffic
from kvlab.accounting.integers import exact
from kvlab.accounting.pairs import pairs_of_pass, slots_of_pass
from kvlab.architecture import Architecture


@dataclass(frozen=True)
class Pass:
    """A forward pass.

    Attributes:
        batch: sequences.
        held: tokens that each sequence's cache holds already.
        n_tokens: new tokens of each sequence.
        rows: tokens of each sequence whose logits are wanted.
        block: slots that are read together; with 1 no slot is read that is not needed.
        capacity: slots of the buffer; nothing past them is read.
    """

    batch: int
    held: int
    n_tokens: int
    rows: int
    block: int
    capacity: int


@dataclass(frozen=True)
class Operation:
    """What one operation of a pass does and moves.

    Attributes:
        name: of the operation.
        flops: of its products, on the pairs that are needed.
        flops_read: of its products, on the slots that are read: more where it is attention.
        elementwise: operations on elements, in addition to the products.
        weight_bytes: of the weights that it reads.
        kv_bytes: of K and V that it reads.
        kv_written_bytes: of K and V that it writes.
        activation_bytes: that it takes and gives.
    """

    name: str
    flops: int = 0
    flops_read: int = 0
    elementwise: int = 0
    weight_bytes: int = 0
    kv_bytes: int = 0
    kv_written_bytes: int = 0
    activation_bytes: int = 0

    def __add__(self, other: Operation) -> Operation:
        """Return both together, under the name of the first."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in vars(self) if name != "name"}
        return Operation(self.name, **sums)

    @property
    def bytes(self) -> int:
        """All bytes that it moves."""
        return self.weight_bytes + self.kv_bytes + self.kv_written_bytes + self.activation_bytes


@exact
def operations(a: Architecture, p: Pass, bytes_per_element: int) -> tuple[Operation, ...]:
    """Return the operations of a pass in their order, with weights, cache and activations of one element size."""
    s, tokens, rows = bytes_per_element, p.batch * p.n_tokens, p.batch * p.rows
    return (_embedding(a, p, s), _norms(a, tokens, s), *_attention(a, p, s), _mlp(a, tokens, s), _head(a, rows, s))


def _embedding(a: Architecture, p: Pass, s: int) -> Operation:
    tokens = p.batch * p.n_tokens
    token_rows = 0 if a.tied_head and p.rows else tokens  # rows of a head that is read whole are read there
    position_rows = p.n_tokens if a.is_gpt2 else 0  # of all sequences the same
    return Operation(
        "embedding",
        elementwise=elementwise.embedding_operations(a.d_model, tokens) if a.is_gpt2 else 0,
        weight_bytes=(token_rows + position_rows) * a.d_model * s,
        activation_bytes=tokens * a.d_model * s,
    )


def _norms(a: Architecture, tokens: int, s: int) -> Operation:
    operations_of = elementwise.layer_norm_operations if a.is_gpt2 else elementwise.rms_norm_operations
    norms, vectors = 2 * a.n_layers + 1, 2 if a.is_gpt2 else 1
    return Operation(
        "norms",
        elementwise=operations_of(a.n_layers, a.d_model, tokens),
        weight_bytes=norms * vectors * a.d_model * s,
        activation_bytes=norms * traffic.activation_bytes(a.d_model, a.d_model, tokens, s),
    )


def _attention(a: Architecture, p: Pass, s: int) -> tuple[Operation, ...]:
    layers, heads, kv_heads, dim, tokens = a.n_layers, a.n_heads, a.n_kv_heads, a.head_dim, p.batch * p.n_tokens
    pairs = p.batch * pairs_of_pass(p.held, p.n_tokens)
    slots = p.batch * slots_of_pass(p.held, p.n_tokens, p.capacity, p.block)
    context, q_width, kv_width = p.held + p.n_tokens, heads * dim, kv_heads * dim
    # K is read for the scores and V for the weighted sum: half of what is cached each.
    half = traffic.kv_read_bytes(layers, kv_heads, dim, context, p.batch, s) // 2
    queries = layers * tokens * q_width * s
    products = (flops.scores_flops(layers, heads, dim, pairs), flops.scores_flops(layers, heads, dim, slots))
    residual = layers * a.d_model * tokens
    biases = layers * a.is_gpt2 * tokens
    rotated = elementwise.rotary_operations(layers, heads, kv_heads, dim, tokens)
    scaled = elementwise.query_scale_operations(layers, heads, dim, tokens)
    return (
        Operation(
            "qkv",
            flops=(qkv := flops.qkv_flops(layers, a.d_model, heads, kv_heads, dim, tokens)),
            flops_read=qkv,
            elementwise=biases * (q_width + 2 * kv_width),
            weight_bytes=traffic.qkv_weight_bytes(layers, a.d_model, heads, kv_heads, dim, s)
            + a.is_gpt2 * layers * (q_width + 2 * kv_width) * s,
            kv_written_bytes=traffic.kv_written_bytes(layers, kv_heads, dim, p.n_tokens, p.batch, s),
            activation_bytes=layers * traffic.activation_bytes(a.d_model, q_width, tokens, s),
        ),
        Operation("rotary", elementwise=0 if a.is_gpt2 else rotated + scaled),
        Operation("scores", *products, kv_bytes=half, activation_bytes=queries),
        Operation("softmax", elementwise=elementwise.softmax_operations(layers, heads, slots)),
        Operation("weighted sum", *products, kv_bytes=half, activation_bytes=queries),
        Operation(
            "output",
            flops=(output := flops.output_flops(layers, a.d_model, heads, dim, tokens)),
            flops_read=output,
            elementwise=residual + biases * a.d_model,
            weight_bytes=traffic.output_weight_bytes(layers, a.d_model, heads, dim, s)
            + a.is_gpt2 * layers * a.d_model * s,
            activation_bytes=layers * traffic.activation_bytes(q_width, a.d_model, tokens, s),
        ),
    )


def _mlp(a: Architecture, tokens: int, s: int) -> Operation:
    activation_of = elementwise.gelu_operations if a.is_gpt2 else elementwise.swiglu_operations
    work = flops.mlp_flops(a.n_layers, a.d_model, a.d_ff, a.mlp_matrices, tokens)
    biases = a.is_gpt2 * a.n_layers * (a.d_ff + a.d_model)
    return Operation(
        "mlp",
        flops=work,
        flops_read=work,
        elementwise=activation_of(a.n_layers, a.d_ff, tokens) + biases * tokens + a.n_layers * a.d_model * tokens,
        weight_bytes=traffic.mlp_weight_bytes(a.n_layers, a.d_model, a.d_ff, a.mlp_matrices, s) + biases * s,
        activation_bytes=a.n_layers * traffic.activation_bytes(a.d_model, a.d_model, tokens, s),
    )


def _head(a: Architecture, rows: int, s: int) -> Operation:
    work = flops.head_flops(a.d_model, a.vocab_size, rows)
    return Operation(
        "head",
        flops=work,
        flops_read=work,
        weight_bytes=traffic.head_weight_bytes(a.d_model, a.vocab_size, s) if rows else 0,
        activation_bytes=traffic.activation_bytes(a.d_model, a.vocab_size, rows, s),
    )
