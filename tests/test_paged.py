"""The ledger of blocks against a pool that is really written to: what is stored is found again, and nothing is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from properties import examples

from kvlab.accounting.paging import blocks_needed
from kvlab.cache import BlockLedger, OutOfBlocksError
from kvlab.errors import KvlabError

NAMES = st.sampled_from([0, 1, 2, "a", "b"])
N_TOKENS = st.integers(0, 23)


class Pool(RuleBasedStateMachine):
    """Every token of every open sequence, written into the slot that the ledger names and never again."""

    @initialize(n_blocks=st.integers(1, 11), block=st.integers(1, 7))
    def begin(self, n_blocks, block):
        self.ledger, self.lengths = BlockLedger(n_blocks, block), {}
        self.storage = np.full((n_blocks, block), None, object)

    @rule(name=NAMES, n_tokens=N_TOKENS)
    def open(self, name, n_tokens):
        if name in self.lengths:
            self.refused("open already", self.ledger.open, name, n_tokens)
        elif self.fits(name, n_tokens):
            self.ledger.open(name, n_tokens)
            self.write(name, n_tokens)
        else:
            self.refused("are needed", self.ledger.open, name, n_tokens)

    @rule(name=NAMES, n_tokens=N_TOKENS)
    def append(self, name, n_tokens):
        if name not in self.lengths:
            self.refused("no sequence", self.ledger.append, name, n_tokens)
        elif self.fits(name, n_tokens):
            self.ledger.append(name, n_tokens)
            self.write(name, n_tokens)
        else:
            self.refused("are needed", self.ledger.append, name, n_tokens)

    @rule(name=NAMES)
    def close(self, name):
        if name in self.lengths:
            self.ledger.close(name)
            del self.lengths[name]
        else:
            self.refused("no sequence", self.ledger.close, name)

    def fits(self, name, n_tokens):
        n_blocks, block = self.storage.shape
        lengths = {**self.lengths, name: self.lengths.get(name, 0) + n_tokens}
        return sum(-(-length // block) for length in lengths.values()) <= n_blocks

    def write(self, name, n_tokens):
        begin = self.lengths.get(name, 0)
        self.lengths[name] = begin + n_tokens
        for position in range(begin, begin + n_tokens):
            self.storage[self.ledger.slot(name, position)] = name, position

    def refused(self, message, verb, *arguments):
        before = self.books()
        with pytest.raises(KvlabError, match=message):
            verb(*arguments)
        assert self.books() == before

    def books(self):
        return [(name, self.ledger.length(name), self.ledger.table(name)) for name in self.ledger.sequences]

    @invariant()
    def every_token_is_where_it_was_written(self):
        for name, length in self.lengths.items():
            stored = [self.storage[self.ledger.slot(name, position)] for position in range(length)]
            assert stored == [(name, position) for position in range(length)]

    @invariant()
    def the_counts_are_those_of_the_pool(self):
        n_blocks, block = self.storage.shape
        taken = sum(-(-length // block) for length in self.lengths.values())
        assert self.ledger.sequences == tuple(self.lengths)
        assert self.ledger.free_blocks == n_blocks - taken
        assert self.ledger.slots_taken == taken * block
        assert self.ledger.n_slots == self.storage.size
        for name, length in self.lengths.items():
            assert self.ledger.length(name) == length
            assert self.ledger.slots_of(name) == len(self.ledger.table(name)) * block == -(-length // block) * block

    @invariant()
    def no_block_is_given_twice_and_none_is_lost(self):
        taken = [block for name in self.ledger.sequences for block in self.ledger.table(name)]
        assert len(set(taken)) == len(taken) == self.ledger.n_blocks - self.ledger.free_blocks


Pool.TestCase.settings = examples(0.5, stateful_step_count=30)
TestPool = Pool.TestCase


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 13))
def test_a_sequence_that_grows_token_by_token_has_the_blocks_of_the_formula(first, more, block):
    ledger = BlockLedger(101, block)
    ledger.open("s", first)
    for n_tokens in range(first, first + more):
        assert len(ledger.table("s")) == blocks_needed(n_tokens, block)
        ledger.append("s")
    assert len(ledger.table("s")) == blocks_needed(first + more, block)


def test_sequences_that_take_turns_have_blocks_that_lie_among_each_other():
    ledger = BlockLedger(5, 3)
    ledger.open("a", 2)
    ledger.open("b", 3)
    ledger.append("a", 2)
    ledger.append("b")
    assert (ledger.table("a"), ledger.table("b")) == ((0, 2), (1, 3))
    assert [ledger.slot("a", position) for position in range(4)] == [(0, 0), (0, 1), (0, 2), (2, 0)]
    assert ledger.slot("b", 3) == (3, 0)


def test_blocks_that_come_back_are_given_out_in_the_same_order():
    ledger = BlockLedger(7, 2)
    ledger.open("a", 5)
    ledger.close("a")
    ledger.open("b", 5)
    assert ledger.table("b") == (0, 1, 2)


def test_a_pool_that_is_full_refuses_and_is_as_it_was():
    ledger = BlockLedger(3, 5)
    ledger.open("a", 7)
    for verb, arguments in ((ledger.open, ("b", 6)), (ledger.append, ("a", 9))):
        with pytest.raises(OutOfBlocksError, match="2 more blocks of 5 tokens are needed and 1 of 3 are free"):
            verb(*arguments)
        assert (ledger.sequences, ledger.table("a"), ledger.length("a")) == (("a",), (0, 1), 7)
    ledger.append("a", 8)
    assert ledger.free_blocks == 0


@pytest.mark.parametrize(
    ("verb", "arguments", "message"),
    [
        ("open", ("a", 1), "the sequence 'a' is open already"),
        ("open", (2.0, 1), "2.0 cannot name a sequence"),
        ("open", ([3], 1), r"\[3\] cannot name a sequence"),
        ("open", ("b", -1), "n_tokens is -1, and must be a whole number from 0 on"),
        ("open", ("b", 1.5), "n_tokens is 1.5, and must be a whole number"),
        ("append", ("b",), "no sequence 'b' is open"),
        ("append", ([3],), r"no sequence \[3\] is open"),
        ("append", ("a", -1), "n_tokens is -1, and must be a whole number from 0 on"),
        ("append", ("a", True), "n_tokens is True, and must be a whole number"),
        ("close", ("b",), "no sequence 'b' is open"),
        ("table", ("b",), "no sequence 'b' is open"),
        ("length", ("b",), "no sequence 'b' is open"),
        ("slots_of", ("b",), "no sequence 'b' is open"),
        ("slot", ("b", 0), "no sequence 'b' is open"),
        ("slot", ("a", 4), "the sequence 'a' has no position 4: it holds 4 tokens"),
        ("slot", ("a", -1), "position is -1, and must be a whole number from 0 on"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence_and_nothing_is_changed(verb, arguments, message):
    ledger = BlockLedger(3, 5)
    ledger.open("a", 4)
    with pytest.raises(KvlabError, match=message):
        getattr(ledger, verb)(*arguments)
    assert (ledger.sequences, ledger.table("a"), ledger.length("a"), ledger.free_blocks) == (("a",), (0,), 4, 2)


@pytest.mark.parametrize("name", ["n_blocks", "block"])
@pytest.mark.parametrize("wrong", [0, -3, 2.0, True, "2", None])
def test_a_pool_has_whole_numbers_of_blocks_and_of_tokens_in_them(name, wrong):
    with pytest.raises(KvlabError, match=f"{name} is {wrong!r}, and must be a whole number from 1 on"):
        BlockLedger(**{"n_blocks": 3, "block": 5, name: wrong})


def test_counts_of_numpy_are_taken_as_the_numbers_that_they_are():
    ledger = BlockLedger(np.int8(100), np.int8(100))
    ledger.open("a", np.int8(101))
    ledger.append("a", np.int8(101))
    assert (ledger.n_slots, ledger.length("a"), ledger.table("a")) == (10_000, 202, (0, 1, 2))
