"""Where a page of a language lies on the site, and which language is the other one."""

from __future__ import annotations

from figures_src.words import LANGUAGES


def address(path: str, language: str) -> str:
    """Return a page's address below the site: English at the root, Spanish under `es/`."""
    return f"{path}.html" if language == LANGUAGES[0] else f"{language}/{path}.html"


def twin_language(language: str) -> str:
    """Return the other of the two languages."""
    return next(other for other in LANGUAGES if other != language)
