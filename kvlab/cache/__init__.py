"""Where K and V live: the protocol that the forward pass asks, and the caches that answer it."""

from kvlab.cache.dense import DenseCache
from kvlab.cache.footprint import bytes_held, bytes_per_slot, bytes_read
from kvlab.cache.growing import GrowingCache
from kvlab.cache.layout import slot_offset
from kvlab.cache.paged import BlockLedger, OutOfBlocksError
from kvlab.cache.protocol import READ_TILE, KVCache, Positions, Reading, causal_readings, slots_read
from kvlab.cache.quantized import HalfCache, Int8Cache, dequantize, quantize
from kvlab.cache.ragged import RaggedBatch
from kvlab.cache.slots import SlotCache
from kvlab.cache.window import WindowCache

__all__ = [
    "READ_TILE",
    "BlockLedger",
    "DenseCache",
    "GrowingCache",
    "HalfCache",
    "Int8Cache",
    "KVCache",
    "OutOfBlocksError",
    "Positions",
    "RaggedBatch",
    "Reading",
    "SlotCache",
    "WindowCache",
    "bytes_held",
    "bytes_per_slot",
    "bytes_read",
    "causal_readings",
    "dequantize",
    "quantize",
    "slot_offset",
    "slots_read",
]
