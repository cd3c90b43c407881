"""`break/00-silent-bugs`: ten wrong caches on the trained model, what each costs, and which test finds it."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Call, Value, call, parameter
from figures_src.plots import empty_slot, loss_by_position
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.cache.broken import BUGS
from kvlab.catalog import claims
from kvlab.experiments import minigpt, silent_bugs

page = Page("break/00-silent-bugs", shared_runs=True)

# Texts of which three standard errors leave the curves readable; as many as checked-claims runs.
N_TEXTS = 96
N_PROMPTS, N_TOKENS, A_FEW = 50, 64, 8
SECOND_LAYER = 1

# How they are run.

page.constant("n_bugs", "len(kvlab.cache.broken.BUGS)")
n_texts = page.parameter("n_texts", N_TEXTS)
page.reuse("n_layers", call(catalog.model, name="MiniGPT").field("decoder.n_layers"))
s_max = page.reuse("s_max", call(catalog.model, name="MiniGPT").field("decoder.max_context"))
prompt = page.value("prompt", minigpt.bug_prompt, bug="slot_too_far")
page.constant("early_tokens", "kvlab.decoding.degradation.EARLY_TOKENS")
page.constant("visible", "kvlab.decoding.degradation.VISIBLE_NATS")
page.constant("standard_errors", "kvlab.decoding.degradation.STANDARD_ERRORS")
right_loss = page.value("right_loss", silent_bugs.right_loss, n_texts=N_TEXTS)
visible = page.values["visible"]


def _damage(bug: str) -> Call:
    return call(minigpt.bug_damage, bug=bug, n_texts=N_TEXTS)


def early(bug: str) -> Value:
    """Return what a bug costs over the first tokens after the prompt, in nats."""
    return _damage(bug).field("early_loss")


def late(bug: str) -> Value:
    """Return what a bug costs over the last third, in nats."""
    return _damage(bug).field("late_loss")


def _changed(bug: str) -> Value:
    return _damage(bug).field("choices_changed")


def _verdict(bug: str) -> Value:
    return _damage(bug).field("verdict")


def _first_changed(bug: str) -> Value:
    return _damage(bug).field("onset")


@page.table
def guesses(words: Words) -> Rows:
    """Return the bugs and what is wrong with each, and nothing of what comes of it."""
    return [[words(f"bugs.{bug}"), words(f"guesses.{bug}")] for bug in BUGS]


def _losses(*names: str) -> list[loss_by_position.Row]:
    rows = []
    for bug in names:
        losses = _damage(bug).field("by_position").result
        first = call(minigpt.bug_prompt, bug=bug).result
        rows += [loss_by_position.Row(bug, position, change, first) for position, change in enumerate(losses)]
    return rows


def _family(figure: str, verdict: str, *members: str) -> None:
    """Draw bugs in one figure; the words around it call their damage by this verdict."""
    page.figure(figure, lambda: _losses(*members), loss_by_position.drawing(figure))
    found = call(claims.tally, verdicts=[_verdict(bug) for bug in members], verdict=verdict)
    page.same("verdicts_as_said", found, parameter(len(members)))
    for bug in members:
        page.reuse(f"{bug}_late", late(bug))
        if verdict != "late":  # where nothing changes early, no text says how much
            page.reuse(f"{bug}_early", early(bug))


nothing = page.parameter("nothing", 0)

# A slot, too far or overwritten.

_family("slots", "heals", "slot_too_far", "slot_overwritten")
page.claim("empty_slot_costs_more", early("slot_overwritten"), early("slot_too_far"))
page.claim("neither_seen_late", late("slot_too_far"), visible, early("slot_overwritten"))

# What does not advance.

_family("stuck", "worsens", "position_stuck", "length_stuck")
page.claim("stuck_position_unseen", early("position_stuck"), visible, early("length_stuck"))
page.claim("stuck_length_costs_more", visible, late("position_stuck"), late("length_stuck"))

# Too little in reach.

_family("out_of_reach", "late", "ring_too_small", "window_too_small")
page.constant("ring_slots", "kvlab.cache.broken.RingTooSmall.SLOTS")
page.constant("window_tokens", "kvlab.cache.broken.WindowTooSmall.WINDOW")
for bug in ("ring_too_small", "window_too_small"):
    page.reuse(f"{bug}_onset", _first_changed(bug))
page.same("ring_right_until_full", page.values["ring_slots"], _first_changed("ring_too_small"))
page.same("window_right_until_full", page.values["window_tokens"], _first_changed("window_too_small"))
page.claim("shorter_reach_costs_more", visible, late("ring_too_small"), late("window_too_small"))

# Nearly right.

_family("small", "silent", "position_off_by_one", "rounded_to_half")
position_changed = page.reuse("position_changed", _changed("position_off_by_one"))
half_changed = page.reuse("half_changed", _changed("rounded_to_half"))
page.claim("rounding_changes_fewer", nothing, half_changed, position_changed)

# What belongs to others.

_family("others_rows", "stays", "rows_swapped")
_family("unmasked", "heals", "chunk_unmasked")
page.constant("chunk", "kvlab.decoding.degradation.CHUNK")
page.value("long_prompt", minigpt.bug_prompt, bug="chunk_unmasked")
page.value("unmasked_prompt", silent_bugs.prompt_loss_change, bug="chunk_unmasked", n_texts=N_TEXTS)
page.claim(
    "swapped_rows_cost_most",
    late("chunk_unmasked"),
    visible,
    early("chunk_unmasked"),
    page.values["unmasked_prompt"],
    early("rows_swapped"),
)
page.claim("swapped_rows_over_stuck_length", late("length_stuck"), early("rows_swapped"))

# All of them.


@page.table
def verdicts(words: Words) -> Rows:
    """Return for each bug what it costs early and late, what becomes of it, and the choices that it changes."""
    return [
        [
            words(f"bugs.{bug}"),
            Shown(early(bug), "fixed3"),
            Shown(late(bug), "fixed3"),
            Shown(_verdict(bug), word=words(f"outcome.{_verdict(bug).result}")),
            Shown(_changed(bug), "percent1" if bug != "rounded_to_half" else "percent3"),
        ]
        for bug in BUGS
    ]


# What attention gives to an empty slot.

page.value("early_score", silent_bugs.early_largest_score, n_texts=N_TEXTS, layer=SECOND_LAYER)
page.value("late_score", silent_bugs.late_largest_score, n_texts=N_TEXTS, layer=SECOND_LAYER)
page.claim(
    "best_score_turns_positive",
    page.values["early_score"],
    nothing,
    page.values["late_score"],
)
page.value("crossing", silent_bugs.empty_slot_outdone_at, n_texts=N_TEXTS, layer=SECOND_LAYER)
WEIGHTS = call(silent_bugs.empty_slot_weights, n_texts=N_TEXTS, layer=SECOND_LAYER)


def _even(step: int) -> Value:
    """Return an equal share of all slots in reach of a decode step: prompt, empty slot, and those written since."""
    return call(units.ratio, numerator=1, denominator=prompt.result + 2 + step)


last = parameter(s_max.result - 2 - prompt.result)
for name, step in (("first", 0), ("last", last.result)):
    page.value(f"{name}_weight", silent_bugs.empty_slot_weight, n_texts=N_TEXTS, layer=SECOND_LAYER, step=step)
    page.reuse(f"{name}_even", _even(step))
page.claim(
    "empty_slot_loses_share",
    page.values["last_weight"],
    page.values["last_even"],
    page.values["first_even"],
    page.values["first_weight"],
)


def empty_slot_data() -> list[empty_slot.Row]:
    """Return at each position the best score beside the empty slot's, the slot's weight, and an even share."""
    scores = call(silent_bugs.largest_other_scores, n_texts=N_TEXTS, layer=SECOND_LAYER).result
    return [
        empty_slot.Row(prompt.result + step, score, weight, _even(step).result)
        for step, (score, weight) in enumerate(zip(scores, WEIGHTS.result, strict=True))
    ]


page.figure("empty_slot", empty_slot_data, empty_slot.draw)

# Which test finds which.

n_prompts = page.parameter("n_prompts", N_PROMPTS)
page.parameter("n_tokens", N_TOKENS)
page.parameter("a_few", A_FEW)


def _by_tokens(bug: str, n_tokens: int) -> Value:
    return call(silent_bugs.prompts_with_other_tokens, bug=bug, n_prompts=N_PROMPTS, n_tokens=n_tokens)


def _by_bytes(bug: str) -> Value:
    return call(silent_bugs.prompts_with_other_bytes, bug=bug, n_prompts=N_PROMPTS, n_tokens=N_TOKENS)


def _step(bug: str) -> Value:
    return call(silent_bugs.first_differing_step, bug=bug)


@page.table
def tests(words: Words) -> Rows:
    """Return the bugs and what finds each: tokens, bytes, bytes of a batch, and the loss."""
    return [
        [
            words(f"bugs.{bug}"),
            Shown(_by_tokens(bug, A_FEW)),
            Shown(_by_tokens(bug, N_TOKENS)),
            Shown(_by_bytes(bug)),
            Shown(_step(bug)),
            Shown(_verdict(bug), word=words("tests.unseen" if _verdict(bug).result == "silent" else "tests.seen")),
        ]
        for bug in BUGS
    ]


for name, bug in (("half", "rounded_to_half"), ("ring", "ring_too_small"), ("rows", "rows_swapped")):
    page.reuse(f"{name}_by_tokens", _by_tokens(bug, N_TOKENS))
for name, bug in (("half", "rounded_to_half"), ("rows", "rows_swapped")):
    page.reuse(f"{name}_by_bytes", _by_bytes(bug))
page.same(
    "bytes_find_in_every_prompt",
    n_prompts,
    _by_bytes("rounded_to_half"),
    _by_bytes("ring_too_small"),
)
page.same(
    "one_sequence_hides_swap",
    nothing,
    _by_tokens("rows_swapped", N_TOKENS),
    _by_bytes("rows_swapped"),
)
