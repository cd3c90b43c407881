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
s_max = page.reuse("s_max", call(catalog.model, name="MiniGPT").field("decoder.max_context"))
page.reuse("n_layers", call(catalog.model, name="MiniGPT").field("decoder.n_layers"))
prompt = page.value("prompt", minigpt.bug_prompt, bug="slot_too_far")
early_tokens = page.constant("early_tokens", "kvlab.decoding.degradation.EARLY_TOKENS")
page.constant("late_share", "kvlab.decoding.degradation.LATE_SHARE")
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


def _at(bug: str, position: int) -> Value:
    """Return what a bug costs at one position, in nats."""
    return _damage(bug).field(f"by_position[{position}]")


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


def _family(figure: str, claim: str, verdict: str, *members: str) -> None:
    """Draw bugs in one figure; the words around it rely on the claim that their damage has this verdict."""
    page.figure(figure, lambda: _losses(*members), loss_by_position.drawing(figure))
    found = call(claims.tally, verdicts=[_verdict(bug) for bug in members], verdict=verdict)
    page.same(claim, found, parameter(len(members)))
    for bug in members:
        page.reuse(f"{bug}_late", late(bug))
        if verdict != "late":  # where nothing changes early, no text says how much
            page.reuse(f"{bug}_early", early(bug))


nothing = page.parameter("nothing", 0)

# A slot, too far or overwritten.

_family("slots", "slots_heal", "heals", "slot_too_far", "slot_overwritten")
far_more = call(units.ratio, numerator=early("slot_too_far"), denominator=early("slot_overwritten"))
page.claim("empty_slot_costs_far_more", parameter(2), far_more)
lasting_tokens = page.parameter("lasting_tokens", 30)
lasting_nats = page.parameter("lasting_nats", 0.5)
for position in range(prompt.result, prompt.result + lasting_tokens.result):
    page.claim("empty_slot_costs_long", lasting_nats, _at("slot_too_far", position))
after_peak = _at("slot_overwritten", prompt.result + early_tokens.result)
rest = call(units.ratio, numerator=after_peak, denominator=early("slot_overwritten"))
page.claim("overwritten_slot_costs_briefly", rest, parameter(0.1))

# What does not advance.

_family("stuck", "stuck_gets_worse", "worsens", "position_stuck", "length_stuck")
page.claim("stuck_length_seen_first", early("position_stuck"), visible, early("length_stuck"))

# Too little in reach.

_family("out_of_reach", "short_reach_shows_late", "late", "ring_too_small", "window_too_small")
ring_slots = page.constant("ring_slots", "kvlab.cache.broken.RingTooSmall.SLOTS")
window_tokens = page.constant("window_tokens", "kvlab.cache.broken.WindowTooSmall.WINDOW")
for bug in ("ring_too_small", "window_too_small"):
    page.reuse(f"{bug}_onset", _first_changed(bug))
page.same("right_until_full", ring_slots, _first_changed("ring_too_small"))
page.same("right_until_full", window_tokens, _first_changed("window_too_small"))
page.claim("window_costs_sooner_and_more", window_tokens, ring_slots)
page.claim("window_costs_sooner_and_more", late("ring_too_small"), late("window_too_small"))

# Nearly right.

_family("small", "nearly_right_is_silent", "silent", "position_off_by_one", "rounded_to_half")
position_changed = page.reuse("position_changed", _changed("position_off_by_one"))
half_changed = page.reuse("half_changed", _changed("rounded_to_half"))
for changed in (position_changed, half_changed):
    page.claim("nearly_right_changes_choices", nothing, changed)
for change in (early("rounded_to_half"), late("rounded_to_half")):
    page.claim("rounding_hardly_shows", parameter(-0.001), change, parameter(0.001))

# What belongs to others.

_family("others_rows", "swapped_rows_stay", "stays", "rows_swapped")
_family("unmasked", "unmasked_chunk_heals", "heals", "chunk_unmasked")
page.constant("chunk", "kvlab.decoding.degradation.CHUNK")
page.value("long_prompt", minigpt.bug_prompt, bug="chunk_unmasked")
page.value("unmasked_prompt", silent_bugs.prompt_loss_change, bug="chunk_unmasked", n_texts=N_TEXTS)
page.claim("unmasked_prompt_costs_most", visible, early("chunk_unmasked"), page.values["unmasked_prompt"])
for bug in BUGS:
    if bug != "rows_swapped":
        page.claim("swapped_rows_cost_most", early(bug), early("rows_swapped"))
        page.claim("swapped_rows_cost_most", late(bug), late("rows_swapped"))

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
scores = call(silent_bugs.largest_other_scores, n_texts=N_TEXTS, layer=SECOND_LAYER)
first_score = page.reuse("first_score", scores.field("[0]"))
last_score = page.reuse("last_score", scores.field("[-1]"))
page.claim("scores_pass_zero", page.values["early_score"], nothing, page.values["late_score"])
page.claim("scores_pass_zero", first_score, nothing, last_score)
page.value("crossing", silent_bugs.empty_slot_outdone_at, n_texts=N_TEXTS, layer=SECOND_LAYER)
WEIGHTS = call(silent_bugs.empty_slot_weights, n_texts=N_TEXTS, layer=SECOND_LAYER)


def _even(step: int) -> Value:
    """Return an equal share of all slots in reach of a decode step: prompt, empty slot, and those written since."""
    return call(units.ratio, numerator=1, denominator=prompt.result + 2 + step)


last = parameter(s_max.result - 2 - prompt.result)
for name, step in (("first", 0), ("last", last.result)):
    page.value(f"{name}_weight", silent_bugs.empty_slot_weight, n_texts=N_TEXTS, layer=SECOND_LAYER, step=step)
    page.reuse(f"{name}_even", _even(step))
page.claim("empty_slot_loses_its_share", page.values["first_even"], page.values["first_weight"])
left = call(units.ratio, numerator=page.values["last_weight"], denominator=page.values["last_even"])
page.claim("empty_slot_loses_its_share", left, parameter(0.1))


def empty_slot_data() -> list[empty_slot.Row]:
    """Return at each position the best score next to the empty slot's, the slot's weight, and an even share."""
    return [
        empty_slot.Row(prompt.result + step, score, weight, _even(step).result)
        for step, (score, weight) in enumerate(zip(scores.result, WEIGHTS.result, strict=True))
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
MISSED = ("rounded_to_half", "ring_too_small")  # by tokens, after nearly every prompt
page.same("bytes_find_every_prompt", n_prompts, *(_by_bytes(bug) for bug in MISSED))
unseen = [_step(bug) for bug in BUGS]
page.same("bytes_find_all", nothing, call(claims.tally, verdicts=unseen, verdict=None))
page.same("one_sequence_misses_swap", nothing, _by_tokens("rows_swapped", N_TOKENS), _by_bytes("rows_swapped"))
page.same("tokens_need_luck", nothing, *(_by_tokens(bug, A_FEW) for bug in ("ring_too_small", "window_too_small")))
for bug in BUGS:
    found = call(units.ratio, numerator=_by_tokens(bug, N_TOKENS), denominator=N_PROMPTS)
    if bug in MISSED:
        page.claim("tokens_need_luck", found, parameter(0.1))
    elif bug != "rows_swapped":
        page.claim("tokens_need_luck", parameter(0.5), found)
