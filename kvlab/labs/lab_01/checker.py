"""Lab 01: the reader writes a KV cache, and is told what passes and which classic bug the rest looks like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kvlab.labs import sandbox
from kvlab.labs.lab import Finding, Result, solution_path
from kvlab.labs.lab_01.diagnosis import (
    before_the_first_slot,
    counted_wrong,
    element,
    misplaced,
    position,
    wrong_slots,
)
from kvlab.labs.lab_01.probe import MAIN, PAIR, PLANS, SMALL
from kvlab.labs.lab_01.views import Seen, View, has_right_shape, is_right, read

CHECKS = (
    "runs",
    "shapes",
    "keys_and_values",
    "order",
    "layers",
    "sequences",
    "float32",
    "length",
    "memory",
    "capacity",
    "minigpt",
)


def check(path: Path) -> Result:
    """Return which checks the class in the reader's file passes, and what the rest looks like."""
    outcome = sandbox.run("kvlab.labs.lab_01.probe:observe", path)
    return judge(outcome.said, outcome.trouble)


def judge(said: Mapping[str, Any], trouble: Finding | None = None) -> Result:
    """Return the result of what the probe said, up to its end or to the trouble that there was."""
    passed = [name for name, holds in _checks(said).items() if holds]
    found = [trouble] if trouble else []
    found += [Finding(f"lab_01.{key}", given) for key, given in _diagnosis(said)]
    if len(passed) < len(CHECKS) and not found:  # the checks see what no rule explains
        key, given = _in_minigpt(said["minigpt"]) if said.get("minigpt") else ("other.unknown", {})
        found = [Finding(f"lab_01.{key}", given)]
    return Result.of(CHECKS, passed, found)


def _checks(said: Mapping[str, Any]) -> dict[str, bool]:
    """Return which checks hold. What was not seen does not."""
    runs = list(_runs(said).values())
    views = [view for run in runs for view in run.views]
    complete = len(runs) == len(PLANS) and all(run.complete for run in runs)
    readable = complete and all(view.slots for view in views)
    placed = [(view, place, entry) for view in views for place, entry in view.entries]
    heads = {id(view): run.plan.shape.n_kv_heads for run in runs for view in run.views}
    capacity = said.get("capacity", {})
    return {
        "runs": complete,
        "shapes": complete and all(has_right_shape(view, run.plan) for run in runs for view in run.views),
        "keys_and_values": readable and all(entry.what == view.what for view, _, entry in placed),
        "order": readable and all(view.tokens == view.expected for view in views),
        "layers": readable and all(entry.layer == view.layer for view, _, entry in placed),
        "sequences": readable and all(divmod(p, heads[id(v)]) == (e.row, e.head) for v, p, e in placed),
        "float32": readable and element(runs) is None and all(view.dtype == "float32" for view in views),
        "length": complete and all(list(run.lengths) == run.held for run in runs),
        "memory": complete and "pair" in said and not list(_memory(said)),
        "capacity": all(capacity.get(name) for name in ("fits", "refuses_one", "refuses_many", "clean")),
        "minigpt": said.get("minigpt") == {},
    }


def _runs(said: Mapping[str, Any]) -> dict[str, Seen]:
    return {name: read(plan, said[name]) for name, plan in PLANS.items() if name in said}


Named = tuple[str, dict[str, Any]]


def _diagnosis(said: Mapping[str, Any]) -> Iterator[Named]:
    """Yield the sentences that explain what was seen: key and what is put in."""
    if "class" in said and said["class"] is None:
        yield "bugs.no_class", {}
    runs = _runs(said)
    if not runs:
        return
    if any(run.trouble and run.trouble["unwritten"] for run in runs.values()):
        yield "bugs.not_written", {}
        return
    kind = element(list(runs.values()))
    if kind:
        yield f"bugs.{kind}", {}
    wrong = list(_wrong_contents(runs))
    yield from wrong
    yield from _memory(said) if not wrong else ()
    yield from _capacity(said, explained=bool(wrong))


def _wrong_contents(runs: Mapping[str, Seen]) -> Iterator[Named]:
    """Yield what is wrong with whose entries are where, or with the length; the first explanation that there is."""
    singly = runs.get("one_at_a_time")
    for run in runs.values():
        bug = misplaced(run) or counted_wrong(run) or wrong_slots(run) or position(run)
        if run.trouble and not run.views and singly and before_the_first_slot(singly):
            bug = "slot_too_low"
        if bug:
            yield f"bugs.{bug}", {}
            return
        if not run.trouble and (not run.right or list(run.lengths) != run.held):
            yield _unknown(run)
            return
    trouble = next((run.trouble for run in runs.values() if run.trouble), None)
    if trouble and "square" in runs and runs["square"].right:
        yield "bugs.batch_axes_swapped", {}
    elif trouble:
        yield "bugs.raised", {"error": trouble["raised"], "line": trouble["line"]}


def _unknown(run: Seen) -> Named:
    """Return where something is wrong that no rule knows."""
    strange = next((view for view in run.views if not is_right(view, run.plan)), None)
    if strange:
        return "slots.unknown", _where(strange)
    return "length.unknown", {"seen": _listed(run.lengths), "right": _listed(run.held)}


def _where(view: View) -> dict[str, Any]:
    """Return where something is wrong that no rule knows."""
    what = ("keys", "values")[view.what]
    return {"what": what, "layer": view.layer, "held": view.held, "new": view.n_tokens, "shape": str(view.shape)}


def _listed(numbers: Any) -> str:
    return ", ".join(map(str, numbers))


def _memory(said: Mapping[str, Any]) -> Iterator[Named]:
    """Yield whose memory is whose: the caller's, what was returned before, another cache's."""
    if "main" not in said or "reused" not in said or "pair" not in said:
        return
    main, reused = read(MAIN, said["main"]), read(MAIN, said["reused"])
    if main.views != reused.views:
        yield "bugs.keeps_callers_arrays", {}
    elif main.changed_later:
        yield "bugs.returned_arrays_change", {}
    one, other = (read(PAIR, run) for run in said["pair"]["runs"])
    if one.views != other.views or one.lengths != other.lengths:
        yield "bugs.caches_share_memory", {}


def _capacity(said: Mapping[str, Any], explained: bool) -> Iterator[Named]:
    """Yield what is wrong with refusing. Where slots are wrong already, only what that cannot explain."""
    seen = said.get("capacity")
    if not seen:
        return
    if not seen["refuses_endless"] and (not explained or seen["longest"] > SMALL.max_context):
        yield "bugs.no_capacity_error", {}
    elif explained:
        return
    elif not seen["fits"]:
        yield "bugs.refuses_what_fits", {}
    elif not (seen["refuses_one"] and seen["refuses_many"]):
        yield "bugs.refuses_too_late", {}
    elif not seen["clean"]:
        yield "bugs.keeps_what_it_refused", {}


def _in_minigpt(seen: Mapping[str, Any]) -> Named:
    if "raised" in seen:
        return "bugs.raised_in_minigpt", {"error": seen["raised"], "line": seen["line"]}
    return "minigpt.unknown", {"prompt": seen["prompt"], "step": seen["step"], "what": seen["what"]}


def checks_passed_by_solution() -> int:
    """Return how many of the checks the solution passes, run as a reader's file is."""
    return len(check(solution_path("01")).passed)


def number_of_checks() -> int:
    """Return how many checks there are."""
    return len(CHECKS)
