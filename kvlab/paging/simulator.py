"""What the slots of a pool are doing while requests wait: a simulation of a server, step by step.

A slot is in one of four states, as in section 3.1 and figure 2 of the paper on PagedAttention (arXiv 2309.06180):

- *token*: it holds one;
- *reserved*: it is a sequence's own, and will hold one of its later tokens;
- *internal*: it is a sequence's own, and will never hold a token, which shows only when the sequence ends;
- *external*: it is no sequence's own, though a request waits: too small a chunk, or too few blocks. The paper counts
  here, and so does this, what a chunk has beyond its reservation, and what is left over of the pool.

The server is never idle: the next request is always there. First come, first served, so one that does not fit holds up
those after it. A step stores one token of each sequence. Where a sequence finds no free block, the youngest is put
back to the head of the queue, with the tokens that it has, and its blocks are free (as vLLM does, which computes the
evicted tokens again).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kvlab.errors import KvlabError
from kvlab.paging.allocators import Way
from kvlab.paging.requests import Request
from kvlab.units import ratio

MOST_AT_ONCE = 16  # steps counted together: with blocks, few more pass before a sequence finds none
STATES = ("token", "reserved", "internal", "external")


@dataclass(frozen=True)
class Waste:
    """What was counted, in whole numbers.

    Attributes:
        steps: steps that were counted; what follows is summed over them.
        sequences: sequences that ran.
        evictions: sequences that were put back into the queue.
        token: slots that held a token.
        reserved: slots that were to hold one later.
        internal: slots that were a sequence's own and never to be used.
        external: slots that were no sequence's own.
    """

    steps: int
    sequences: int
    evictions: int
    token: int
    reserved: int
    internal: int
    external: int

    @property
    def slots(self) -> int:
        """All the slots, summed over the steps: the pool once a step."""
        return self.token + self.reserved + self.internal + self.external

    def share(self, state: str) -> int | float:
        """Return the share of the slots in a state. Raises `KvlabError` where there is no such state."""
        if state not in STATES:
            raise KvlabError(f"unknown state {state!r:.60}; known are {', '.join(STATES)}")
        return ratio(getattr(self, state), self.slots)

    @property
    def at_once(self) -> int | float:
        """How many sequences ran at once, in the mean over the steps."""
        return ratio(self.sequences, self.steps)


class Server:
    """Sequences that run and requests that wait; both are named by their place in the order of arrival.

    Attributes:
        waiting: those that wait, the first to come in front, with the tokens that each is to begin with.
        running: the tokens that each holds, the oldest in front.
        ended: how many have ended.

    Raises:
        KvlabError: a request is without a prompt or an output, or longer than the way provides for.
    """

    def __init__(self, requests: Sequence[Request], way: Way) -> None:
        for request in requests:
            if any(not isinstance(n, int) or n < 1 for n in request) or request.final > way.max_context:
                raise KvlabError(
                    f"a request of {request.prompt} and {request.output} tokens is impossible; whole numbers from 1 on "
                    f"are right, together {way.max_context:,} at most"
                )
        self.requests, self.way = requests, way
        self.waiting = deque((sequence, request.prompt) for sequence, request in enumerate(requests))
        self.running: dict[int, int] = {}
        self.ended = 0

    def admit(self) -> None:
        """Begin with those that wait, in their order, until one does not fit."""
        while self.waiting:
            sequence, n_tokens = self.waiting[0]
            if not self.way.open(sequence, self.requests[sequence], n_tokens):
                assert self.running, "a request has no room in an empty pool, and would wait for ever"
                return
            self.waiting.popleft()
            self.running[sequence] = n_tokens

    def decode(self) -> int:
        """Store one token more of each that runs, the oldest first, and return how many were evicted for it."""
        n_running = len(self.running)
        for sequence in list(self.running):
            while sequence in self.running:
                if self.way.append(sequence):
                    self.running[sequence] += 1
                    break
                self._evict_the_youngest()
        return n_running - len(self.running)

    def decode_and_count(self) -> tuple[int, ...]:
        """Make one step, with evictions where slots are missing; return the counts of `Waste`."""
        evicted = self.decode()
        return 1, len(self.running), evicted, *self.states()

    def decode_many(self) -> tuple[int, ...] | None:
        """Make up to `MOST_AT_ONCE` steps: none but the last ends a sequence, and none leaves one without a slot.

        Returns the counts of `Waste`, summed over these steps; None where even the next step has too few slots. Since
        no slot becomes free in between, a request that does not fit before them does not fit during them either.
        """
        # Tokens and slots are (sequences, steps): what each sequence has after each step.
        final = np.array([self.requests[sequence].final for sequence in self.running])[:, None]
        tokens = np.array(list(self.running.values()))[:, None]
        tokens = tokens + np.arange(1, min((final - tokens).min(), MOST_AT_ONCE) + 1)
        slots = self.way.slots_after(self.running, tokens)
        n_slots = self.way.unowned + sum(self.way.slots(sequence) for sequence in self.running)
        n_steps = int(np.count_nonzero(slots.sum(axis=0) <= self.way.most_owned))
        if n_steps == 0:
            return None
        tokens, slots = tokens[:, :n_steps], slots[:, :n_steps]
        for sequence in self.running:
            assert self.way.append(sequence, n_steps), "steps that have their slots find one missing"
            self.running[sequence] += n_steps
        used_in_the_end = np.minimum(slots, final)
        token, owned = int(tokens.sum()), int(slots.sum())
        reserved = int(used_in_the_end.sum()) - token
        internal = owned - int(used_in_the_end.sum())
        return n_steps, tokens.size, 0, token, reserved, internal, n_slots * n_steps - owned

    def _evict_the_youngest(self) -> None:
        sequence, n_tokens = self.running.popitem()
        self.way.close(sequence)
        self.waiting.appendleft((sequence, n_tokens))

    def end(self) -> None:
        """Close those that have all their tokens."""
        for sequence, n_tokens in list(self.running.items()):
            if n_tokens == self.requests[sequence].final:
                self.way.close(sequence)
                del self.running[sequence]
                self.ended += 1

    def states(self) -> tuple[int, int, int, int]:
        """Return how many slots of the pool are in each of the four states now."""
        token = reserved = internal = 0
        for sequence, n_tokens in self.running.items():
            slots = self.way.slots(sequence)
            used_in_the_end = min(slots, self.requests[sequence].final)
            token += n_tokens
            reserved += used_in_the_end - n_tokens
            internal += slots - used_in_the_end
        return token, reserved, internal, self.way.unowned


def simulate(requests: Sequence[Request], way: Way, warm_up: int) -> Waste:
    """Return what the slots did from when `warm_up` requests had ended to when none waited any more.

    What comes before is left out because the pool is filling, and what comes after because it is emptying.

    Raises:
        KvlabError: no step lies between, or a request is impossible.
    """
    server, counts = Server(requests, way), []
    server.admit()
    while server.waiting:
        counted = server.decode_many() or server.decode_and_count()
        if server.ended >= warm_up:
            counts.append(counted)
        server.end()
        server.admit()
    if not counts:
        raise KvlabError(f"of {len(requests):,} requests none waits once {warm_up:,} have ended; draw more requests")
    return Waste(*(sum(column) for column in zip(*counts, strict=True)))
