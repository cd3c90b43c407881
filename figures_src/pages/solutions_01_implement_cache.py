"""`solutions/01-implement-cache`: the solution as it lies in the package, line by line."""

from __future__ import annotations

from functools import partial

from figures_src.declared.page import Page, Rows
from figures_src.pages.theory_05_worked_example import cache
from figures_src.words import Words
from kvlab import labs
from kvlab.labs.lab import excerpt
from kvlab.labs.lab_01 import checker
from kvlab.labs.words import Words as LabWords

page = Page("solutions/01-implement-cache")
page.file("solution", partial(labs.solution, "01"))


def _lines(first: str, n_lines: int, language: str) -> str:
    return excerpt(labs.solution("01", language), first, n_lines)


page.file("buffers", partial(_lines, "shape = ", 3))
page.file("room", partial(_lines, "start, stop", 3))
page.file("copied", partial(_lines, "self._keys[layer", 2))
page.file("counted", partial(_lines, "if layer", 2))
page.file("returned", partial(_lines, "keys, values = ", 2))

checked = page.value("n_checks", checker.number_of_checks)
passed = page.value("n_passed", checker.checks_passed_by_solution)
page.same("solution_passes_every_check", checked, passed)
page.reuse("cache", cache)
page.parameter("zero", 0)
page.parameter("one", 1)

# Which line each bug hides in.

HIDES = {
    "elements": ("float64", "float16", "layers_share_memory", "k_and_v_share_memory", "caches_share_memory"),
    "slot": ("slot_too_high", "slot_too_low"),
    "room": ("no_capacity_error", "refuses_what_fits", "refuses_too_late", "keeps_what_it_refused"),
    "copied": ("k_and_v_exchanged", "batch_axes_swapped", "sequences_mixed", "scrambled", "keeps_callers_arrays"),
    "counted": ("length_per_layer", "length_too_early", "length_stuck", "length_counts_passes", "position_off_by_one"),
    "returned": ("full_buffer", "empty_slots_after", "only_the_new", "without_the_new", "returned_arrays_change"),
}


@page.table
def lab_bugs(words: Words) -> Rows:
    """Return each bug that the checker knows, by the line in which it hides."""
    said = LabWords(words.language)
    return [[words(f"lab_bugs.{line}"), said(f"lab_01.bugs.{bug}")] for line, bugs in HIDES.items() for bug in bugs]
