"""Which formulas there are: the public functions of the accounting, room by room, in the order in which they stand."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from kvlab import accounting
from kvlab.errors import KvlabError
from kvlab.formula.reading import read, read_ratio

Function = Callable[..., Any]


def functions() -> dict[str, dict[str, Function]]:
    """Return the public functions of each module of the accounting but `integers`, which checks arguments."""
    rooms = [info.name for info in pkgutil.iter_modules(accounting.__path__) if info.name != "integers"]
    found = {room: _public(importlib.import_module(f"{accounting.__name__}.{room}")) for room in rooms}
    return {room: inside for room, inside in found.items() if inside}


def is_formula(function: Function) -> bool:
    """Return whether a function is a formula: one that comes to a whole number by arithmetic alone."""
    return _is_read_by(read, function)


def is_ratio(function: Function) -> bool:
    """Return whether a function returns the ratio of two formulas."""
    return _is_read_by(read_ratio, function)


def _public(module: Any) -> dict[str, Function]:
    return {
        name: function
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }


def _is_read_by(reader: Callable[[Function], Any], function: Function) -> bool:
    try:
        reader(function)
    except KvlabError:
        return False
    return True
