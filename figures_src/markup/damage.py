"""What Markdown lets pass in silence, and a reader would see as damage."""

from __future__ import annotations

import re
from typing import NamedTuple

_NOT_PROSE = re.compile(r'(?s)<(code|pre)\b.*?</\1>|<(span|div) class="arithmatex">.*?</\2>')


class Damage(NamedTuple):
    """Something wrong on a page: the text by which it is found in the source, and what it is."""

    text: str
    what: str


def damage(page_html: str) -> Damage | None:
    """Return the first damage of a page that Markdown has made, its tokens still marked; None where there is none."""
    said = _NOT_PROSE.sub("", page_html)
    left = re.search(r"\[\[[^\]\n]*\]\]", said)
    if left:
        return Damage(left[0], f"{left[0]} is neither a token nor a block on its own lines")
    dollar = re.search(r"\$[^\s<]*", re.sub(r"<[^>]*>", " ", said))
    if dollar:
        return Damage(dollar[0], f"{dollar[0]!r} is not mathematics: a $ is open, or cut by a table cell")
    ids = re.findall(r'\bid="([^"]*)"', said)
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice:
        return Damage(twice, f"the id {twice!r} stands twice on this page")
    if "</h1>" not in page_html:
        return Damage("#", "the page has no first heading; begin it with '# …'")
    return None
