"""The language of formulas: what a formula is made of, once it is read.

A node stands for a whole number, for a condition, or for an argument of another kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kvlab.formula.types import Kind

Formula = Callable[..., int]


@dataclass(frozen=True)
class Definition:
    """A formula that is read.

    Attributes:
        name: of its function.
        parameters: the kind of each argument, in order.
        body: the number that it comes to.
        exact: whether it refuses negative arguments, as `kvlab.accounting.integers.exact` makes it.
    """

    name: str
    parameters: Mapping[str, Kind]
    body: Node
    exact: bool


@dataclass(frozen=True)
class Number:
    """A number that stands in the source, or a named constant."""

    value: int


@dataclass(frozen=True)
class Nothing:
    """What a number that is missing is compared with: Python's None."""


@dataclass(frozen=True)
class Name:
    """An argument, or what a sum runs over."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Field:
    """A field of a record."""

    record: Reference
    name: str
    kind: Kind


@dataclass(frozen=True)
class Present:
    """A number that may be missing, where one is needed."""

    number: Reference


@dataclass(frozen=True)
class Negative:
    """`-operand`."""

    operand: Node


@dataclass(frozen=True)
class Operation:
    """One of `+ - * // %` on two numbers."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Power:
    """`base ** exponent`, the exponent a number in the source, so that the result is a whole number too."""

    base: Node
    exponent: int


@dataclass(frozen=True)
class Ceiling:
    """The quotient rounded up, in the source `-(-dividend // divisor)`."""

    dividend: Node
    divisor: Node


@dataclass(frozen=True)
class Extreme:
    """The least or the greatest of several numbers: `min(…)`, `max(…)`."""

    name: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Sum:
    """`sum(term for variable in over)`."""

    term: Node
    variable: Name
    over: Reference


@dataclass(frozen=True)
class Call:
    """Another formula, and its arguments in the order of its parameters."""

    formula: Definition
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """`then if condition else otherwise`."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Guard:
    """`if refused: raise …`, and then the value of the formula for what is not refused."""

    refused: Node
    result: Node


@dataclass(frozen=True)
class Comparison:
    """`a < b`, or a chain `a < b <= c`, which has a sign more; `a is None` is `a == Nothing`."""

    signs: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Logic:
    """Conditions joined by `and`, or by `or`."""

    word: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    """A condition that must not hold."""

    condition: Node


Reference: TypeAlias = Name | Field
Node: TypeAlias = (
    Number
    | Nothing
    | Reference
    | Present
    | Negative
    | Operation
    | Power
    | Ceiling
    | Extreme
    | Sum
    | Call
    | Choice
    | Guard
    | Comparison
    | Logic
    | Not
)

_OPPOSITE = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}


def opposite(condition: Node) -> Node:
    """Return the condition that holds where `condition` does not."""
    match condition:
        case Comparison((sign,), operands):
            return Comparison((_OPPOSITE[sign],), operands)
        case Not(negated):
            return negated
    return Not(condition)
