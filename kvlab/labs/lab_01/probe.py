"""Lab 01, inside the sandbox: what the class in the reader's file does, seen and not judged.

Each vector that goes in is another one, so that what comes out can be recognised: whose it is, whichever slot it is in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kvlab.labs.lab_01.adapter import compare_in_minigpt
from kvlab.labs.sandbox_child import NAME, line_of, name_of

Floats = NDArray[np.float32]

ZERO, UNKNOWN, REUSED = -1, -2, -3  # what a slot may hold next to an entry; the last, what the caller wrote afterwards
JUNK = np.float32(777)


class Shape(NamedTuple):
    """What a cache is made with."""

    n_layers: int
    batch: int
    n_kv_heads: int
    max_context: int
    head_dim: int


class Plan(NamedTuple):
    """A cache, and the new tokens of each pass."""

    shape: Shape
    passes: tuple[int, ...]


# Different primes wherever two could be taken for one another; room for a cache that counts each layer.
MAIN = Plan(Shape(3, 2, 3, 61, 5), (7, 1, 1, 4, 1))
ONE_AT_A_TIME = Plan(Shape(2, 2, 3, 61, 5), (1, 1, 1, 1))
SQUARE = Plan(Shape(2, 3, 3, 61, 5), (4, 1, 1))  # as many sequences as heads: exchanged axes do not raise here
PAIR = Plan(Shape(2, 2, 3, 61, 5), (4, 1))
SMALL = Shape(2, 1, 2, 11, 5)
PLANS = {"main": MAIN, "one_at_a_time": ONE_AT_A_TIME, "square": SQUARE}


def observe(solution: ModuleType, say: Callable[[str, Any], None]) -> None:
    """Say what the class does with each plan, at its capacity, and in the MiniGPT."""
    made = find_class(solution)
    say("class", made.__name__ if made else None)
    if made is None:
        return
    for name, plan in PLANS.items():
        say(name, Run(made, plan).all_passes().seen())
    say("reused", Run(made, MAIN, reuse=True).all_passes().seen())
    say("pair", _side_by_side(Run(made, PAIR, seed=1), Run(made, PAIR, seed=2)))
    say("capacity", _at_capacity(made))
    say("minigpt", attempt(lambda: compare_in_minigpt(made)))


def find_class(solution: ModuleType) -> Callable[..., Any] | None:
    """Return the class that the file defines with an `update`; the one named MyCache where there are several."""
    found = [
        one
        for one in vars(solution).values()
        if isinstance(one, type) and one.__module__ == solution.__name__ and callable(getattr(one, "update", None))
    ]
    named = [one for one in found if one.__name__ == "MyCache"]
    return next(reversed(named or found), None)


def attempt(work: Callable[[], Any]) -> Any:
    """Return what `work` does, or what it raised. Too much memory concerns the sandbox."""
    try:
        return work()
    except MemoryError:
        raise
    except Exception as error:
        file = getattr(sys.modules.get(NAME), "__file__", "")
        return {
            "raised": name_of(error),
            "line": line_of(error, file),
            "unwritten": isinstance(error, NotImplementedError),
        }


class Run:
    """One cache on its way through the passes of a plan."""

    def __init__(self, made: Callable[..., Any], plan: Plan, seed: int = 0, reuse: bool = False) -> None:
        self.made, self.plan, self.reuse = made, plan, reuse
        self.shape = plan.shape
        self.entries = entries_of(plan.shape, sum(plan.passes), seed)
        self.names = names_of(self.entries)
        self.cache: Any = None
        self.held = 0
        self.lengths: list[int] = []
        self.updates: list[dict[str, Any]] = []
        self.returned: list[tuple[Any, Any]] = []
        self.trouble: dict[str, Any] | None = None

    def all_passes(self) -> Run:
        """Make the cache and run every pass, or up to what it raises."""
        self.try_to(self.make)
        for n_tokens in self.plan.passes:
            self.try_to(partial(self.one_pass, n_tokens))
        return self

    def try_to(self, work: Callable[[], Any]) -> None:
        """Do it unless something has been raised before."""
        if self.trouble is None:
            found = attempt(work)
            self.trouble = found if isinstance(found, dict) else None

    def make(self) -> None:
        """Make the cache and ask for its length."""
        self.cache = self.made(*self.shape)
        self.lengths.append(length_of(self.cache))

    def one_pass(self, n_tokens: int) -> None:
        """Update every layer with the next tokens, and ask for the length."""
        stop = self.held + n_tokens
        given = []
        for layer in range(self.shape.n_layers):
            k, v = (self.entries[what, layer, :, :, self.held : stop].copy() for what in (0, 1))
            keys, values = self.cache.update(layer, k, v)
            self.returned.append((keys, values))
            seen = {"keys": self.look_at(keys), "values": self.look_at(values)}
            self.updates.append({"layer": layer, "held": self.held, "n_tokens": n_tokens, **seen})
            given += [k, v]
        self.held = stop
        for array in given if self.reuse else ():
            array[...] = JUNK
        self.lengths.append(length_of(self.cache))

    def look_at(self, array: Any) -> dict[str, Any]:
        """Return an array's dtype, shape, and whose vector each of its slots holds; how many were rounded."""
        array = np.asarray(array)
        seen: dict[str, Any] = {"dtype": str(array.dtype), "shape": list(array.shape), "slots": None, "rounded": 0}
        if array.ndim == 4 and array.shape[3] == self.shape.head_dim and array.dtype.kind == "f" and array.size < 1e6:
            found = [self.names.get(row.tobytes(), (UNKNOWN, False)) for row in as_rows(array)]
            seen["slots"] = [name for name, _ in found]
            seen["rounded"] = sum(rounded for _, rounded in found)
        return seen

    def seen(self) -> dict[str, Any]:
        """Return all of it, and whether anything that was returned has changed since."""
        later = [[self.look_at(array)["slots"] for array in pair] for pair in self.returned]
        then = [[update["keys"]["slots"], update["values"]["slots"]] for update in self.updates]
        return {
            "lengths": self.lengths,
            "updates": self.updates,
            "trouble": self.trouble,
            "changed_later": later != then,
        }


def length_of(cache: Any) -> int:
    """Return a cache's length, be it a property or a method."""
    length = cache.length
    return int(length() if callable(length) else length)


def entries_of(shape: Shape, n_tokens: int, seed: int) -> Floats:
    """Return K and V of a run, `(2, n_layers, batch, n_kv_heads, n_tokens, head_dim)`."""
    size = (2, shape.n_layers, shape.batch, shape.n_kv_heads, n_tokens, shape.head_dim)
    return np.random.default_rng(seed).standard_normal(size, np.float32)


def names_of(entries: Floats) -> dict[bytes, tuple[int, bool]]:
    """Return, by its bytes, the number of each vector in `entries`, and whether it lost bits to float16."""
    rows = as_rows(entries)
    names = {row.astype(np.float16).astype(np.float32).tobytes(): (i, True) for i, row in enumerate(rows)}
    names |= {row.tobytes(): (i, False) for i, row in enumerate(rows)}
    names |= {np.zeros_like(rows[0]).tobytes(): (ZERO, False), np.full_like(rows[0], JUNK).tobytes(): (REUSED, False)}
    return names


def as_rows(array: NDArray[Any]) -> Floats:
    """Return an array's vectors one below the other, in float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, np.float32).reshape(-1, array.shape[-1])


def _side_by_side(*runs: Run) -> dict[str, Any]:
    """Return what the last of several caches sees, when all of them take each pass in turn."""
    for run in runs:
        run.try_to(run.make)
    for n_tokens in PAIR.passes:
        for run in runs:
            run.try_to(partial(run.one_pass, n_tokens))
    return {"runs": [run.seen() for run in runs]}


def _at_capacity(made: Callable[..., Any]) -> dict[str, Any]:
    """Return what a full cache does with one token more, and one that is offered tokens without end."""
    room = SMALL.max_context
    full, over, endless = (
        Run(made, Plan(SMALL, passes)).all_passes() for passes in ((room - 3, 3), (room - 3, 3, 1), (1,) * (2 * room))
    )
    return {
        "fits": full.trouble is None,
        "refuses_one": over.trouble is not None,
        "refuses_endless": endless.trouble is not None,
        "longest": max(endless.lengths, default=0),
        **_refusal(Run(made, Plan(SMALL, (room - 2, 4, 2)))),
    }


def _refusal(run: Run) -> dict[str, bool]:
    """Return whether the second pass, two tokens too many, is refused; and whether the third is none the worse."""
    fitting, refused, last = run.plan.passes
    run.try_to(run.make)
    run.try_to(lambda: run.one_pass(fitting))
    fits = run.trouble is None
    run.try_to(lambda: run.one_pass(refused))
    if not fits or run.trouble is None:
        return {"refuses_many": False, "clean": False}
    run.trouble = None
    run.held = fitting + refused  # where the entries of the last pass begin
    run.try_to(lambda: run.one_pass(last))
    whole = np.arange(run.entries[..., 0].size).reshape(run.entries.shape[:-1])
    right = np.delete(whole, range(fitting, run.held - last), axis=4)
    found = [[update["keys"]["slots"], update["values"]["slots"]] for update in run.updates[-run.shape.n_layers :]]
    expected = [[side.ravel().tolist() for side in right[:, layer]] for layer in range(run.shape.n_layers)]
    return {"refuses_many": True, "clean": run.trouble is None and found == expected}
