"""Ways to give slots to sequences: one contiguous reservation for the whole of a request, or blocks as they fill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kvlab.accounting.paging import blocks_needed
from kvlab.cache.paged import BlockLedger, OutOfBlocksError
from kvlab.errors import KvlabError
from kvlab.paging.buddy import Buddy, Chunk, power_of_two
from kvlab.paging.requests import Request

# vLLM admits no sequence that would leave fewer of its blocks free: those that run will want them next.
KEPT_FREE = 100  # one in so many


class Way(Protocol):
    """Slots for sequences, which are named by numbers.

    Attributes:
        max_context: tokens that no sequence exceeds.
    """

    max_context: int

    def open(self, sequence: int, request: Request, n_tokens: int) -> bool:
        """Give a sequence slots for its first `n_tokens` tokens; tell whether there were enough."""

    def append(self, sequence: int, n_tokens: int = 1) -> bool:
        """Give a sequence slots for some tokens more; tell whether there were enough."""

    def close(self, sequence: int) -> None:
        """Take back all the slots of a sequence."""

    def slots(self, sequence: int) -> int:
        """Return how many slots are a sequence's own, filled or not."""

    def slots_after(self, sequences: Iterable[int], n_tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return a sequence's slots after each of several steps, for each sequence.

        Args:
            sequences: those that are open.
            n_tokens: (sequences, steps): the tokens that each holds after each step.
        """

    def places(self, sequence: int) -> list[int]:
        """Return which slots of the pool these are, in the order of the sequence's tokens."""

    @property
    def unowned(self) -> int:
        """Slots of the pool that are no sequence's own."""

    @property
    def most_owned(self) -> int:
        """The most slots that the open sequences can have together; beyond it one of them finds none."""


# What a request reserves, `(request, S_max) → slots`: as Orca (Max), Orca (Pow2) and Orca (Oracle) of the paper do.
RESERVATIONS: Mapping[str, Callable[[Request, int], int]] = {
    "dense": lambda _, max_context: max_context,
    "power_of_two": lambda request, max_context: min(request.prompt + power_of_two(request.output), max_context),
    "oracle": lambda request, _: request.final,
}


class Reserved:
    """All slots at once, from the first token to the last, in a chunk of a buddy allocator.

    A sequence's own are those that it reserved. What its chunk has beyond them it will never use, and that is known
    beforehand: the allocator's waste, and not the reservation's.

    Raises:
        KvlabError: the pool has no chunk for a request of `max_context` tokens.
    """

    def __init__(self, reservation: str, n_slots: int, max_context: int) -> None:
        self._buddy, self._needed = Buddy(n_slots), RESERVATIONS[reservation]
        self.max_context = max_context
        self._reserved: dict[int, tuple[Chunk, int]] = {}  # the chunk of each, and how much of it is its own
        if power_of_two(max_context) > self._buddy.largest:
            raise KvlabError(
                f"a pool of {n_slots:,} slots has no chunk of {power_of_two(max_context):,}, which a sequence of up to "
                f"{max_context:,} tokens may need; enlarge the pool"
            )

    def open(self, sequence: int, request: Request, n_tokens: int) -> bool:  # noqa: ARG002 - it reserves for all of them
        """Reserve for the whole request; tell whether there was a chunk."""
        needed = self._needed(request, self.max_context)
        chunk = self._buddy.allocate(needed)
        if chunk is not None:
            self._reserved[sequence] = chunk, needed
        return chunk is not None

    def append(self, sequence: int, n_tokens: int = 1) -> bool:  # noqa: ARG002
        """Tell that there are slots: they were reserved."""
        return True

    def close(self, sequence: int) -> None:
        """Release the chunk."""
        self._buddy.release(self._reserved.pop(sequence)[0])

    def slots(self, sequence: int) -> int:
        """Return the slots reserved."""
        return self._reserved[sequence][1]

    def slots_after(self, sequences: Iterable[int], n_tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the slots reserved, each time."""
        return np.zeros_like(n_tokens) + np.array([[self.slots(sequence)] for sequence in sequences])

    def places(self, sequence: int) -> list[int]:
        """Return which slots are reserved: one after the other, from the start of the chunk."""
        chunk, reserved = self._reserved[sequence]
        return list(range(chunk.start, chunk.start + reserved))

    @property
    def unowned(self) -> int:
        """Slots of free chunks, and of each chunk in use what goes beyond the reservation."""
        return self._buddy.free_slots + sum(chunk.size - needed for chunk, needed in self._reserved.values())

    @property
    def most_owned(self) -> int:
        """All that are reserved: no sequence ever needs another."""
        return sum(needed for _, needed in self._reserved.values())


class Paged:
    """Blocks from a ledger: for the prompt at first, and one more whenever the last is full.

    Raises:
        KvlabError: the pool has too few blocks for a request of `max_context` tokens.
    """

    def __init__(self, block: int, n_slots: int, max_context: int) -> None:
        needed, n_blocks = blocks_needed(max_context, block), n_slots // block
        self._kept_free = n_blocks // KEPT_FREE
        if needed + self._kept_free > n_blocks:
            raise KvlabError(
                f"a pool of {n_slots:,} slots has {n_blocks:,} blocks of {block:,}; a sequence of up to "
                f"{max_context:,} tokens may need {needed:,}, and {self._kept_free:,} are kept free; enlarge the pool"
            )
        self.ledger = BlockLedger(n_blocks, block)
        self.max_context = max_context
        self._in_no_block = n_slots - self.ledger.n_slots

    def open(self, sequence: int, request: Request, n_tokens: int) -> bool:  # noqa: ARG002 - what comes is not known
        """Take blocks for the tokens so far; tell whether there are as many next to those that are kept free."""
        if blocks_needed(n_tokens, self.ledger.block) + self._kept_free > self.ledger.free_blocks:
            return False
        self.ledger.open(sequence, n_tokens)
        return True

    def append(self, sequence: int, n_tokens: int = 1) -> bool:
        """Take slots of the last block and of new ones; tell whether there were enough."""
        try:
            self.ledger.append(sequence, n_tokens)
        except OutOfBlocksError:
            return False
        return True

    def close(self, sequence: int) -> None:
        """Give back the blocks."""
        self.ledger.close(sequence)

    def slots(self, sequence: int) -> int:
        """Return the slots of the sequence's blocks."""
        return self.ledger.slots_of(sequence)

    def slots_after(self, sequences: Iterable[int], n_tokens: NDArray[np.int64]) -> NDArray[np.int64]:  # noqa: ARG002
        """Return the slots of as many blocks as the tokens need."""
        return -(-n_tokens // self.ledger.block) * self.ledger.block

    def places(self, sequence: int) -> list[int]:
        """Return which slots the blocks are, wherever they lie."""
        block = self.ledger.block
        return [number * block + place for number in self.ledger.table(sequence) for place in range(block)]

    @property
    def unowned(self) -> int:
        """Slots of free blocks, and those at the end of the pool that make no block."""
        return self.ledger.n_slots - self.ledger.slots_taken + self._in_no_block

    @property
    def most_owned(self) -> int:
        """Those of all blocks."""
        return self.ledger.n_slots
