"""What a page module declares: the named values, formulas, derivations, tables and figures of one page."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from figures_src.declared.values import Call, Value, call, constant, parameter
from figures_src.errors import BookError, nearest
from figures_src.plots.style import Palette
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = TypeVar("Row")  # of a figure's data: the named tuple that its drawing declares


class Shown(NamedTuple):
    """A value in a cell, in a format or as a word, and a mark after it that the caption explains."""

    value: Value
    format: str = ""
    mark: str = ""
    word: str = ""


class Field(NamedTuple):
    """What the reader fills in.

    Attributes:
        expected: the exact number; None for a text, which nobody checks.
        mistaken: what usual mistakes give, by name.
        counted: whether it is a count, and no size in bytes.
        beyond: whether the reader has to mark it as hypothetical; None where that is not asked.
    """

    expected: Value | None = None
    mistaken: Value | None = None
    counted: bool = False
    beyond: Value | None = None


class Blank(NamedTuple):
    """A cell that the reader fills in, by the name of its field."""

    name: str


# Of a generated table. The first cell of each row heads the row; texts are in the page's language already.
Rows = Sequence[Sequence[str | Shown | Blank]]


class Foreign(NamedTuple):
    """Words of another language than the page's."""

    text: str
    language: str


Detail = Sequence[str | Foreign]


class Entry(NamedTuple):
    """An entry of a list: the id by which it is linked to, what is explained, and what is said of it, a line each."""

    id: str
    term: str
    details: Sequence[Detail]


class FormulaFace(NamedTuple):
    """A formula, or a ratio of two, for mathematics.

    Attributes:
        function: the formula.
        given: the arguments whose numbers are put in; the rest stay symbols.
        multiplies: whether the numbers of a product become one.
    """

    function: Callable[..., Any]
    given: Mapping[str, Any]
    multiplies: bool = False


class Derivation(NamedTuple):
    """A worked line of mathematics: symbol, formula, numbers put in, result in a format."""

    symbol: str
    value: Call
    format: str


class Drawing(NamedTuple):
    """A figure: its data, rows made from values, and the function that draws them and computes nothing."""

    data: Callable[[], Sequence[Any]]
    draw: Callable[[Sequence[Any], Words, Palette], Figure]
    measured: bool = False


class Claim(NamedTuple):
    """What some words of a page rely on: a relation that holds between each of the values and the next."""

    values: tuple[Value, ...]
    relation: Callable[[Any, Any], bool]

    @property
    def holds(self) -> bool:
        """Whether the results bear it out."""
        return all(self.relation(a.result, b.result) for a, b in pairwise(self.values))


@dataclass
class Page:
    """One page's results, by the names that its texts use.

    Attributes:
        path: the page's path below `docs/LANGUAGE`, without its suffix.
        shared_runs: whether it quotes runs of seconds that other pages quote too; one process computes all such pages.
    """

    path: str
    shared_runs: bool = False
    values: dict[str, Value] = field(default_factory=dict)
    formulas: dict[str, FormulaFace] = field(default_factory=dict)
    derivations: dict[str, Derivation] = field(default_factory=dict)
    tables: dict[str, Callable[[Words], Rows]] = field(default_factory=dict)
    lists: dict[str, Callable[[Words], Sequence[Entry]]] = field(default_factory=dict)
    figures: dict[str, Drawing] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)
    files: dict[str, Callable[[str], str]] = field(default_factory=dict)
    defined_at: dict[str, str] = field(default_factory=dict)
    claims: dict[str, list[Claim]] = field(default_factory=dict)

    def value(self, name: str, function: Callable[..., Any], **arguments: Any) -> Call:
        """Name the value of a call, and return it for use in other arguments, tables and figures."""
        found = call(function, **arguments)
        self.reuse(name, found, depth=2)
        return found

    def constant(self, name: str, expression: str) -> Value:
        """Name a constant of kvlab, by its dotted name, or an expression of some."""
        return self.reuse(name, constant(expression), depth=2)

    def parameter(self, name: str, number: float) -> Value:
        """Name a number that the page chooses."""
        return self.reuse(name, parameter(number), depth=2)

    def reuse(self, name: str, value: Value, depth: int = 1) -> Value:
        """Name a value that is defined already, here or by another page."""
        self._note(name, depth + 1)
        self.values[name] = value
        return value

    def formula(self, name: str, function: Callable[..., Any], **given: Any) -> None:
        """Name a formula, to be used inside mathematics: symbols, with numbers where they are `given`."""
        self._note(name, 2)
        self.formulas[name] = FormulaFace(function, given)

    def multiplied(self, name: str, function: Callable[..., int], **given: Any) -> None:
        """Name a formula as `formula` does, the numbers of each product multiplied: `256 · S · B · s`."""
        self._note(name, 2)
        self.formulas[name] = FormulaFace(function, given, multiplies=True)

    def derivation(self, name: str, symbol: str, value: Value, format: str = "") -> None:
        """Name a worked derivation: the value's formula, the numbers put in, and its result."""
        if not isinstance(value, Call):
            raise BookError(f"{name!r} derives {value.origin}, which is not a call of a formula")
        self._note(name, 2)
        self.derivations[name] = Derivation(symbol, value, format)

    def blank(self, name: str, expected: Value | None = None, mistaken: Value | None = None, **more: Any) -> Blank:
        """Name a field, and return the cell for a table that has it; without an expected number it takes a text."""
        self._note(name, 2)
        self.fields[name] = Field(expected, mistaken, **more)
        return Blank(name)

    def table(self, make: Callable[[Words], Rows]) -> Callable[[Words], Rows]:
        """Name a table after the function that makes its rows."""
        self._note(make.__name__, 2)
        self.tables[make.__name__] = make
        return make

    def entries(self, make: Callable[[Words], Sequence[Entry]]) -> Callable[[Words], Sequence[Entry]]:
        """Name a list of entries after the function that makes it."""
        self._note(make.__name__, 2)
        self.lists[make.__name__] = make
        return make

    def figure(
        self,
        name: str,
        data: Callable[[], Sequence[Row]],
        draw: Callable[[Sequence[Row], Words, Palette], Figure],
        measured: bool = False,
    ) -> None:
        """Name a figure; its words stand below the same name in the words files. `measured` data may grow stale."""
        self._note(name, 2)
        self.figures[name] = Drawing(data, draw, measured)

    def file(self, name: str, text: Callable[[str], str]) -> None:
        """Name Python of the package itself, or some lines of it: `text` returns it for a language, as it stands."""
        self._note(name, 2)
        self.files[name] = text

    def claim(self, name: str, *ascending: Value) -> None:
        """Name what words of the page rely on, `a < b < …`; the words begin with `[[if NAME]]`.

        The sentence that says it stands in `figures_src/words/claims.toml`. One name may claim several such relations.
        """
        self._rely(name, ascending, operator.lt)

    def same(self, name: str, *values: Value) -> None:
        """Name likewise that results of several routes are one, such as what a run counted and what a formula gives."""
        self._rely(name, values, operator.eq)

    def _rely(self, name: str, values: tuple[Value, ...], relation: Callable[[Any, Any], bool]) -> None:
        if name not in self.claims:
            self._note(name, 3)
        self.claims.setdefault(name, []).append(Claim(values, relation))

    def refuted(self, name: str) -> list[Claim]:
        """Return what the results contradict of the claims with a name. Raises `BookError` for an unknown one."""
        return [claim for claim in self.find("claims", name) if not claim.holds]

    def all_values(self) -> Iterator[Value]:
        """Return the values that have a name, and those of the claims."""
        yield from self.values.values()
        for claims in self.claims.values():
            yield from (value for claim in claims for value in claim.values)

    def find(self, kind: str, name: str) -> Any:
        """Return what is named, from `values`, `formulas`, … Raises `BookError` with the nearest known name."""
        known: Mapping[str, Any] = getattr(self, kind)
        if name not in known:
            raise BookError(f"unknown name {name!r} among the {kind} of this page; {nearest(name, known)}")
        return known[name]

    def _note(self, name: str, depth: int) -> None:
        where = _where(depth)
        if name in self.defined_at:
            raise BookError(f"{where}: {name!r} is defined twice; the first is at {self.defined_at[name]}")
        self.defined_at[name] = where


def _where(depth: int) -> str:
    """Return file and line of the page module that called, `depth` calls above our caller."""
    frame = sys._getframe(depth + 1)
    return f"{frame.f_globals['__name__'].replace('.', '/')}.py:{frame.f_lineno}"
