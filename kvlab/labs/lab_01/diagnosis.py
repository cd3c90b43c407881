"""Lab 01: which classic bug behaves like what was seen. Pure functions of what the probe said.

A view is one returned array, decoded: which vector each of its slots holds. All the rules below ask about views and
lengths, and none of them about code, so it does not matter how a cache was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise, product
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
    """One run: the views of all its updates in order, and the length before the first pass and behind each."""

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


# Whose entries: another array's, layer's, sequence's.


def misplaced(seen: Seen) -> str | None:
    """Return which of K/V, layers, sequences and heads are taken for one another."""
    wrong = {view.what for view in seen.views for _, entry in view.entries if entry.what != view.what}
    if wrong:
        return "k_and_v_exchanged" if len(wrong) == 2 else "k_and_v_share_memory"
    if any(entry.layer != view.layer for view in seen.views for _, entry in view.entries):
        return "layers_share_memory"
    return _rows_misplaced(seen)


def _rows_misplaced(seen: Seen) -> str | None:
    batch, heads = seen.plan.shape.batch, seen.plan.shape.n_kv_heads
    if seen.views and all(v.shape[:2] == (heads, batch) != (batch, heads) for v in seen.views):
        return "batch_axes_swapped"
    if any(v.shape[:3] == (batch, len(v.expected), heads) != (batch, heads, len(v.expected)) for v in seen.views):
        return "tokens_before_heads"
    moves = {(place, entry.row * heads + entry.head) for view in seen.views for place, entry in view.entries}
    moves = {(place, source) for place, source in moves if place != source}
    if not moves:
        return None
    # As when an array of (heads, batch) is read as one of (batch, heads), or the other way round.
    exchanged = {(i * heads + j, j * batch + i) for i in range(batch) for j in range(heads)}
    for swapped in (exchanged, {(source, place) for place, source in exchanged}):
        if moves == {(place, source) for place, source in swapped if place != source}:
            return "batch_axes_swapped"
    if all(place % heads == source % heads for place, source in moves):
        return "sequences_mixed"
    return "scrambled" if _same_entries(seen) else None


def _same_entries(seen: Seen) -> bool:
    """Tell whether each array holds just what it should, in whatever places."""
    return all(
        len({entry for _, entry in view.entries})
        == len(view.expected) * seen.plan.shape.batch * seen.plan.shape.n_kv_heads
        for view in seen.views
    )


# Which slot, and how many.

DECODED_BY = 3  # a prompt, and two steps


def counted_wrong(seen: Seen) -> str | None:
    """Return how the length goes astray behind the first pass, where it is more than off by one."""
    lengths, held, n_layers = seen.lengths[1:], seen.held[1:], seen.plan.shape.n_layers
    first = [view for view in seen.views if view.held == 0 and view.what == 0]
    starts = [_first_token(view) for view in first]
    per_layer = [layer * seen.plan.passes[0] for layer in range(len(starts))]
    counted = bool(lengths) and list(lengths) == [n_layers * n for n in held]
    if counted or (len(starts) > 2 and starts == per_layer):
        return "length_per_layer"
    early = [seen.plan.passes[0]] * (len(starts) - 1)
    if len(starts) > 1 and starts[1:] == early and starts[0] in (0, *early):
        return "length_too_early"
    if len(lengths) > 2 and len(set(lengths)) == 1:
        return "length_stuck"
    if len(lengths) > 2 and list(lengths) == list(range(1, len(lengths) + 1)) and lengths != tuple(held):
        return "length_counts_passes"
    return None


def _first_token(view: View) -> int | None:
    """Return the slot of the oldest token; None where it is nowhere."""
    tokens = view.tokens or []
    return tokens.index(0) if 0 in tokens else None


def wrong_slots(seen: Seen) -> str | None:
    """Return which rule all the arrays of a run keep, where some of them are not right."""
    if all(is_right(view, seen.plan) for view in seen.views):
        return None
    found = [(view, view.tokens) for view in seen.views]
    views = [(view, tokens) for view, tokens in found if tokens is not None]
    if not views or len(views) < len(found):
        return None
    # A bug that shows in decode steps alone may do yet another damage in a chunk behind them.
    early = [(view, tokens) for view, tokens in views if view.held < sum(seen.plan.passes[:DECODED_BY])]
    for those in (views, early):
        kept = [name for name, keeps in _RULES.items() if keeps(those, seen.plan)]
        if kept and not all(is_right(view, seen.plan) for view, _ in those):
            return kept[0]
    return None


Views = Sequence[tuple[View, list[int | None]]]


def _trimmed(tokens: list[int | None]) -> list[int | None]:
    """Return what is left without the empty slots at the end."""
    end = len(tokens)
    while end and tokens[end - 1] is None:
        end -= 1
    return tokens[:end]


def before_the_first_slot(seen: Seen) -> bool:
    """Tell whether the first token went before the first slot: what is then returned has no slot at all."""
    return bool(seen.views) and all(view.tokens == [] for view in seen.views if view.held == 0)


def _full_buffer(views: Views, plan: Plan) -> bool:
    room = plan.shape.max_context
    return all(len(tokens) == room and _trimmed(tokens) == view.expected for view, tokens in views)


def _empty_slots_behind(views: Views, _: Plan) -> bool:
    return all(_trimmed(tokens) == view.expected for view, tokens in views)


def _only_the_new(views: Views, _: Plan) -> bool:
    return all(tokens == view.expected[view.held :] for view, tokens in views)


def _without_the_new(views: Views, _: Plan) -> bool:
    return all(tokens == view.expected[: len(tokens)] and len(tokens) < len(view.expected) for view, tokens in views)


def _slot_too_high(views: Views, plan: Plan) -> bool:
    """Empty slots among the entries, one a pass at most, or behind them for the newest; nothing old is lost."""
    passes_before = {sum(plan.passes[:n]): n for n in range(len(plan.passes))}
    moved = False
    for view, tokens in views:
        held = [token for token in tokens if token is not None]
        inner = _trimmed(tokens)
        if held != view.expected[: len(held)] or len(held) < min(view.held, len(view.expected) - 1):
            return False
        if inner.count(None) > passes_before[view.held] + 1:
            return False
        moved = moved or None in inner or (len(inner) < len(tokens) and len(inner) < len(view.expected))
    return moved


def _lost(view: View, tokens: list[int | None]) -> set[int] | None:
    """Return the tokens that are missing where the others stand in order, with no gap; None where they do not."""
    held = [token for token in _trimmed(tokens) if token is not None]
    in_order = all(a < b for a, b in pairwise(held))
    return set(view.expected) - set(held) if in_order and None not in _trimmed(tokens) else None


def _slot_too_low(views: Views, plan: Plan) -> bool:
    """The last token of an earlier pass, or the very first, is missing; the others have moved up."""
    ends = {sum(plan.passes[: n + 1]) - 1 for n in range(len(plan.passes))}
    moved = False
    for view, tokens in views:
        lost = _lost(view, tokens)
        if lost is None or not lost <= {0} | {end for end in ends if end < view.held}:
            return False
        moved = moved or bool(lost and view.held <= plan.passes[0])
    return moved


def _always_the_same_slot(views: Views, plan: Plan) -> bool:
    """From the third pass on, the last token of the pass before is missing: slots do not advance behind the prompt."""
    lost = [_lost(view, tokens) for view, tokens in views]
    later = [one for one, (view, _) in zip(lost, views, strict=True) if view.held > plan.passes[0]]
    return None not in lost and bool(later) and all(later)


_RULES: dict[str, Callable[[Views, Plan], bool]] = {
    "full_buffer": _full_buffer,
    "empty_slots_behind": _empty_slots_behind,
    "only_the_new": _only_the_new,
    "without_the_new": _without_the_new,
    "slot_too_high": _slot_too_high,
    "slot_too_low": _slot_too_low,
    "length_stuck": _always_the_same_slot,
}


# Elements, and the length alone.


def element(seen: Sequence[Seen]) -> str | None:
    """Return which other element than float32 comes out, or was stored on the way."""
    views = [view for run in seen for view in run.views]
    dtypes = {view.dtype for view in views}
    if any(view.rounded for view in views) or "float16" in dtypes:
        return "float16"
    return "float64" if "float64" in dtypes else None


def position(seen: Seen) -> str | None:
    """Return what is wrong where every slot is right and the length is one off behind some passes or all."""
    off = {length - held for length, held in zip(seen.lengths[1:], seen.held[1:], strict=True)}
    return "position_off_by_one" if seen.right and off - {0} in ({1}, {-1}) else None
