"""Pieces of a written formula, and what a product is made of: pieces, and the numbers of its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import TypeAlias

from kvlab.formula.dialects import ATOM


@dataclass(frozen=True)
class Piece:
    """Written text, and how tightly it holds together."""

    text: str
    strength: int = ATOM


class Literal(int):
    """A number that the source passes to a formula as such."""


Factor: TypeAlias = Piece | int | Fraction


def number_of(factors: Sequence[Factor]) -> int:
    """Return the number that the numbers among the factors make; those that divide are chosen to leave no rest."""
    return int(prod(factor for factor in factors if not isinstance(factor, Piece)))


def place_of_number(factors: Sequence[Factor]) -> int:
    """Return the place of the first number among the factors."""
    return next(place for place, factor in enumerate(factors) if not isinstance(factor, Piece))
