"""What an argument of a formula can be: its kind, which is its type as the function declares it.

A whole number, a truth, a whole number or None, a record (a frozen dataclass), or a list of one of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from types import GenericAlias
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

Kind: TypeAlias = Any
OPTIONAL: Kind = int | None


def kind_of(hint: Any) -> Kind:
    """Return the kind of what is declared as `hint`; None where formulas know no such thing."""
    if hint in (int, bool, OPTIONAL) or is_record(hint):
        return hint
    if get_origin(hint) in (list, Iterable, Sequence) and (items := kind_of(get_args(hint)[0])) is not None:
        return GenericAlias(list, items)
    return None


def is_record(kind: Kind) -> bool:
    """Return whether a kind is a frozen dataclass."""
    return isinstance(kind, type) and getattr(getattr(kind, "__dataclass_params__", None), "frozen", False)


def fields_of(kind: Kind) -> dict[str, Kind]:
    """Return the kinds of a record's fields, of those that formulas may use. Raises `NameError` as type hints do."""
    hints = get_type_hints(kind)
    kinds = {field.name: kind_of(hints[field.name]) for field in fields(kind)}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def items_of(kind: Kind) -> Kind:
    """Return the kind of a list's items; None where it is not a list."""
    return get_args(kind)[0] if isinstance(kind, GenericAlias) else None


def shown(kind: Kind) -> str:
    """Return what to call a kind in a sentence."""
    return getattr(kind, "__name__", str(kind))
