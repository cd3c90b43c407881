"""Caches that store K and V in fewer bytes than they compute with: half precision, and 8-bit integers with scales."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

from kvlab.architecture import Architecture
from kvlab.cache.protocol import Floats, Reading
from kvlab.cache.slots import SlotCache, zeros
from kvlab.errors import KvlabError

Codes = NDArray[np.int8]

# Elements that share a scale: as many as in llama.cpp's q8_0, 34 bytes for 32 elements.
INT8_GROUP = 32
LARGEST_CODE = 127
LARGEST_HALF = float(np.finfo(np.float16).max)


class PackedCache(SlotCache, ABC):
    """K and V packed when written, unpacked to float32 when read.

    A cache adds `pack` and `unpack`; zeros are packed to zeros.

    Attributes:
        keys: the arrays that K is packed into, each `(n_layers, batch, n_kv_heads, capacity, …)`.
        values: those of V.
    """

    def __init__(self, n_layers: int, batch: int, n_kv_heads: int, capacity: int, head_dim: int) -> None:
        super().__init__((n_layers, batch, n_kv_heads, capacity, head_dim))
        slot = self.pack("zeros", np.zeros(head_dim, np.float32))
        self.keys, self.values = (
            [zeros((*self.shape[:4], *part.shape), part.dtype) for part in slot] for _ in ("k", "v")
        )

    @classmethod
    def for_model(cls, architecture: Architecture, batch: int = 1) -> Self:
        """Return an empty cache with room for `batch` sequences of the model's whole context."""
        a = architecture
        return cls(a.n_layers, batch, a.n_kv_heads, a.max_context, a.head_dim)

    @staticmethod
    @abstractmethod
    def pack(name: str, x: Floats) -> tuple[NDArray[np.generic], ...]:
        """Return the arrays to store for `x`, `(..., d_h)`. Raises `KvlabError`, by its name, where it cannot be."""

    @staticmethod
    @abstractmethod
    def unpack(*parts: NDArray[np.generic]) -> Floats:
        """Return what `pack` kept, in float32, `(..., d_h)`."""

    @property
    def nbytes(self) -> int:
        """Bytes that all the arrays occupy, filled or not."""
        return sum(part.nbytes for part in [*self.keys, *self.values])

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Pack and store `k` and `v`, each `(B, H_kv, T, d_h)` in float32, in the slots after the tokens held.

        Raises:
            KvlabError: no such layer, a wrong shape, another dtype, no room, or values that cannot be packed.
        """
        self.require_entry(layer, k, v)
        new = slice(self._held, self._held + k.shape[2])
        packed = [*self.pack("k", k), *self.pack("v", v)]  # all of it, before any of it is stored
        for buffer, part in zip([*self.keys, *self.values], packed, strict=True):
            buffer[layer, :, :, new] = part

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return the slots of K and V that `reading` names, unpacked, each `(B, H_kv, n_slots, d_h)` in float32."""
        self.require_layer(layer)
        there = (layer, reading.sequences, slice(None), slice(reading.n_slots))
        return self.unpack(*(part[there] for part in self.keys)), self.unpack(*(part[there] for part in self.values))


class HalfCache(PackedCache):
    """K and V in float16: half the bytes, 11 significant bits, nothing above 65,504."""

    @property
    def bytes_per_element(self) -> Fraction:
        """Bytes that one element takes: 2."""
        return Fraction(2)

    @staticmethod
    def pack(name: str, x: Floats) -> tuple[NDArray[np.float16]]:
        """Return `x` rounded to float16. Raises `KvlabError` when a value is outside its range."""
        _require_within(LARGEST_HALF, name, x, "float16")
        return (x.astype(np.float16),)

    @staticmethod
    def unpack(*parts: NDArray[np.generic]) -> Floats:
        """Return the values stored, in float32."""
        return parts[0].astype(np.float32)


class Int8Cache(PackedCache):
    """K and V as 8-bit codes, and a float16 scale for each group of up to 32 elements along the head."""

    @property
    def bytes_per_element(self) -> Fraction:
        """Bytes that one element takes, with its part of the scales: 34/32 where groups of 32 fill a head."""
        head_dim = self.shape[4]
        n_groups = -(-head_dim // INT8_GROUP)
        return Fraction(head_dim + 2 * n_groups, head_dim)

    @staticmethod
    def pack(name: str, x: Floats) -> tuple[Codes, NDArray[np.float16]]:
        """Return the codes and scales of `x`. Raises `KvlabError` when a value is outside their range."""
        _require_within(LARGEST_CODE * LARGEST_HALF, name, x, "8-bit codes with a float16 scale")
        return quantize(x)

    @staticmethod
    def unpack(*parts: NDArray[np.generic]) -> Floats:
        """Return code times scale, in float32."""
        codes, scales = parts
        return dequantize(codes.astype(np.int8, copy=False), scales.astype(np.float16, copy=False))


def quantize(x: Floats) -> tuple[Codes, NDArray[np.float16]]:
    """Return codes `(..., d)` and scales `(..., ⌈d / 32⌉)` of `x`, `(..., d)`, finite and at most 127 · 65,504.

    In each group of 32 elements (a last one may be shorter) `scale = max |x| / 127` and `code = x / scale`, to the
    nearest integer. The scale is rounded up to float16, so that no code exceeds 127 and each element is within half
    a scale of `code · scale`, however small the group: rounded to the nearest, a scale below float16's normal range
    could be too small for its group by a third, or zero.
    """
    largest = np.maximum.reduceat(np.abs(x), np.arange(0, x.shape[-1], INT8_GROUP), axis=-1)
    exact = np.divide(largest, LARGEST_CODE, dtype=np.float64)
    scales = exact.astype(np.float16)
    np.nextafter(scales, np.float16(np.inf), out=scales, where=scales < exact)
    # A group of zeros has the scale 0, and any divisor gives its codes.
    divisors = np.maximum(scales, np.finfo(np.float16).smallest_subnormal)
    return np.rint(x / _spread(divisors, x.shape[-1])).astype(np.int8), scales


def dequantize(codes: Codes, scales: NDArray[np.float16]) -> Floats:
    """Return `code · scale`, `(..., d)` in float32: exact, for 7 and 11 significant bits make 18 of its 24."""
    return codes * _spread(scales, codes.shape[-1])


def _spread(scales: NDArray[np.float16], head_dim: int) -> Floats:
    """Return each group's scale at each of its elements, `(..., d)`."""
    return scales.astype(np.float32).repeat(INT8_GROUP, axis=-1)[..., :head_dim]


def _require_within(limit: float, name: str, x: Floats, what: str) -> None:
    largest = float(np.abs(x).max())
    if not largest <= limit:  # not `>`: a NaN is refused too
        raise KvlabError(f"{name} reaches {largest:,.0f}; {what} hold at most {limit:,.0f}, so keep it in float32")
