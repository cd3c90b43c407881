"""Claims next to what is computed for them: a table for each, one of them all, and the verdicts in the page's words."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call
from figures_src.words import Words, numbers
from kvlab.catalog import claims

COLUMNS = ("claimed", "computed", "verdict")


class Part(NamedTuple):
    """What is computed for one part of a claim, the format in which it is shown, and the numbers in the part's name."""

    computed: Value
    format: str = ""
    numbers: Mapping[str, Value] = {}


class Judged(NamedTuple):
    """A claim of `kvlab.catalog.claims`, what is computed for each of its parts, and the verdict that follows."""

    name: str
    parts: tuple[Part, ...]
    verdict: Value
    address: str  # of its section, as the first page links to it


class Claims:
    """The claims of one page or several. A claim's table has its name; that of them all, on the first, is `summary`.

    Attributes:
        judged: the claims, in the order in which they are judged.
    """

    def __init__(self, page: Page) -> None:
        self.first = self.page = page
        self.judged: list[Judged] = []
        page.table(_named("summary", lambda words: _all(self.judged, words)))

    def go_on(self, page: Page) -> None:
        """Put the claims that follow on another page, in the same folder."""
        self.page = page

    def judge(self, name: str, *parts: Part) -> None:
        """Set a claim against what is computed for its parts."""
        computed = [part.computed for part in parts]
        file = "" if self.page is self.first else f"{posixpath.basename(self.page.path)}.md"
        one = Judged(name, parts, call(claims.verdict, claim=name, computed=computed), f"{file}#{name}")
        self.judged.append(one)
        self.page.table(_named(name.replace("-", "_"), partial(_alone, one)))


def _named(name: str, make: Callable[[Words], Rows]) -> Callable[[Words], Rows]:
    make.__name__ = name  # what makes a table of the page is found by its name, and a partial has none
    return make


def _alone(one: Judged, words: Words) -> Rows:
    """Return a claim's parts, a row each, and below several parts what follows for the whole."""
    rows: list[list[str | Shown]] = [
        [_name(one, part, words), *_sides(one, part, words), _of_part(one, part, words)]
        for part in range(len(one.parts))
    ]
    if len(rows) > 1:
        rows.append([words("claims.altogether"), "", "", _in_words(one.verdict, words)])
    return rows


def _name(one: Judged, part: int, words: Words) -> str:
    """Return what a part of a claim is about, the numbers in it in the page's language."""
    given = one.parts[part].numbers.items()
    shown = {name: numbers.show(value.result, "", words.language) for name, value in given}
    return words(f"claims.part.{one.name}-{part + 1}").format(**shown)


def _all(judged: list[Judged], words: Words) -> Rows:
    """Return all claims, each with a link: of several parts the first that does not hold, or else the first."""
    rows: list[list[str | Shown]] = []
    for one in judged:
        verdicts = [_of_part(one, part, words).value.result for part in range(len(one.parts))]
        first = verdicts.index(claims.FALSE) if claims.FALSE in verdicts else 0
        link = f"[{words(f'claims.name.{one.name}')}]({one.address})"
        said, computed = _sides(one, first, words)
        computed = computed._replace(format=said.format) if computed.format == "both" else computed
        rows.append([link, _in_words(one.verdict, words), said, computed])
    # The verdict first: of a table that is wider than a phone, it is what has to be in sight.
    return rows


def _sides(one: Judged, part: int, words: Words) -> list[Shown]:
    """Return what is claimed of a part and what is computed, in the units in which they are said."""
    value, computed = call(claims.claimed, claim=one.name, part=part), one.parts[part]
    if isinstance(value.result, str):
        return [Shown(word, word=words(f"claims.word.{word.result}")) for word in (value, computed.computed)]
    said = claims.said(one.name, part)
    unit = said.partition(" ")[2]
    percent = "percent1" if "." in said else "percent"
    return [Shown(value, percent if unit == "%" else unit), Shown(computed.computed, computed.format)]


def _of_part(one: Judged, part: int, words: Words) -> Shown:
    computed = one.parts[part].computed
    return _in_words(call(claims.part_verdict, claim=one.name, part=part, computed=computed), words)


def _in_words(verdict: Value, words: Words) -> Shown:
    return Shown(verdict, word=words(f"claims.verdicts.{verdict.result}"))
