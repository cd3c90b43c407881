"""Cells that say where a fact of the catalog was read."""

from __future__ import annotations

from figures_src.words import Words
from kvlab.catalog.sources import links

AT_BUILD = "at build"  # what the catalog says of the MiniGPT, which is read when the pages are made


def source_cell(source: str, words: Words) -> str:
    """Return the links to a source, in Markdown; where it is this project, its name."""
    written = [f"[{link.title}]({link.url})" if link.url else link.title for link in links(source)]
    return ", ".join(written) or words("sourced.this_project")


def read_cell(read: str, words: Words) -> str:
    """Return the date on which a fact was read, as HTML, which keeps it on one line."""
    return words("sourced.at_build") if read == AT_BUILD else f"<time>{read}</time>"
