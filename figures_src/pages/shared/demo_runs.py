"""The runs of the demo model that its page compares: cached and uncached, and two caches that are wrong."""

from __future__ import annotations

from figures_src.declared.page import Rows, Shown
from figures_src.declared.values import Value, call
from figures_src.plots import bytes_by_step
from figures_src.words import Words, numbers
from kvlab.experiments import demo
from kvlab.model.demo import DEMO

# Tuples, since two brackets in a row would be a token of the page on which the call is shown.
ONE, FIVE, EIGHT = (17,), (3, 141, 59, 26, 53), (27, 18, 28, 182, 84, 59, 4, 52)
STEPS = 16
CASES: dict[str, list[tuple[int, ...]]] = {"one": [ONE], "five": [FIVE], "eight": [EIGHT], "pair": [FIVE, EIGHT]}
COUNTS = ("compared_logits", "differing_logits", "compared_kv", "differing_kv", "differing_tokens")
SHOWN_CACHES = ("dense", "fp16", "slot_too_far")
BLAS_SHARE = call(demo.blas_differing_share, prompts=CASES["pair"], n_tokens=STEPS)


def count(case: str, result: str) -> Value:
    """Return one count of the comparison of one case."""
    return call(demo.equivalence, prompts=CASES[case], n_tokens=STEPS).field(result)


def four_runs(words: Words) -> Rows:
    """Return what was compared in each of the four cases, and how much of it differs."""
    lengths = {case: numbers.show(len(prompts[0]), "word", words.language) for case, prompts in CASES.items()}
    return [
        [words(f"four_runs.{case}").format(n=lengths[case]), *(Shown(count(case, one)) for one in COUNTS)]
        for case in CASES
    ]


def _with(cache_name: str) -> dict[str, object]:
    return {"prompts": CASES["eight"], "n_tokens": STEPS, "cache_name": cache_name}


def choices_changed(cache_name: str) -> Value:
    """Return at how many steps after the longest prompt a cache changes the greedy choice."""
    return call(demo.equivalence, **_with(cache_name)).field("differing_tokens")


def logits_changed(cache_name: str) -> Value:
    """Return how many logits a cache changes there."""
    return call(demo.equivalence, **_with(cache_name)).field("differing_logits")


def logits_changed_at(cache_name: str, step: int) -> Value:
    """Return how many logits a cache changes at one step, counted from 1."""
    return call(demo.differing_logits_by_step, **_with(cache_name)).field(f"[{step - 1}]")


def bytes_by_step_data() -> list[bytes_by_step.Row]:
    """Return for three caches how many logits differ at each step, of how many."""
    compared = DEMO.vocab_size
    return [
        bytes_by_step.Row(cache_name, step, differing, compared)
        for cache_name in SHOWN_CACHES
        for step, differing in enumerate(call(demo.differing_logits_by_step, **_with(cache_name)).result, 1)
    ]
