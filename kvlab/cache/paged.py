"""Paged allocation as a ledger: which blocks of a pool belong to which sequence, apart from any storage.

As in vLLM (arXiv 2309.06180, section 4): the tokens of a sequence lie in blocks of one size, anywhere in the pool, and
a table of block numbers says where. A sequence gets another block when its last one is full, and not before. Not here:
blocks that several sequences share, and their copy on write.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvlab.errors import KvlabError
from kvlab.units.whole import whole_number

Name = int | str


class OutOfBlocksError(KvlabError):
    """More blocks are needed than are free; the ledger is as it was."""


@dataclass
class _Table:
    """The blocks of one sequence, in the order of its tokens, and how many tokens they hold."""

    blocks: list[int]
    n_tokens: int


class BlockLedger:
    """The books of a pool: a table for each sequence that is open, and a list of the blocks that are free.

    Sequences are named by numbers or texts of the caller's choice.

    Attributes:
        n_blocks: blocks of the pool, numbered from 0.
        block: tokens that each block holds.

    Raises:
        KvlabError: a count is not a whole number, or is 0.
    """

    def __init__(self, n_blocks: int, block: int) -> None:
        self.n_blocks = whole_number("n_blocks", n_blocks, least=1)
        self.block = whole_number("block", block, least=1)
        self._free = list(reversed(range(self.n_blocks)))  # taken from the end: block 0 first
        self._tables: dict[Name, _Table] = {}

    def open(self, sequence: Name, n_tokens: int) -> None:
        """Give a new sequence the blocks of its first `n_tokens` tokens.

        Raises:
            OutOfBlocksError: too few are free.
            KvlabError: the sequence is open already, its name is neither number nor text, or no such count is possible.
        """
        if not isinstance(sequence, Name):
            raise KvlabError(f"{sequence!r:.60} cannot name a sequence; use an integer or a string")
        if sequence in self._tables:
            raise KvlabError(f"the sequence {sequence!r} is open already; close it first, or append to it")
        table = _Table([], 0)
        self._extend(table, n_tokens)
        self._tables[sequence] = table

    def append(self, sequence: Name, n_tokens: int = 1) -> None:
        """Make room for `n_tokens` more tokens of a sequence: in its last block, and then in new ones.

        Raises:
            OutOfBlocksError: too few are free.
            KvlabError: no such sequence is open, or no such count is possible.
        """
        self._extend(self._table(sequence), n_tokens)

    def close(self, sequence: Name) -> None:
        """Take back all the blocks of a sequence and forget it. Raises `KvlabError` where no such sequence is open."""
        table = self._table(sequence)
        self._free.extend(reversed(table.blocks))
        del self._tables[sequence]

    @property
    def sequences(self) -> tuple[Name, ...]:
        """The sequences that are open, the first opened first."""
        return tuple(self._tables)

    def table(self, sequence: Name) -> tuple[int, ...]:
        """Return the numbers of a sequence's blocks. Raises `KvlabError` where no such sequence is open."""
        return tuple(self._table(sequence).blocks)

    def length(self, sequence: Name) -> int:
        """Return how many tokens a sequence holds. Raises `KvlabError` where no such sequence is open."""
        return self._table(sequence).n_tokens

    def slots_of(self, sequence: Name) -> int:
        """Return the slots of a sequence's blocks, filled or not. Raises `KvlabError` where none such is open."""
        return len(self._table(sequence).blocks) * self.block

    def slot(self, sequence: Name, position: int) -> tuple[int, int]:
        """Return where the token at `position` lies: the number of its block, and its place in it.

        Raises:
            KvlabError: no such sequence is open, or it has no such position.
        """
        table, position = self._table(sequence), whole_number("position", position)
        if position >= table.n_tokens:
            raise KvlabError(
                f"the sequence {sequence!r} has no position {position:,}: it holds {table.n_tokens:,} tokens"
            )
        return table.blocks[position // self.block], position % self.block

    @property
    def n_slots(self) -> int:
        """Slots of the pool."""
        return self.n_blocks * self.block

    @property
    def free_blocks(self) -> int:
        """Blocks that no sequence has."""
        return len(self._free)

    @property
    def slots_taken(self) -> int:
        """Slots of the blocks that sequences have, whether they hold a token or not."""
        return (self.n_blocks - self.free_blocks) * self.block

    def _extend(self, table: _Table, n_tokens: int) -> None:
        length = table.n_tokens + whole_number("n_tokens", n_tokens)
        needed = self._blocks_of(length) - len(table.blocks)
        if needed > self.free_blocks:
            raise OutOfBlocksError(
                f"{needed:,} more blocks of {self.block} tokens are needed and {self.free_blocks:,} of "
                f"{self.n_blocks:,} are free; close a sequence, or make the pool larger"
            )
        table.blocks += [self._free.pop() for _ in range(needed)]
        table.n_tokens = length

    def _table(self, sequence: Name) -> _Table:
        table = self._tables.get(sequence) if isinstance(sequence, Name) else None
        if table is None:
            raise KvlabError(f"no sequence {sequence!r:.60} is open")
        return table

    def _blocks_of(self, n_tokens: int) -> int:
        return -(-n_tokens // self.block)
