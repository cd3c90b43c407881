"""Lab 01: which classic bug behaves like what was seen.

All the rules ask about views and lengths, and none of them about code, so it does not matter how a cache was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from kvlab.labs.lab_01.probe import Plan
from kvlab.labs.lab_01.views import Seen, View, is_right

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
    """Return how the length goes astray after the first pass, where it is more than off by one."""
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
    # A bug that shows in decode steps alone may do yet another damage in a chunk after them.
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


def _empty_slots_after(views: Views, _: Plan) -> bool:
    return all(_trimmed(tokens) == view.expected for view, tokens in views)


def _only_the_new(views: Views, _: Plan) -> bool:
    return all(tokens == view.expected[view.held :] for view, tokens in views)


def _without_the_new(views: Views, _: Plan) -> bool:
    return all(tokens == view.expected[: len(tokens)] and len(tokens) < len(view.expected) for view, tokens in views)


def _slot_too_high(views: Views, plan: Plan) -> bool:
    """Empty slots among the entries, one a pass at most, or after them for the newest; nothing old is lost."""
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
    """From the third pass on, the last token of the pass before is missing: slots do not advance after the prompt."""
    lost = [_lost(view, tokens) for view, tokens in views]
    later = [one for one, (view, _) in zip(lost, views, strict=True) if view.held > plan.passes[0]]
    return None not in lost and bool(later) and all(later)


_RULES: dict[str, Callable[[Views, Plan], bool]] = {
    "full_buffer": _full_buffer,
    "empty_slots_after": _empty_slots_after,
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
    """Return what is wrong where every slot is right and the length is one off after some passes or all."""
    off = {length - held for length, held in zip(seen.lengths[1:], seen.held[1:], strict=True)}
    return "position_off_by_one" if seen.right and off - {0} in ({1}, {-1}) else None
