"""What Markdown asks of the page that is being read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from figures_src.declared.page import Entry
from figures_src.markup.tokens import Token, TokenRenderer


class Picture(NamedTuple):
    """A drawn plot: where its files lie, seen from the page, its size in CSS pixels, and what to say of its data."""

    image_url: Callable[[str], str]
    csv_url: str
    csv_label: str
    width: int
    height: int
    note: str = ""


class Cell(NamedTuple):
    """A cell: its text, the attributes of its `<data>` element if it is computed, whether it is a number, its mark.

    A blank has no text: `blank` makes its HTML from its label.
    """

    text: str
    data: dict[str, str] | None = None
    number: bool = False
    mark: str = ""
    blank: Callable[[str], str] | None = None


class Renderer(TokenRenderer, Protocol):
    """The page; each name is one that its module declares.

    Any of these raises `NotMeasuredError` where a measurement is missing, and `BookError` for an unknown name.
    """

    tokens: list[Token]

    def picture(self, name: str) -> Picture:
        """Return a plot, drawn."""

    def table(self, name: str) -> tuple[list[list[Cell]], str]:
        """Return a table's rows, and a remark for its caption."""

    def entries(self, name: str) -> list[Entry]:
        """Return the entries of a list."""

    def derivation(self, name: str) -> str:
        """Return a derivation as LaTeX."""

    def field(self, name: str) -> Callable[[str], str]:
        """Return what makes a field's HTML from its label."""

    def call(self, name: str) -> str:
        """Return the call that computes a value, as Python."""

    def file(self, name: str) -> str:
        """Return some Python of the package."""

    def require_measured(self, text: str, directive: str = "") -> None:
        """Raise `NotMeasuredError` if a value that `text` names has no measurement.

        The names count as used even so, and with them the name of the `directive` whose caption the text is.
        """

    def refuted(self, text: str) -> str:
        """Return what to say instead of words that rely on a claim which the results contradict; else nothing."""

    def unmeasured(self, reason: str) -> str:
        """Return what to say instead of what has no measurement."""

    def errors_at(self, text: str) -> AbstractContextManager[None]:
        """Let an error raised inside begin with the file, and with the line on which `text` stands."""


class Reader(Protocol):
    """What reads one page after another."""

    page: Renderer
