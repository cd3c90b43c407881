"""Lab 01 on paper: what the solution does pass by pass, and which token each slot holds in caches right and wrong."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache
from kvlab.cache.broken import BUGS
from kvlab.errors import KvlabError
from kvlab.labs.lab import solution


class LengthPerLayer(DenseCache):
    """The length advances in each layer that writes, and not once a pass."""

    def write(self, layer: int, k: NDArray[np.floating], v: NDArray[np.floating]) -> None:
        """Write, and advance."""
        super().write(layer, k, v)
        self._held += k.shape[2]

    def advance(self, n_tokens: int) -> None:
        """Do nothing: it is done already."""


CACHES: dict[str, type[DenseCache]] = {
    "right": DenseCache,
    "slot_too_high": BUGS["slot_too_far"],
    "slot_too_low": BUGS["slot_overwritten"],
    "length_stuck": BUGS["length_stuck"],
    "length_per_layer": LengthPerLayer,
}


def slots_after(cache_name: str, prompt: int, steps: int, capacity: int) -> list[int]:
    """Return the number of the token that each slot of the last of two layers holds; −1 where a slot is empty.

    After a prompt of `prompt` tokens and `steps` more, one at a time.

    Raises:
        KvlabError: no such cache, or no room.
    """
    if cache_name not in CACHES:
        raise KvlabError(f"unknown cache {cache_name!r}; known are {', '.join(CACHES)}")
    kept = CACHES[cache_name](2, 1, 1, capacity, 1)
    for start, n_tokens in [(0, prompt), *((prompt + step, 1) for step in range(steps))]:
        named = np.arange(start + 1, start + n_tokens + 1, dtype=np.float32).reshape(1, 1, n_tokens, 1)
        for layer in range(2):
            kept.write(layer, named, named)
        kept.advance(n_tokens)
    return [int(name) - 1 for name in kept.keys[1, 0, 0, :, 0]]


@cache
def solution_class() -> Any:
    """Return the class of the solution."""
    scope: dict[str, Any] = {"__name__": "solution"}
    exec(solution("01"), scope)
    return scope["MyCache"]


def walked(passes: list[int], nth: int, what: str) -> int:
    """Return what the solution's cache says of its `nth` pass: `"before"`, `"returned"` slots, or `"after"`.

    The other two are its length before the pass and after it.
    """
    kept = solution_class()(2, 1, 1, sum(passes), 1)
    for n_tokens in passes[:nth]:
        _one_pass(kept, n_tokens)
    before = kept.length
    returned = _one_pass(kept, passes[nth])
    said: dict[str, int] = {"before": before, "returned": returned, "after": kept.length}
    return said[what]


def _one_pass(kept: Any, n_tokens: int) -> int:
    """Update both layers with new tokens; return how many slots came back."""
    new = np.ones((1, 1, n_tokens, 1), np.float32)
    return [kept.update(layer, new, new)[0].shape[2] for layer in range(2)][-1]
