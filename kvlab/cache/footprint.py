"""Bytes that tokens occupy in a cache, and bytes that a pass reads from it: two quantities, with two names.

What the buffers occupy, filled or not, is a third: `nbytes`.
"""

from __future__ import annotations

from kvlab.cache.slots import SlotCache


def bytes_per_slot(cache: SlotCache) -> int:
    """Return the bytes of K and V that one slot of one sequence takes in all layers: `2 · L · H_kv · d_h · s`."""
    n_layers, _, n_kv_heads, _, head_dim = cache.shape
    return int(2 * n_layers * n_kv_heads * head_dim * cache.bytes_per_element)  # whole: heads are stored whole


def bytes_held(cache: SlotCache) -> int:
    """Return the bytes that the tokens held occupy, of all sequences; a ring holds at most as many as it has slots."""
    return min(cache.position, cache.capacity) * cache.batch * bytes_per_slot(cache)


def bytes_read(cache: SlotCache, n_tokens: int) -> int:
    """Return the bytes of K and V that a pass over the next `n_tokens` tokens reads from where they are stored.

    Each reading reads its slots once, of each of its sequences and in each layer. Slots that are read and masked count,
    for they are read; zeros that a growing cache puts after what it has do not, for they are stored nowhere.

    Raises:
        KvlabError: the cache does not take `n_tokens` more.
    """
    cache.require_room(cache.batch, n_tokens)
    stored = cache.slots_after(n_tokens)
    slots = sum(
        min(reading.n_slots, stored) * len(range(cache.batch)[reading.sequences])
        for reading in cache.readable(n_tokens)
    )
    return slots * bytes_per_slot(cache)
