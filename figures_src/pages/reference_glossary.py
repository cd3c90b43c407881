"""`reference/glossary`: the terms of the book in both languages."""

from __future__ import annotations

from figures_src.declared.page import Entry, Page, Rows
from figures_src.pages.shared import glossary
from figures_src.words import Words

page = Page("reference/glossary")
page.parameter("n_terms", len(glossary.terms()))


@page.entries
def terms(words: Words) -> list[Entry]:
    """Return the terms, in the alphabetical order of the page's language."""
    return glossary.entries(words)


@page.table
def avoided(words: Words) -> Rows:
    """Return the words that stand for no term and that Spanish pages avoid, and why."""
    others = [entry for entry in glossary.avoided() if entry.words not in {term.avoided for term in glossary.terms()}]
    return [[", ".join(entry.words), entry.reasons[words.language]] for entry in others]
