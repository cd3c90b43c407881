"""Where a slot lies in memory."""

from __future__ import annotations

from kvlab.errors import KvlabError


def slot_offset(
    layer: int,
    batch_row: int,
    kv_head: int,
    position: int,
    *,
    batch: int,
    n_kv_heads: int,
    capacity: int,
    head_dim: int,
    bytes_per_element: int,
) -> int:
    """Return the offset in bytes, from the start of the K (or V) buffer, of one head's slot.

    The buffer is `(L, B, H_kv, S_max, d_h)` in C order: the last axis is contiguous, so the slot of the next
    position follows immediately, and the same slot of the next head lies `S_max · d_h · s` bytes further.

    Raises:
        KvlabError: an index outside its axis (the layer's upper bound is the buffer's and is not checked here).
    """
    for name, index, size in (
        ("batch row", batch_row, batch),
        ("K/V head", kv_head, n_kv_heads),
        ("position", position, capacity),
    ):
        if not 0 <= index < size:
            raise KvlabError(f"there is no {name} {index}; this cache has 0 to {size - 1}")
    if layer < 0:
        raise KvlabError(f"there is no layer {layer}; layers count from 0")
    slot = ((layer * batch + batch_row) * n_kv_heads + kv_head) * capacity + position
    return slot * head_dim * bytes_per_element
