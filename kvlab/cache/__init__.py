"""Where K and V live: the protocol that the forward pass asks, and the caches that answer it."""

from kvlab.cache.dense import DenseCache
from kvlab.cache.layout import slot_offset
from kvlab.cache.protocol import READ_BLOCK, KVCache, Reading

__all__ = ["READ_BLOCK", "DenseCache", "KVCache", "Reading", "slot_offset"]
