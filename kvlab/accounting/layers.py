"""The cache of any decoder: a sum over groups of layers that store alike.

    bytes = Σ count · (bytes of K + bytes of V of one token) · tokens stored · B

MHA, GQA and MQA differ in K/V heads; MLA stores one latent with its rotary part and no V; a sliding or chunked layer
stores at most its window; a layer that reads another layer's cache stores nothing; a recurrent layer has a state that
does not grow. Arguments are positive integers, results bytes, exactly. Not counted: page tables, allocator overhead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from kvlab.accounting.formats import Element, stored_blocks
from kvlab.accounting.integers import exact
from kvlab.errors import KvlabError
from kvlab.units.whole import whole_number

FP32_BYTES = 4


@dataclass(frozen=True)
class Layers:
    """Layers of one kind.

    Attributes:
        kind: what to call them: `"full"`, `"sliding"`, `"latent"`, `"shared"`, `"recurrent"`.
        count: how many.
        n_kv_heads: K/V heads of each; 1 for a latent, which all query heads share; 0 for a recurrent layer.
        k_dim: elements of K that a head stores of a token; of a latent, its rank and its rotary part.
        v_dim: elements of V; 0 for a latent, from which V is computed.
        window: tokens stored at most; None where all are.
        conv_elements: elements of a recurrent layer's convolution window, of one sequence; stored as the weights are.
        recurrent_elements: elements of its state, always fp32, since it sums over the whole text.
        stores: whether the layer has a cache of its own, or reads that of another layer of the same shape.
    """

    kind: str
    count: int
    n_kv_heads: int
    k_dim: int
    v_dim: int
    window: int | None = None
    conv_elements: int = 0
    recurrent_elements: int = 0
    stores: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is int or (field.name == "window" and value is not None):
                object.__setattr__(self, field.name, whole_number(f"{self.kind} layers: {field.name}", value))


@exact
def tokens_stored(layers: Layers, context: int) -> int:
    """Return the tokens of one sequence that each of the layers stores: `S`, or `min(S, window)`."""
    return context if layers.window is None else min(context, layers.window)


@exact
def kind_bytes(count: int, k_blocks: int, v_blocks: int, block_bytes: int, tokens: int, batch: int) -> int:
    """Return the bytes that `count` layers hold: `L_i · (w_K · s_b + w_V · s_b) · S_i · B`, one term of the sum.

    `w_K` and `w_V` are the elements that a layer stores of one token, or the blocks that they fill; `s_b` is the bytes
    of one, and `S_i` the tokens that these layers store.
    """
    return count * (k_blocks * block_bytes + v_blocks * block_bytes) * tokens * batch


@exact
def slots_bytes(layers: Layers, n_kv_heads: int, tokens: int, batch: int, element: Element) -> int:
    """Return the bytes of K and V that `tokens` slots take in the layers, or in `n_kv_heads` of their K/V heads."""
    return kind_bytes(
        layers.count,
        stored_blocks(n_kv_heads * layers.k_dim, element.block),
        stored_blocks(n_kv_heads * layers.v_dim, element.block),
        element.block_bytes,
        tokens,
        batch,
    )


@exact
def layers_bytes(layers: Layers, n_kv_heads: int, context: int, batch: int, element: Element) -> int:
    """Return the bytes of K and V that the layers read, or those of `n_kv_heads` of their K/V heads."""
    return slots_bytes(layers, n_kv_heads, tokens_stored(layers, context), batch, element)


@exact
def attention_bytes(groups: Iterable[Layers], context: int, batch: int, element: Element) -> int:
    """Return the bytes of K and V that are stored for `batch` sequences of `context` tokens."""
    return sum(layers_bytes(g, g.n_kv_heads, context, batch, element) if g.stores else 0 for g in groups)


@exact
def read_bytes(groups: Iterable[Layers], context: int, batch: int, element: Element) -> int:
    """Return the bytes of K and V that a decode step reads with `context` tokens in reach, its own among them.

    What is stored, and once more for each layer that reads the cache of another.
    """
    return sum(layers_bytes(g, g.n_kv_heads, context, batch, element) for g in groups)


@exact
def state_bytes(groups: Iterable[Layers], batch: int, bytes_per_element: int) -> int:
    """Return the bytes of the states of recurrent layers, which no context changes.

    `bytes_per_element` is of the convolution windows; the state proper is fp32.
    """
    return sum(
        g.count * (g.conv_elements * bytes_per_element + g.recurrent_elements * FP32_BYTES) * batch for g in groups
    )


@exact
def next_token_bytes(groups: Iterable[Layers], context: int, element: Element) -> int:
    """Return the bytes that one more token of one sequence adds after `context`: a full window adds none."""
    return sum(
        slots_bytes(g, g.n_kv_heads, 1, 1, element) * (tokens_stored(g, context + 1) - tokens_stored(g, context))
        if g.stores
        else 0
        for g in groups
    )


@exact
def paged_bytes(groups: Iterable[Layers], lengths: Sequence[int], page: int, element: Element) -> int:
    """Return the bytes of sequences of these lengths in pages of `page` tokens, each last page reserved whole."""
    return sum(
        slots_bytes(g, g.n_kv_heads, 1, 1, element)
        * sum(-(-tokens_stored(g, length) // page) * page for length in lengths)
        if g.stores
        else 0
        for g in groups
    )


@exact
def empty_slots(capacity: int, length: int) -> int:
    """Return the slots that one sequence leaves empty. Raises `KvlabError` where it is longer than they are many."""
    if length > capacity:
        raise KvlabError(f"a sequence of {length:,} tokens has no room in {capacity:,} slots")
    return capacity - length


@exact
def unused_tokens(capacity: int, lengths: Sequence[int]) -> int:
    """Return the slots that stay empty where each sequence has `capacity` of them: what preallocation wastes.

    Raises:
        KvlabError: a sequence is longer than its slots are many.
    """
    return sum(empty_slots(capacity, length) for length in lengths)


@exact
def largest_batch(
    groups: Sequence[Layers], budget: int, context: int, element: Element, state_element: int
) -> int | None:
    """Return how many sequences of `context` tokens fit in `budget` bytes, their states included; None for any number.

    Args:
        groups: the layers.
        budget: bytes for the cache.
        context: tokens of each sequence.
        element: of K and V.
        state_element: bytes of an element of a state.
    """
    one = attention_bytes(groups, context, 1, element) + state_bytes(groups, 1, state_element)
    return budget // one if one else None


@exact
def largest_context(
    groups: Sequence[Layers], budget: int, batch: int, element: Element, state_element: int
) -> int | None:
    """Return how many tokens `batch` sequences can each have in `budget` bytes; None where no context exceeds it.

    The bytes are a straight line between windows: from the shortest on, each full window makes it less steep.

    Args:
        groups: the layers.
        budget: bytes for the cache.
        batch: sequences.
        element: of K and V.
        state_element: bytes of an element of a state.
    """
    left = budget - state_bytes(groups, batch, state_element)
    if left < 0:
        return 0
    context = 0
    for window in sorted({g.window for g in groups if g.window is not None}):
        step = batch * next_token_bytes(groups, context, element)
        if step * (window - context) > left:
            return context + left // step
        left -= step * (window - context)
        context = window
    step = batch * next_token_bytes(groups, context, element)
    return context + left // step if step else None


@exact
def heads_per_device(n_kv_heads: int, n_devices: int) -> int:
    """Return the K/V heads that each device of a tensor-parallel group stores: `⌈H_kv / n⌉`, never less than one.

    With more devices than heads each head is stored several times; a latent, one head, is stored by all.
    """
    return -(-n_kv_heads // n_devices)


@exact
def device_bytes(groups: Iterable[Layers], context: int, batch: int, element: Element, n_devices: int) -> int:
    """Return the bytes of K and V on each device (on the fullest, where heads do not divide) of a parallel group."""
    return sum(
        layers_bytes(g, heads_per_device(g.n_kv_heads, n_devices), context, batch, element) if g.stores else 0
        for g in groups
    )
