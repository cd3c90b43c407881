"""How much of a pool holds tokens, by the way of giving it to sequences; and what the paper measured.

An experiment with stated lengths (`kvlab.paging.requests`) on the pool of the paper's first one (arXiv 2309.06180,
section 6.2): OPT-13B with 12 GiB for its cache. Figure 2 of the paper shows its three versions of Orca, which here are
dense, power of two and oracle.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from kvlab.accounting.memory import kv_bytes_per_token
from kvlab.catalog.published import published_figure
from kvlab.errors import KvlabError
from kvlab.paging.allocators import RESERVATIONS, Paged, Reserved
from kvlab.paging.requests import draw_requests
from kvlab.paging.simulator import Waste, simulate
from kvlab.units import ratio
from kvlab.units.whole import whole_number

WAYS = (*RESERVATIONS, "paged")

OPT_13B_SLOTS = 12 * 2**30 // kv_bytes_per_token(40, 40, 128, 2)
OPT_CONTEXT = 2048

WARM_UP = 10  # one in so many requests ends before the first step that counts
BLOCKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def simulated_waste(
    way: str,
    block: int = 16,
    n_requests: int = 400,
    seed: int = 0,
    n_slots: int = OPT_13B_SLOTS,
    max_context: int = OPT_CONTEXT,
) -> Waste:
    """Return what the slots of a pool did while it served requests of the lengths that `draw_requests` draws.

    Args:
        way: `"dense"` reserves `max_context` for each; `"power_of_two"` its prompt and the next power of two of its
            output, `max_context` at most; `"oracle"` what it will need, as if that were known; `"paged"` takes blocks.
        block: tokens of a block; the other ways have none.
        n_requests: requests in all.
        seed: of their lengths.
        n_slots: slots of the pool, each for one token.
        max_context: tokens that no sequence exceeds.

    Raises:
        KvlabError: no such way, a count that is not whole or is impossible, a pool that one sequence may exceed,
            or one that never fills.
    """
    if way not in WAYS:
        raise KvlabError(f"unknown way {way!r:.60}; known are {', '.join(WAYS)}")
    counts = {"block": block, "n_requests": n_requests, "seed": seed, "n_slots": n_slots, "max_context": max_context}
    return _waste(way, *(whole_number(name, count, least=int(name == "block")) for name, count in counts.items()))


@cache
def _waste(name: str, block: int, n_requests: int, seed: int, n_slots: int, max_context: int) -> Waste:
    requests = draw_requests(n_requests, seed, max_context)
    way = Paged(block, n_slots, max_context) if name == "paged" else Reserved(name, n_slots, max_context)
    return simulate(requests, way, n_requests // WARM_UP)


def waste_share(way: str, state: str, **run: int) -> int | float:
    """Return the share of the pool that was in a state, in the mean over the steps; the four of a way make 1.

    `run` is of the arguments of `waste`. Raises `KvlabError` as that does, and where there is no such state.
    """
    return simulated_waste(way, **run).share(state)


def sequences_at_once(way: str, **run: int) -> int | float:
    """Return how many sequences ran at once, in the mean over the steps. `run` and errors are those of `waste`."""
    return simulated_waste(way, **run).at_once


def utilisation(blocks: Sequence[int] = BLOCKS, **run: int) -> dict[int, int | float]:
    """Return, for each size of a block, the share of the pool that held tokens. `run` and errors are as of `waste`."""
    return {block: waste_share("paged", "token", block=block, **run) for block in blocks}


def largest_difference(**run: int) -> float:
    """Return by how much of the pool a simulated share misses the published one at most. Arguments as of `waste`."""
    return max(difference(way, state, **run) for way, state in published_states())


def difference(way: str, state: str, **run: int) -> float:
    """Return by how much of the pool one simulated share misses the published one. Errors as of `published_share`."""
    return abs(waste_share(way, state, **run) - published_share(way, state))


def published_states() -> tuple[tuple[str, str], ...]:
    """Return the ways, and the states of each, whose share the paper prints."""
    return tuple((way, state) for way, states in _published().items() for state in states)


def published_share(way: str, state: str) -> int | float:
    """Return the share that the paper measured (figure 2), which prints it in tenths of a percent.

    Raises:
        KvlabError: it prints none.
    """
    percent = _published().get(way, {}).get(state)
    if percent is None:
        raise KvlabError(f"the paper prints no share of {state!r:.60} for {way!r:.60}")
    return ratio(round(10 * percent), 1000)


def _published() -> dict[str, dict[str, float]]:
    return dict(published_figure("pagedattention_waste").values)
