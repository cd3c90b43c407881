"""A pool at one moment, slot by slot: small enough to be drawn."""

from __future__ import annotations

from collections.abc import Sequence

from kvlab.errors import KvlabError
from kvlab.paging.allocators import RESERVATIONS, Paged, Reserved
from kvlab.paging.requests import Request
from kvlab.paging.simulator import Server

NOBODY = -1


def pool_slots(
    way: str, requests: Sequence[Sequence[int]], steps: int, n_slots: int, max_context: int, block: int
) -> list[tuple[int, str]]:
    """Return whose each slot of a pool is, and its state, after `steps` steps; `NOBODY`'s are `"external"`.

    Args:
        way: as of `kvlab.paging.waste`.
        requests: prompt and output of each, in the order of arrival.
        steps: in each of which every sequence that runs stores one token.
        n_slots: slots of the pool.
        max_context: tokens that no sequence exceeds.
        block: tokens of a block, where the way is `"paged"`.

    Raises:
        KvlabError: no such way, an impossible request, or none waits any more: what is free then is no waste.
    """
    if way not in (*RESERVATIONS, "paged"):
        raise KvlabError(f"unknown way {way!r:.60}; known are {', '.join(RESERVATIONS)}, paged")
    pool = Paged(block, n_slots, max_context) if way == "paged" else Reserved(way, n_slots, max_context)
    server = Server([Request(*request) for request in requests], pool)
    server.admit()
    for _ in range(steps):
        server.decode()
        server.end()
        server.admit()
    if not server.waiting:
        raise KvlabError(f"after {steps} steps no request waits; draw a pool that is full, with more requests")
    return _painted(server, n_slots)


def pool_count(
    way: str, state: str, requests: Sequence[Sequence[int]], steps: int, n_slots: int, max_context: int, block: int
) -> int:
    """Return how many slots are in a state. Arguments and errors are those of `pool_slots`."""
    slots = pool_slots(way, requests, steps, n_slots, max_context, block)
    return sum(found == state for _, found in slots)


def _painted(server: Server, n_slots: int) -> list[tuple[int, str]]:
    slots = [(NOBODY, "external")] * n_slots
    for sequence, held in server.running.items():
        final = server.requests[sequence].final
        for position, slot in enumerate(server.way.places(sequence)):
            state = "token" if position < held else "reserved" if position < final else "internal"
            slots[slot] = (sequence, state)
    return slots
