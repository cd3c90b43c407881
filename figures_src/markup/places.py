"""Where a text stands in a page's source: what an error says of it."""

from __future__ import annotations

import re

# Front matter and fenced code, where nothing is a token.
APART = re.compile(r"\A---\n.*?\n---\n|^(`{3,}).*?^\1 *$", re.DOTALL | re.MULTILINE)


def line_of(text: str, source: str, nth: int = 0) -> int:
    """Return the line of `source` on which `text` stands for the `nth` time, from 0; the first line if it does not."""
    prose = APART.sub(lambda match: "\n" * match[0].count("\n"), source)
    places = [match.start() for match in re.finditer(re.escape(text), prose)]
    return prose.count("\n", 0, places[nth]) + 1 if nth < len(places) else 1
