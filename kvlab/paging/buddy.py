"""The buddy allocator: contiguous chunks of a power of two slots, halved until they fit and joined when both are free.

Knuth, The Art of Computer Programming, volume 1, section 2.5. The paper on PagedAttention takes it for the allocator of
Orca (arXiv 2309.06180, section 6.1).
"""

from __future__ import annotations

from typing import NamedTuple

from kvlab.errors import KvlabError


class Chunk(NamedTuple):
    """A piece of the pool.

    Attributes:
        start: its first slot, a multiple of its size.
        size: its slots, a power of two.
    """

    start: int
    size: int


class Buddy:
    """The free chunks of a pool of any number of slots, which is a sum of powers of two."""

    def __init__(self, n_slots: int) -> None:
        self._free: dict[int, set[int]] = {1 << exponent: set() for exponent in range(n_slots.bit_length())}
        start = 0
        for size in reversed(self._free):  # the largest first, so that each starts at a multiple of its size
            if n_slots & size:
                self._free[size].add(start)
                start += size

    @property
    def largest(self) -> int:
        """Slots of the largest chunk that there can be."""
        return max(self._free, default=0)

    @property
    def free_slots(self) -> int:
        """Slots of all the free chunks together."""
        return sum(size * len(starts) for size, starts in self._free.items())

    def allocate(self, n_slots: int) -> Chunk | None:
        """Return a chunk of `power_of_two(n_slots)` slots; None where no free one is as long.

        It is cut from the first of the smallest that are long enough, halved for as long as a half will do.

        Raises:
            KvlabError: less than one slot is asked for.
        """
        if n_slots < 1:
            raise KvlabError(f"a chunk of {n_slots} slots is impossible; ask for at least 1")
        size = next((size for size, starts in self._free.items() if size >= n_slots and starts), None)
        if size is None:
            return None
        start = min(self._free[size])
        self._free[size].remove(start)
        while size // 2 >= n_slots:
            size //= 2
            self._free[size].add(start + size)
        return Chunk(start, size)

    def release(self, chunk: Chunk) -> None:
        """Take back a chunk, and join it with its buddy for as long as that is free.

        The buddy is the other half of what a chunk was cut from: it starts at the same slot but for one bit.
        """
        start, size = chunk
        while (buddy := start ^ size) in self._free[size]:
            self._free[size].remove(buddy)
            start, size = min(start, buddy), 2 * size
        self._free[size].add(start)


def power_of_two(n_slots: int) -> int:
    """Return the smallest power of two that is not below `n_slots`, which is at least 1."""
    return 1 << (n_slots - 1).bit_length()
