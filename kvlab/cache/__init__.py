"""Where K and V live: the protocol that the forward pass asks, and the caches that answer it."""

from kvlab.cache.dense import DenseCache
from kvlab.cache.layout import slot_offset
from kvlab.cache.protocol import READ_BLOCK, KVCache, Positions, Reading, causal_readings, slots_read
from kvlab.cache.ragged import RaggedBatch
from kvlab.cache.slots import SlotCache

__all__ = [
    "READ_BLOCK",
    "DenseCache",
    "KVCache",
    "Positions",
    "RaggedBatch",
    "Reading",
    "SlotCache",
    "causal_readings",
    "slot_offset",
    "slots_read",
]
