"""What a formula, or a part of it, comes to where its arguments are known."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from kvlab.errors import KvlabError
from kvlab.formula.language import (
    Call,
    Ceiling,
    Choice,
    Comparison,
    Extreme,
    Field,
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
from kvlab.formula.types import OPTIONAL, Kind, is_record, items_of, shown

UNKNOWN = object()  # stands for a number that is unknown

_OPERATORS: Mapping[str, Any] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "min": min,
    "max": max,
    "and": all,
    "or": any,
}


def checked(formula: str, name: str, kind: Kind, argument: Any) -> Any:
    """Return an argument, NumPy's integers as Python's. Raises `KvlabError` where it is not of its kind."""
    items = items_of(kind)
    if items is not None and isinstance(argument, Iterable):
        return [checked(formula, name, items, item) for item in argument]
    if kind in (int, OPTIONAL) and not isinstance(argument, bool):
        with suppress(TypeError):
            return operator.index(argument)
    if (kind == OPTIONAL and argument is None) or ((kind is bool or is_record(kind)) and isinstance(argument, kind)):
        return argument
    wanted = "a whole number" if kind is int else shown(kind)
    raise KvlabError(f"{formula}: {name} is {argument!r:.60}, and must be {wanted}")


def value(node: Node, known: Mapping[str, Any]) -> Any:
    """Return what a node comes to; `UNKNOWN` where something is not `known` for that, or it comes to nothing."""
    try:
        return _value(node, known)
    except (KeyError, ArithmeticError):
        return UNKNOWN


def _value(node: Node, known: Mapping[str, Any]) -> Any:
    def of(part: Node) -> Any:
        return _value(part, known)

    match node:
        case Number(number):
            return number
        case Nothing():
            return None
        case Name(name):
            return known[name]
        case Field(record, name):
            return getattr(of(record), name)
        case Present(a):
            if of(a) is None:
                raise ArithmeticError("a number is missing")
            return of(a)
        case Negative(a):
            return -of(a)
        case Operation(sign, a, b):
            return _OPERATORS[sign](of(a), of(b))
        case Power(a, exponent):
            return of(a) ** exponent
        case Ceiling(a, b):
            return -(-of(a) // of(b))
        case Extreme(name, parts):
            return _OPERATORS[name](of(part) for part in parts)
        case Sum(term, variable, items):
            return sum(_value(term, {**known, variable.name: item}) for item in of(items))
        case Call(formula, arguments):
            values = [of(argument) for argument in arguments]
            return _value(formula.body, dict(zip(formula.parameters, values, strict=True)))
        case Choice(condition, then, otherwise):
            return of(then) if of(condition) else of(otherwise)
        case Guard(refused, result):
            if of(refused):
                raise ArithmeticError("the formula refuses these numbers")
            return of(result)
        case Comparison(signs, operands):
            pairs = zip(signs, operands, operands[1:], strict=False)
            return all(_OPERATORS[sign](of(a), of(b)) for sign, a, b in pairs)
        case Logic(word, parts):
            return _OPERATORS[word](of(part) for part in parts)
        case Not(condition):
            return not of(condition)
