"""Real caches of many shapes, and the bytes that the formulas give for each: two routes to one number.

A cache is made, filled with tokens, and its arrays are asked how many bytes they occupy; the formula is asked with the
same shape. Nothing of the one goes into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from kvlab.accounting.formats import ELEMENTS
from kvlab.accounting.layers import Layers, attention_bytes
from kvlab.accounting.memory import kv_cache_bytes
from kvlab.architecture import read_architecture, read_config
from kvlab.cache import DenseCache, GrowingCache, Int8Cache, WindowCache
from kvlab.errors import KvlabError
from kvlab.training import MINIGPT


class CacheShape(NamedTuple):
    """The shape of a cache: layers, sequences, K/V heads, slots of a sequence, elements of a head."""

    n_layers: int
    batch: int
    n_kv_heads: int
    capacity: int
    head_dim: int


class Kind(NamedTuple):
    """A kind of cache: how one is made, and what the formula gives for it."""

    make: Callable[[CacheShape], DenseCache | GrowingCache | WindowCache | Int8Cache]
    expected: Callable[[CacheShape], int]
    head_dims: tuple[int, ...]


class Occupied(NamedTuple):
    """The bytes of one cache: those that its arrays occupy, and those of the formula."""

    shape: CacheShape
    array_bytes: int
    formula_bytes: int


# A ring of so many slots is filled with more tokens than it has slots.
OVERFILL = 3
# Heads of a length of their own; and of whole blocks, where elements are stored in blocks of 32.
PLAIN_DIMS, BLOCK_DIMS = (5, 16, 23), (32, 64, 96)


def _six_factors(bytes_per_element: int) -> Callable[[CacheShape], int]:
    return lambda s: kv_cache_bytes(s.n_layers, s.n_kv_heads, s.head_dim, s.capacity, s.batch, bytes_per_element)


def _window_bytes(s: CacheShape) -> int:
    layers = [Layers("sliding", s.n_layers, s.n_kv_heads, s.head_dim, s.head_dim, window=s.capacity)]
    return attention_bytes(layers, s.capacity + OVERFILL, s.batch, ELEMENTS["fp32"])


def _block_bytes(s: CacheShape) -> int:
    layers = [Layers("full", s.n_layers, s.n_kv_heads, s.head_dim, s.head_dim)]
    return attention_bytes(layers, s.capacity, s.batch, ELEMENTS["q8_0"])


KINDS: Mapping[str, Kind] = {
    "dense_fp32": Kind(lambda s: DenseCache(*s), _six_factors(4), PLAIN_DIMS),
    "dense_fp16": Kind(lambda s: DenseCache(*s, dtype=np.float16), _six_factors(2), PLAIN_DIMS),
    "growing": Kind(lambda s: GrowingCache(*s), _six_factors(4), PLAIN_DIMS),
    "window": Kind(lambda s: WindowCache(*s), _window_bytes, PLAIN_DIMS),
    "q8_0": Kind(lambda s: Int8Cache(*s), _block_bytes, BLOCK_DIMS),
}


def shapes_of(kind: str) -> tuple[CacheShape, ...]:
    """Return the shapes that are tried. Raises `KvlabError` for an unknown kind."""
    if kind not in KINDS:
        raise KvlabError(f"unknown kind of cache {kind!r:.60}; known are {', '.join(KINDS)}")
    axes = ((1, 2, 7), (1, 3), (1, 2, 5), (1, 11, 40), KINDS[kind].head_dims)
    return tuple(CacheShape(*shape) for shape in product(*axes))


@cache
def occupied(kind: str) -> tuple[Occupied, ...]:
    """Return the bytes of a cache of each shape, both ways. Raises `KvlabError` for an unknown kind."""
    return tuple(Occupied(s, array_bytes(_filled(kind, s)), KINDS[kind].expected(s)) for s in shapes_of(kind))


def array_bytes(cache: DenseCache | GrowingCache | WindowCache | Int8Cache) -> int:
    """Return the bytes of the arrays of K and V themselves, scales among them: what their memory has, end to end."""
    arrays = [*cache.keys, *cache.values]
    return sum(len(array.tobytes()) for array in arrays)


def shapes_tried(kind: str) -> int:
    """Return how many shapes were tried. Raises `KvlabError` for an unknown kind."""
    return len(occupied(kind))


def shapes_agreeing(kind: str) -> int:
    """Return of how many shapes the arrays occupy exactly the bytes of the formula. Errors as of `shapes_tried`."""
    return sum(found.array_bytes == found.formula_bytes for found in occupied(kind))


def largest_occupied(kind: str) -> int:
    """Return the bytes of the largest cache that was made. Errors as of `shapes_tried`."""
    return max(found.array_bytes for found in occupied(kind))


def extent(place: str) -> int:
    """Return the bytes from one place of the MiniGPT's K buffer to the next of its kind, read off the array's strides.

    Args:
        place: `"layer"`, `"head"`, `"slot"` or `"element"`; or `"buffer"`, which is K or V whole.

    Raises:
        KvlabError: no such place.
    """
    config = read_config(MINIGPT / "config.json")
    keys = DenseCache.for_model(read_architecture(config, "MiniGPT")).keys
    axes = zip(("layer", "sequence", "head", "slot", "element"), keys.strides, strict=True)
    spans = {"buffer": keys.nbytes, **dict(axes)}
    if place not in spans:
        raise KvlabError(f"unknown place {place!r:.60}; known are {', '.join(spans)}")
    return int(spans[place])


def all_tried() -> int:
    """Return how many caches of all kinds were made."""
    return sum(shapes_tried(kind) for kind in KINDS)


def all_agreeing() -> int:
    """Return of how many of them the arrays occupy exactly the bytes of the formula."""
    return sum(shapes_agreeing(kind) for kind in KINDS)


def _filled(kind: str, shape: CacheShape) -> DenseCache | GrowingCache | WindowCache | Int8Cache:
    """Return a cache that holds as many tokens as it has slots; a ring has seen more."""
    held = KINDS[kind].make(shape)
    passes = [1] * (shape.capacity + OVERFILL) if isinstance(held, WindowCache) else [shape.capacity]
    for n_tokens in passes:
        entry = np.ones((shape.batch, shape.n_kv_heads, n_tokens, shape.head_dim), held.dtype)
        for layer in range(shape.n_layers):
            held.write(layer, entry, entry)
        held.advance(n_tokens)
    return held
