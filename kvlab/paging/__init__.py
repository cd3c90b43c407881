"""What becomes of memory when sequences of unknown lengths share it: a server simulated with four ways to give it."""

from kvlab.paging.snapshot import NOBODY, pool_count, pool_slots
from kvlab.paging.waste import (
    difference,
    largest_difference,
    published_share,
    published_states,
    sequences_at_once,
    simulated_waste,
    utilisation,
    waste_share,
)

__all__ = [
    "NOBODY",
    "difference",
    "largest_difference",
    "pool_count",
    "pool_slots",
    "published_share",
    "published_states",
    "sequences_at_once",
    "simulated_waste",
    "utilisation",
    "waste_share",
]
