"""Slots that hold no token: what is set aside for a sequence and not filled.

Arguments are whole numbers. Results are slots, each with room for one token of one sequence, or bytes; exactly.
"""

from kvlab.accounting.integers import exact
from kvlab.accounting.layers import empty_slots
from kvlab.accounting.memory import kv_cache_bytes


@exact
def unused_slots(max_context: int, context: int, batch: int) -> int:
    """Return the slots that stay empty where each of `batch` sequences has `S_max`: `(S_max − S) · B`.

    `context` is the length of each, or the mean of all. Raises `KvlabError` where it exceeds `max_context`.
    """
    return empty_slots(max_context, context) * batch


@exact
def unused_bytes(
    n_layers: int,
    n_kv_heads: int,
    head_dim: int,
    max_context: int,
    context: int,
    batch: int,
    bytes_per_element: int,
) -> int:
    """Return the bytes of those slots: `2 · L · H_kv · d_h · (S_max − S) · B · s`.

    Raises `KvlabError` where `context` exceeds `max_context`.
    """
    return kv_cache_bytes(n_layers, n_kv_heads, head_dim, empty_slots(max_context, context), batch, bytes_per_element)


@exact
def blocks_needed(n_tokens: int, block: int) -> int:
    """Return the blocks of `block` tokens that a sequence takes: `⌈T / b⌉`."""
    return -(-n_tokens // block)


@exact
def last_block_unused(n_tokens: int, block: int) -> int:
    """Return the slots that a sequence leaves empty in its last block: `⌈T / b⌉ · b − T`, less than one block."""
    return blocks_needed(n_tokens, block) * block - n_tokens


@exact
def last_block_unused_sum(block: int) -> int:
    """Return what `block` sequences leave empty whose lengths end at each place of a block once: `b · (b − 1) / 2`.

    Divided by the block, it is the mean of lengths that end anywhere: half a block less half a slot.
    """
    return block * (block - 1) // 2
