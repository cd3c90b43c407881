"""One search index a language, made of the one that the generator collects."""

from __future__ import annotations

import json
from pathlib import Path

from figures_src.words import LANGUAGES

COLLECTED = "search/search_index.json"
# A language of our own, which the theme loads by this name: blind to accents and plurals, without a stemmer.
SEARCH_LANGUAGE = "kv"


def write_indexes(site: Path) -> None:
    """Replace the collected index by one for each language, below the pages that search it.

    Each is there twice: as JSON, which a page asks a server for, and as a script, since a page that was opened from a
    folder may ask for nothing.
    """
    collected = json.loads((site / COLLECTED).read_text(encoding="utf-8"))
    config = {**collected["config"], "lang": [SEARCH_LANGUAGE]}
    for language in LANGUAGES:
        text = json.dumps({"config": config, "docs": documents(collected["docs"], language)}, ensure_ascii=False)
        path = site / folder_of(language) / COLLECTED
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.with_suffix(".js").write_text(f"var __index = {text}", encoding="utf-8")


def documents(docs: list[dict[str, str]], language: str) -> list[dict[str, str]]:
    """Return a language's documents, their locations as its own pages see them."""
    found = []
    for doc in docs:
        first, _, inside = doc["location"].partition("/")
        own = first if first in LANGUAGES else ""
        if own == folder_of(language):
            found.append({**doc, "location": inside if own else doc["location"]})
    return found


def folder_of(language: str) -> str:
    """Return the folder of the site in which a language's pages lie: none for the first."""
    return "" if language == LANGUAGES[0] else language
