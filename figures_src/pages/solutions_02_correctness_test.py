"""`solutions/02-correctness-test`: the complete test, and what gets past it when a part is left out."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.words import Words
from kvlab import labs
from kvlab.cache.broken import BUGS
from kvlab.labs.lab_02.weakened import WEAKENED, gets_past, how_many_get_past

page = Page("solutions/02-correctness-test")

page.file("complete", lambda language: labs.solution("02", language))
page.constant("n_broken", "len(kvlab.labs.lab_02.broken.BROKEN)")
page.constant("n_prompts", "kvlab.labs.lab_02.weakened.WEAKENED['complete'].n_prompts")
page.constant("n_tokens", "kvlab.labs.lab_02.weakened.WEAKENED['complete'].n_tokens")
page.constant("few_steps", "kvlab.labs.lab_02.weakened.WEAKENED['few_steps'].n_tokens")
page.constant("few_prompts", "kvlab.labs.lab_02.weakened.WEAKENED['few_prompts'].n_prompts")
page.constant("tolerance", "kvlab.labs.lab_02.weakened.TOLERANCE")


def _past(weakness: str) -> Value:
    return call(gets_past, weakness=weakness)


def _how_many(weakness: str) -> Value:
    return call(how_many_get_past, weakness=weakness)


nothing = parameter(0)
page.same("complete_lets_none_past", nothing, _how_many("complete"))
page.same("logits_alone_would_do", nothing, _how_many("logits_alone"))
for weakness in WEAKENED.keys() - {"complete", "logits_alone"}:
    page.claim("other_parts_are_needed", nothing, _how_many(weakness))


@page.table
def weakened(words: Words) -> Rows:
    """Return for each part that a test may lack the broken caches that get past it."""
    rows: list[list[str | Shown]] = []
    for weakness in WEAKENED:
        past = [words(f"bugs.{bug}" if bug in BUGS else f"subtle.{bug}") for bug in _past(weakness).result.split()]
        rows.append([words(f"weakened.{weakness}"), Shown(_how_many(weakness)), "; ".join(past)])
    return rows
