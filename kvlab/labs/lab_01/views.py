"""Lab 01: what was seen of a cache, decoded. A view is one returned array: which vector each of its slots holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any, NamedTuple

from kvlab.labs.lab_01.probe import Plan


class Entry(NamedTuple):
    """Whose vector it is: `what` is 0 for K and 1 for V."""

    what: int
    layer: int
    row: int
    head: int
    token: int


@dataclass(frozen=True)
class View:
    """One array that `update` returned.

    Attributes:
        what: 0 where it should be keys, 1 where it should be values.
        layer, held, n_tokens: of the update; `held` tokens were there before.
        dtype, shape: as NumPy says them.
        slots: what each holds, by sequence and head, and in each of these from slot 0 on; None is no entry: zeros, or
            something else. No slots at all where the array's shape is not one of vectors.
        rounded: slots that hold an entry rounded to float16.
    """

    what: int
    layer: int
    held: int
    n_tokens: int
    dtype: str
    shape: tuple[int, ...]
    slots: tuple[tuple[Entry | None, ...], ...]
    rounded: int

    @property
    def expected(self) -> list[int]:
        """The tokens that it should hold, oldest first."""
        return list(range(self.held + self.n_tokens))

    @cached_property
    def tokens(self) -> list[int | None] | None:
        """The tokens that it holds, from slot 0 on, None for no entry; None where sequences or heads disagree."""
        rows = {tuple(entry and entry.token for entry in row) for row in self.slots}
        return list(rows.pop()) if len(rows) == 1 else None

    @property
    def entries(self) -> Iterator[tuple[int, Entry]]:
        """The entries, each with the number of the sequence and head in which it stands."""
        return ((place, entry) for place, row in enumerate(self.slots) for entry in row if entry)


@dataclass(frozen=True)
class Seen:
    """One run: the views of all its updates in order, and the length before the first pass and after each."""

    plan: Plan
    views: tuple[View, ...]
    lengths: tuple[int, ...]
    trouble: dict[str, Any] | None
    changed_later: bool

    @property
    def held(self) -> list[int]:
        """What the lengths should be, as far as there are any."""
        return [sum(self.plan.passes[:n]) for n in range(len(self.lengths))]

    @property
    def complete(self) -> bool:
        """Whether nothing was raised."""
        return self.trouble is None

    @cached_property
    def right(self) -> bool:
        """Whether every slot of a complete run holds what it should."""
        return self.complete and all(is_right(view, self.plan) for view in self.views)


def read(plan: Plan, said: dict[str, Any]) -> Seen:
    """Return a run as the probe said it."""
    views = tuple(_view(plan, update, what) for update in said["updates"] for what in (0, 1))
    return Seen(plan, views, tuple(said["lengths"]), said["trouble"], said["changed_later"])


def _view(plan: Plan, update: dict[str, Any], what: int) -> View:
    seen = update[("keys", "values")[what]]
    shape = tuple(seen["shape"])
    rows: tuple[tuple[Entry | None, ...], ...] = ()
    if seen["slots"] is not None:
        known, n_slots = _entries(plan), shape[2]
        names = [known[name] if name >= 0 else None for name in seen["slots"]]
        rows = tuple(tuple(names[i * n_slots : (i + 1) * n_slots]) for i in range(shape[0] * shape[1]))
    return View(what, update["layer"], update["held"], update["n_tokens"], seen["dtype"], shape, rows, seen["rounded"])


@cache
def _entries(plan: Plan) -> list[Entry]:
    """Return the entries by their numbers, counted along what, layer, sequence, head and token."""
    shape = plan.shape
    sizes = (2, shape.n_layers, shape.batch, shape.n_kv_heads, sum(plan.passes))
    return [Entry(*place) for place in product(*map(range, sizes))]


def has_right_shape(view: View, plan: Plan) -> bool:
    """Tell whether an array has the shape that it should have."""
    shape = plan.shape
    return view.shape == (shape.batch, shape.n_kv_heads, view.held + view.n_tokens, shape.head_dim)


def is_right(view: View, plan: Plan) -> bool:
    """Tell whether every slot of an array holds what it should."""
    heads = plan.shape.n_kv_heads
    right = tuple(
        tuple(Entry(view.what, view.layer, row, head, token) for token in view.expected)
        for row in range(plan.shape.batch)
        for head in range(heads)
    )
    return has_right_shape(view, plan) and view.slots == right
