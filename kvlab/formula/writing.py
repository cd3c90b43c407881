"""The faces of a formula that people read: text, LaTeX, and either with numbers put in.

What is known is written as its number, and all else as its symbol. Calls of other formulas are written out; what is
passed to them stands as the number that it comes to, where it is known. Of a conditional, the branch that applies is
written, where that is known. A sum over a list that is known has a term for each of its items. The numbers that a
product has in the source are multiplied: half of `4 · x` is `2 · x`, and one times `x` is `x`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import gcd
from typing import Any

from kvlab.errors import KvlabError
from kvlab.formula import dialects
from kvlab.formula.dialects import ATOM, NEGATIVE, PRODUCT, SUM, SYMBOLS, TEXT, Dialect
from kvlab.formula.division import comes_out_even
from kvlab.formula.evaluation import UNKNOWN, checked, value
from kvlab.formula.language import (
    Call,
    Ceiling,
    Choice,
    Comparison,
    Definition,
    Extreme,
    Formula,
    Guard,
    Logic,
    Name,
    Negative,
    Node,
    Not,
    Nothing,
    Number,
    Operation,
    Power,
    Present,
    Reference,
    Sum,
    opposite,
)
from kvlab.formula.pieces import Factor, Literal, Piece, number_of, place_of_number
from kvlab.formula.reading import read, read_ratio
from kvlab.formula.types import OPTIONAL


def text(formula: Formula) -> str:
    """Return the formula in plain text: `2 · L · H_kv · d_h · S · B · s`. Raises `KvlabError` as `write` does."""
    return write(formula, TEXT)


def latex(formula: Formula, number: Callable[[int], str] = dialects.plain_number) -> str:
    """Return the formula in LaTeX, in written order. Raises `KvlabError` as `write` does."""
    return write(formula, dialects.latex_dialect(number))


def with_numbers(formula: Formula, values: Mapping[str, Any], dialect: Dialect = TEXT) -> str:
    """Return the formula with `values` put in for its arguments, nothing else changed: `2 · 2 · 4 · 16 · 128 · 1 · 4`.

    Raises:
        KvlabError: an argument has no value; the formula refuses these, or divides by zero; or as `write` does.
    """
    definition = read(formula)
    if missing := [name for name in definition.parameters if name not in values]:
        raise KvlabError(f"{definition.name}: no value for {', '.join(missing)}")
    if value(definition.body, _known(definition, values)) is UNKNOWN:
        raise KvlabError(f"{definition.name} has no result with these numbers: it refuses them, or divides by zero")
    return write(formula, dialect, values)


def write(
    formula: Formula,
    dialect: Dialect,
    values: Mapping[str, Any] | None = None,
    names_calls: bool = False,
    multiplies: bool = False,
) -> str:
    """Return the formula's body in a dialect: symbols, but numbers for the arguments that have `values`.

    Calls of other formulas are written out, or, if it `names_calls`, by their names and the numbers that are passed
    to them; layers and elements are not named. If it `multiplies`, a product has one number: `256 · S · B · s`.

    Raises:
        KvlabError: the function is not a formula, of which file and line are named; a value is of another kind than its
            argument; a quantity has no symbol, or the symbol of another.
    """
    definition = read(formula)
    known = _known(definition, values or {})
    if multiplies:
        known |= {name: Literal(number) for name, number in known.items() if type(number) is int}
    return _Writer(definition, dialect, known, names_calls=names_calls).piece(definition.body).text


def write_ratio(function: Callable[..., Any], dialect: Dialect, values: Mapping[str, Any] | None = None) -> str:
    """Return as a fraction in lowest terms what a function divides that returns `ratio(a, b)`. Raises as `write`."""
    formula, divisor = read_ratio(function)
    writer = _Writer(formula, dialect, _known(formula, values or {}))
    above, below = writer.factors(formula.body), writer.factors(divisor.body)
    shared = Fraction(1, gcd(number_of(above), number_of(below)))
    return writer.fraction(dialect.quotient, writer.product([*above, shared]), writer.product([*below, shared])).text


def _known(formula: Definition, values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = formula.parameters.items()
    return {name: checked(formula.name, name, kind, values[name]) for name, kind in kinds if name in values}


@dataclass(frozen=True)
class _Writer:
    """Writes parts of one formula.

    Attributes:
        formula: the one that is written.
        dialect: the language.
        known: the values of arguments.
        written: what replaces the others, where it is not their own symbol.
        symbols: what each symbol stands for that is written.
        names_calls: whether another formula is called by its name, or written out.
    """

    formula: Definition
    dialect: Dialect
    known: Mapping[str, Any]
    written: Mapping[str, Piece] = field(default_factory=dict)
    symbols: dict[str, str] = field(default_factory=dict)
    names_calls: bool = False

    def piece(self, node: Node) -> Piece:
        signs = self.dialect.signs
        match node:
            case Number(number):
                return self.constant(number)
            case Nothing():
                return self.constant(None)
            case Present(a):
                return self.piece(a)
            case Negative(a):
                return Piece(signs["-"] + self.within(a, PRODUCT).text, NEGATIVE)
            case Power(a, exponent):
                return Piece(self.dialect.power(self.within(a, ATOM).text, exponent), dialects.POWER)
            case Ceiling(a, b):
                return self.fraction(self.dialect.ceiling, self.piece(a), self.piece(b))
            case Extreme(name, parts):
                return Piece(self.dialect.call(name, [self.piece(part).text for part in parts]), ATOM)
            case Operation():
                return self.operation(node)
            case Choice():
                return self.choice(node)
            case Guard(_, of):
                return self.piece(of)
            case Comparison() | Logic() | Not():
                return self.condition(node)
            case Sum():
                return self.sum(node)
            case Call():
                return self.named_call(node) if self.names_calls else self.inside(node).piece(node.formula.body)
            case _:
                return self.reference(node)

    def operation(self, node: Operation) -> Piece:
        sign, a, b = node.sign, node.left, node.right
        match sign:
            case "+" | "-":
                return self.joined(sign, self.within(a, NEGATIVE), self.within(b, SUM if sign == "+" else PRODUCT))
            case "%":
                joined = self.joined(sign, self.within(a, dialects.POWER), self.within(b, dialects.POWER))
                return replace(joined, strength=dialects.MODULO)
        return self.product(self.factors(node))

    def factors(self, node: Node) -> list[Factor]:
        match node:
            case Number(number):
                return [number]
            case Name(name) if isinstance(self.known.get(name), Literal):
                return [self.known[name]]
            case Guard(_, result):
                return self.factors(result)
            case Call(formula) if not self.names_calls:
                return self.inside(node).factors(formula.body)
            case Operation("*", a, b):
                return self.factors(a) + self.factors(b)
            case Operation("//", a, Number(b)) if b > 0 and number_of(self.factors(a)) % b == 0:
                return [*self.factors(a), Fraction(1, b)]
            case Operation("//", a, b):
                return [self.quotient(a, b)]
        return [self.piece(node)]

    def product(self, factors: list[Factor]) -> Piece:
        """Return the factors as one piece; the numbers of the source stand as one where the first of them is."""
        pieces = [factor for factor in factors if isinstance(factor, Piece)]
        if (number := number_of(factors)) != 1 or not pieces:
            pieces.insert(place_of_number(factors), self.constant(number))
        return pieces[0] if len(pieces) == 1 else self.joined("*", *(self.grouped(piece, PRODUCT) for piece in pieces))

    def quotient(self, a: Node, b: Node) -> Piece:
        if comes_out_even(a, b):
            return replace(self.fraction(self.dialect.quotient, self.piece(a), self.piece(b)), strength=PRODUCT)
        return self.fraction(self.dialect.floor, self.piece(a), self.piece(b))

    def joined(self, sign: str, *pieces: Piece) -> Piece:
        """Return pieces with a sign between them, which hold together as the loosest does."""
        strongest = PRODUCT if sign == "*" else SUM
        text = f" {self.dialect.signs[sign]} ".join(piece.text for piece in pieces)
        return Piece(text, min(pieces[0].strength, strongest))

    def fraction(self, write: Callable[[str, str], str], a: Piece, b: Piece) -> Piece:
        above, below = self.dialect.in_fraction
        return Piece(write(self.grouped(a, above).text, self.grouped(b, below).text), ATOM)

    def choice(self, node: Choice) -> Piece:
        holds = value(node.condition, self.known)
        if holds is not UNKNOWN:
            return self.piece(node.then if holds else node.otherwise)
        parts = (
            self.within(node.then, dialects.OR),
            self.within(node.condition, dialects.OR),
            self.piece(node.otherwise),
            self.within(opposite(node.condition), dialects.OR),
        )
        return Piece(self.dialect.choice(*(part.text for part in parts)), dialects.CHOICE)

    def condition(self, node: Comparison | Logic | Not) -> Piece:
        signs = self.dialect.signs
        match node:
            case Comparison(between, operands):
                first, *others = [self.within(operand, dialects.MODULO).text for operand in operands]
                compared = [f" {signs[sign]} {other}" for sign, other in zip(between, others, strict=True)]
                return Piece(first + "".join(compared), dialects.COMPARISON)
            case Logic(word, parts):
                strength = dialects.AND if word == "and" else dialects.OR
                pieces = [self.within(part, strength + 1).text for part in parts]
                return Piece(f" {signs[word]} ".join(pieces), strength)
            case Not(a):
                return Piece(f"{signs['not']} {self.within(a, dialects.ATOM).text}", dialects.NOT)

    def sum(self, node: Sum) -> Piece:
        name, items = node.variable.name, value(node.over, self.known)
        if items is UNKNOWN:
            item = self.named(node.variable, f"{self.reference(node.over).text}[]")
            known = {other: self.known[other] for other in self.known if other != name}
            inner = replace(self, known=known, written={**self.written, name: item})
            return Piece(f"{self.dialect.signs['sum']} {inner.within(node.term, PRODUCT).text}", SUM)
        terms = [replace(self, known={**self.known, name: item}).piece(node.term) for item in items]
        if len(terms) < 2:
            return terms[0] if terms else self.constant(0)
        return self.joined("+", *(self.grouped(term, PRODUCT) for term in terms))

    def named_call(self, call: Call) -> Piece:
        passed = zip(call.arguments, call.formula.parameters.values(), strict=True)
        arguments = [self.piece(argument).text for argument, kind in passed if kind in (int, OPTIONAL)]
        return Piece(self.dialect.named(call.formula.name, arguments), ATOM)

    def inside(self, call: Call) -> _Writer:
        """Return the writer of the formula that is called."""
        known, written = {}, {}
        for name, argument in zip(call.formula.parameters, call.arguments, strict=True):
            number = Literal(argument.value) if isinstance(argument, Number) else value(argument, self.known)
            if number is UNKNOWN:
                written[name] = self.piece(argument)
            else:
                known[name] = number
        return replace(self, formula=call.formula, known=known, written=written)

    def reference(self, node: Reference) -> Piece:
        known = value(node, self.known)
        if known is not UNKNOWN:
            return self.constant(known)
        if isinstance(node, Name):
            return self.written.get(node.name) or self.named(node, node.name)
        return self.named(node, f"{self.reference(node.record).text}.{node.name}")

    def named(self, node: Reference, path: str) -> Piece:
        """Return the symbol of a quantity that is at `path`; the path itself of what is shown only by its parts."""
        if node.kind not in (int, bool, OPTIONAL):
            return Piece(path, ATOM)
        if node.name not in SYMBOLS:
            raise KvlabError(f"{self.formula.name}: the argument {node.name!r} has no symbol in kvlab.formula.SYMBOLS")
        symbol = SYMBOLS[node.name]
        if self.symbols.setdefault(symbol, path) != path:
            raise KvlabError(
                f"{self.formula.name}: the symbol {symbol} stands for {self.symbols[symbol]} and for {path}"
            )
        return Piece(self.dialect.symbol(symbol), ATOM)

    def constant(self, known: int | None) -> Piece:
        if known is None or isinstance(known, bool):
            return Piece(self.dialect.signs[str(known)], ATOM)
        if known < 0:
            return Piece(self.dialect.signs["-"] + self.dialect.number(-known), NEGATIVE)
        return Piece(self.dialect.number(known), ATOM)

    def within(self, node: Node, strength: int) -> Piece:
        """Return a part of a larger expression, in parentheses if it would fall apart there."""
        return self.grouped(self.piece(node), strength)

    def grouped(self, part: Piece, strength: int) -> Piece:
        return part if part.strength >= strength else Piece(self.dialect.group(part.text), ATOM)
