"""The pages on the API: the modules that each documents, and the references that mkdocstrings leaves in it."""

from __future__ import annotations

import re

DIRECTIVE = re.compile(r"^ *::: *(\S+)", re.MULTILINE)
REFERENCE = re.compile(r'<autoref identifier="([^"]+)"[^>]*>(.*?)</autoref>', re.DOTALL)


def documented(markdown: str) -> list[str]:
    """Return the names of the modules that a page documents, in its order."""
    return DIRECTIVE.findall(markdown)


def with_references(page_html: str) -> str:
    """Return the page with each reference to something documented in it as a link, and any other as text.

    A link to another page would make the page depend on what is documented there, and on where.
    """
    ids = set(re.findall(r'\bid="([^"]+)"', page_html))
    return REFERENCE.sub(lambda one: f'<a href="#{one[1]}">{one[2]}</a>' if one[1] in ids else one[2], page_html)
