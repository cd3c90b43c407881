"""Cells that say where a fact of the catalog was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from figures_src.words import Words
from kvlab.catalog.sources import Source

AT_BUILD = "at build"  # what the catalog says of the MiniGPT, which is read when the pages are made


def source_cell(sources: Iterable[Source], words: Words, named: Callable[[str], str] = "`{}`".format) -> str:
    """Return the links to sources, in Markdown, each with the numbers that it holds, where it does not hold all.

    Args:
        sources: the sources; this project itself is a word.
        words: of the page's language.
        named: what to call a number by its key.
    """
    return "; ".join(_one(source, words, named) for source in sources)


def read_cell(sources: Iterable[Source], words: Words) -> str:
    """Return the dates on which sources were read, as HTML, which keeps each on one line."""
    dates = sorted({source.read for source in sources})
    return ", ".join(words("sourced.at_build") if date == AT_BUILD else f"<time>{date}</time>" for date in dates)


def _one(source: Source, words: Words, named: Callable[[str], str]) -> str:
    title, url = source.link
    link = f"[{title}]({url})" if url else words("sourced.this_project")
    return f"{link} ({', '.join(map(named, source.holds))})" if source.holds else link
