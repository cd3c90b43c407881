"""The JavaScript of formulas: what a page computes with, in whole numbers that have no largest (BigInt).

One function a formula, under its Python name, its arguments in the same order; a record is an object with fields of the
same names, and a missing number is null. What is not given, or is a Number, throws; so does what `@exact` refuses.
Helpers have names that begin with `$`, as none in Python does.
"""

from __future__ import annotations

from collections.abc import Iterable

from kvlab.accounting.integers import AT_LEAST_ONE
from kvlab.errors import KvlabError
from kvlab.formula.dialects import AND, ATOM, CHOICE, COMPARISON, NEGATIVE, NOT, OR, POWER, PRODUCT, SUM
from kvlab.formula.language import (
    Call,
    Ceiling,
    Choice,
    Comparison,
    Definition,
    Extreme,
    Field,
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
    Sum,
)
from kvlab.formula.pieces import Piece
from kvlab.formula.reading import read
from kvlab.formula.types import OPTIONAL, Kind, fields_of, is_record, items_of

# What may be a name in Python and is none in JavaScript.
WORDS = """
arguments case catch const debugger default delete do enum eval export extends false function implements instanceof
interface let new null package private protected public static super switch this throw true typeof undefined var void
"""

# Each is there only where it is used, and uses none but those before it. `name` is what to call a value in a message.
HELPERS = {
    "$integer": """
function $integer(name, value, least) {
  if (typeof value !== "bigint" || value < least)
    throw new TypeError(`${name} is ${value}, and must be a BigInt${least === undefined ? "" : ` from ${least} on`}`);
  return value;
}""",
    "$optional": """
function $optional(name, value, least) {
  if (value !== null) $integer(name, value, least);
}""",
    "$flag": """
function $flag(name, value) {
  if (typeof value !== "boolean") throw new TypeError(`${name} is ${value}, and must be true or false`);
}""",
    "$object": """
function $object(name, value) {
  if (typeof value !== "object" || value === null) throw new TypeError(`${name} is ${value}, and must be an object`);
}""",
    "$list": """
function $list(name, value, check) {
  if (!Array.isArray(value)) throw new TypeError(`${name} is ${value}, and must be an array`);
  for (const item of value) check(item);
}""",
    "$refuse": """
function $refuse(name) {
  throw new RangeError(`${name} refuses these numbers`);
}""",
    "$floor": """
function $floor(a, b) {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}""",
    "$modulo": """
function $modulo(a, b) {
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}""",
    "$ceiling": """
function $ceiling(a, b) {
  const quotient = a / b;
  return a % b !== 0n && a < 0n === b < 0n ? quotient + 1n : quotient;
}""",
    "$min": """
function $min(...values) {
  return values.reduce((a, b) => (b < a ? b : a));
}""",
    "$max": """
function $max(...values) {
  return values.reduce((a, b) => (b > a ? b : a));
}""",
    "$sum": """
function $sum(list, term) {
  return list.reduce((total, item) => total + term(item), 0n);
}""",
}


def javascript(formulas: Iterable[Formula]) -> str:
    """Return a script that defines the formulas, and all those that they call, each once and before its callers.

    Raises:
        KvlabError: a function is not a formula; a name is not valid in JavaScript; or two formulas have the same name.
    """
    functions: dict[str, str] = {}
    for formula in formulas:
        _add_formula(read(formula), functions)
    script = "\n\n".join(functions.values()) + "\n"
    for name, helper in reversed(HELPERS.items()):
        if f"{name}(" in script:
            script = f"{helper.strip()}\n\n{script}"
    return f'"use strict";\n\n{script}'


def _add_formula(formula: Definition, functions: dict[str, str]) -> None:
    for kind in formula.parameters.values():
        _add_record(kind, functions)
    writer = _Writer(formula)
    source = writer.source()
    for called in writer.called:
        _add_formula(called, functions)
    _add(formula.name, source, functions)


def _add_record(kind: Kind, functions: dict[str, str]) -> None:
    if (items := items_of(kind)) is not None:
        _add_record(items, functions)
    if is_record(kind):
        for field_kind in fields_of(kind).values():
            _add_record(field_kind, functions)
        checks = [_check(of, f"`${{name}}.{name}`", f"value.{name}", ", least") for name, of in fields_of(kind).items()]
        source = _function(f"${kind.__name__}", ["name", "value", "least"], ["$object(name, value)", *checks])
        _add(f"${kind.__name__}", source, functions)


def _add(name: str, source: str, functions: dict[str, str]) -> None:
    if functions.setdefault(name, source) != source:
        raise KvlabError(f"two formulas, or two of their arguments' types, have the name {name!r}; each needs its own")


def _function(name: str, parameters: Iterable[str], statements: Iterable[str]) -> str:
    body = "".join(f"  {statement};\n" for statement in statements)
    return f"function {name}({', '.join(parameters)}) {{\n{body}}}"


def _check(kind: Kind, name: str, value: str, least: str) -> str:
    """Return what throws where a value is not of this kind; `name` and `value` are JavaScript, `least` an argument."""
    if kind is int:
        return f"$integer({name}, {value}{least})"
    if kind == OPTIONAL:
        return f"$optional({name}, {value}{least})"
    if kind is bool:
        return f"$flag({name}, {value})"
    if (items := items_of(kind)) is not None:
        return f"$list({name}, {value}, (item) => {_check(items, name, 'item', least)})"
    return f"${kind.__name__}({name}, {value}{least})"


class _Writer:
    """Writes one formula as a function; `called` are the formulas that it calls, as far as it is written."""

    def __init__(self, formula: Definition) -> None:
        self.formula = formula
        self.called: list[Definition] = []

    def source(self) -> str:
        parameters = [self.named(name) for name in self.formula.parameters]
        kinds = self.formula.parameters.items()
        checks = [_check(kind, self.label(name), name, self.least(name)) for name, kind in kinds]
        result = f"return {self.piece(self.formula.body).text}"
        return _function(self.named(self.formula.name), parameters, [*checks, result])

    def piece(self, node: Node) -> Piece:
        match node:
            case Number(number):
                return Piece(f"{number}n", ATOM if number >= 0 else NEGATIVE)
            case Nothing():
                return Piece("null")
            case Name(name):
                return Piece(name)
            case Field(record, name):
                return Piece(f"{self.piece(record).text}.{name}")
            case Present(reference):
                path = self.piece(reference).text
                return Piece(_check(int, self.label(path), path, self.least(path)))
            case Negative(a):
                return Piece(f"-{self.within(a, ATOM)}", NEGATIVE)
            case Operation(sign, a, b):
                return self.operation(sign, a, b)
            case Power(a, exponent):
                return Piece(f"{self.within(a, ATOM)} ** {exponent}n", POWER)
            case Ceiling(a, b):
                return self.helper("$ceiling", a, b)
            case Extreme(name, parts):
                return self.helper(f"${name}", *parts)
            case Choice(condition, then, otherwise):
                return self.choice(condition, self.within(then, OR), otherwise)
            case Guard(refused, of):
                return self.choice(refused, f'$refuse("{self.formula.name}")', of)
            case Sum(term, variable, over):
                item = self.named(variable.name)
                return Piece(f"$sum({self.piece(over).text}, ({item}) => {self.piece(term).text})")
            case Call(formula, arguments):
                return self.call(formula, arguments)
            case Comparison() | Logic() | Not():
                return self.condition(node)

    def operation(self, sign: str, a: Node, b: Node) -> Piece:
        match sign:
            case "//":
                return self.helper("$floor", a, b)
            case "%":
                return self.helper("$modulo", a, b)
            case "*":
                return Piece(f"{self.within(a, PRODUCT)} * {self.within(b, PRODUCT)}", PRODUCT)
        return Piece(f"{self.within(a, NEGATIVE)} {sign} {self.within(b, PRODUCT)}", SUM)

    def condition(self, node: Comparison | Logic | Not) -> Piece:
        match node:
            case Comparison(signs, operands):
                parts = [self.within(operand, NEGATIVE) for operand in operands]
                strict = [f"{sign}=" if sign in ("==", "!=") else sign for sign in signs]
                pairs = [f"{a} {sign} {b}" for a, sign, b in zip(parts, strict, parts[1:], strict=False)]
                return Piece(" && ".join(pairs), COMPARISON if len(pairs) == 1 else AND)
            case Logic(word, parts_):
                sign, strength = (" && ", AND) if word == "and" else (" || ", OR)
                return Piece(sign.join(self.within(part, strength) for part in parts_), strength)
            case Not(a):
                return Piece(f"!{self.within(a, ATOM)}", NOT)

    def choice(self, condition: Node, then: str, otherwise: Node) -> Piece:
        return Piece(f"{self.within(condition, OR)} ? {then} : {self.piece(otherwise).text}", CHOICE)

    def helper(self, name: str, *arguments: Node) -> Piece:
        return Piece(f"{name}({', '.join(self.piece(argument).text for argument in arguments)})")

    def call(self, formula: Definition, arguments: tuple[Node, ...]) -> Piece:
        self.called.append(formula)
        return self.helper(formula.name, *arguments)

    def within(self, node: Node, strength: int) -> str:
        """Return a part of a larger expression, in parentheses if it would fall apart there."""
        part = self.piece(node)
        return part.text if part.strength >= strength else f"({part.text})"

    def label(self, path: str) -> str:
        return f'"{self.formula.name}: {path}"'

    def least(self, name: str) -> str:
        """Return the argument of a check that says from which number on `@exact` takes what has this name."""
        return f", {int(name in AT_LEAST_ONE)}n" if self.formula.exact else ""

    def named(self, name: str) -> str:
        if name in WORDS.split():
            raise KvlabError(f"{self.formula.name}: {name!r} is a word of JavaScript, and cannot be a name there")
        return name
