"""Values: what a page shows, and where each comes from.

call(function, …)                 what a call of kvlab returns
call(…).field("exact.steps")      a part of what a call returns
constant("kvlab.cache.TILE")      a constant of kvlab, or an expression of some
parameter(128)                    a number that the page chooses
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

from figures_src import store
from kvlab import formula, units
from kvlab.errors import KvlabError

# What is in the record of measurements may change without any source: never kept.
RECORD = "kvlab.benchmark.record"
LINE, SHORT = 40, 24  # characters of arguments that stand on one line, and of a result that stands below it

_seen: dict[str, object] = {}  # within one build, both languages and every page share a result
_wholes: dict[str, object] = {}  # what calls return of which parts are asked for, by their origins
ran: list[str] = []  # the calls among them that were run because their results were not kept


class Value(ABC):
    """What a page shows.

    Attributes:
        chosen: whether the page chooses it, so that it comes from nowhere else.
        measured: whether it comes from the record of measurements, itself or through an argument.
        formula: the formula in plain text, where there is one.
        origin: the expression that computes it, which runs as it stands once its modules are imported.
        result: what that comes to; a literal.
    """

    chosen = False
    measured: bool = False
    formula: str | None = None

    @property
    @abstractmethod
    def origin(self) -> str:
        """See above."""

    @property
    @abstractmethod
    def result(self) -> Any:
        """See above."""

    @property
    def program(self) -> str:
        """Lines that run as they stand, with the result below them where that is short."""
        return _with_result(f"import {_module_in(self.origin)}\n\n{self.origin}", self.result)


@dataclass(frozen=True)
class Call(Value):
    """A call of `function` with `arguments`; an argument may itself be a `Value`, whose result is then put in.

    Attributes:
        function: a public function of kvlab.
        arguments: by name; literals, values, or lists of them.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]

    @cached_property
    def literals(self) -> dict[str, Any]:
        """The arguments as literals."""
        return {name: _as_literal(argument) for name, argument in self.arguments.items()}

    @cached_property
    def measured(self) -> bool:  # type: ignore[override]
        """See `Value`."""
        listed = (one for it in self.arguments.values() for one in (it if isinstance(it, list) else [it]))
        return self.function.__module__ == RECORD or any(one.measured for one in listed if isinstance(one, Value))

    @cached_property
    def origin(self) -> str:
        """The call as source that runs as it stands, made from the very objects that are called."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.literals.items())
        return f"{self.function.__module__}.{self.function.__qualname__}({arguments})"

    @property
    def program(self) -> str:
        """The same call as lines that run as they stand, with its result below it where that is short."""
        module = self.function.__module__
        arguments = [f"{name}={value!r}" for name, value in self.literals.items()]
        inside = ", ".join(arguments)
        if len(inside) > LINE:
            inside = "".join(f"\n    {argument}," for argument in arguments) + "\n"
        return _with_result(f"import {module}\n\n{module}.{self.function.__qualname__}({inside})", self.result)

    @cached_property
    def formula(self) -> str | None:  # type: ignore[override]
        """The formula in plain text, where the function is one; a function of runs or look-ups has none.

        A ratio has the formulas of what it divides. What the accounting returns that is not a whole number, such as a
        ratio with its own name or the name of a bound, is not a formula either.
        """
        if self.function is units.ratio:
            return " / ".join(_operand(argument) for argument in self.arguments.values())
        if not self.function.__module__.startswith("kvlab.accounting."):
            return None
        return formula.text(self.function) if get_type_hints(self.function)["return"] is int else None

    @property
    def result(self) -> Any:
        """See `Value`: run once a build at most, and not at all where the same content has run before."""
        return self.kept(self.origin, self.run)

    def run(self) -> Any:
        """Return what the call returns, which need not be a literal."""
        return self.function(**self.literals)

    def field(self, path: str) -> Value:
        """Return a part of what the call returns, such as `exact.differing_logits` or `[0].name`."""
        return Field(self, path)

    def kept(self, origin: str, compute: Callable[[], Any]) -> Any:
        """Return what the call, or something made of it, comes to: from this build, from an earlier one, or now."""
        if origin not in _seen:
            _seen[origin] = compute() if self.measured else self._recall(origin, compute)
        return _seen[origin]

    def _recall(self, origin: str, compute: Callable[[], Any]) -> Any:
        module = self.function.__module__
        key = store.key_of(origin, store.sources_of(module), store.data_read_by(module))
        recalled = _literal(store.lookup("values", key))
        if recalled is not None:
            return recalled
        result = compute()
        if _literal(repr(result)) != result:
            raise KvlabError(f"{origin} is a {type(result).__name__}, which cannot be kept as a literal")
        store.put("values", key, repr(result))
        ran.append(origin)
        return result


@dataclass(frozen=True)
class Field(Value):
    """A part of what a call returns: only the part is kept, and the whole is computed once a build."""

    whole: Call
    path: str

    @property
    def measured(self) -> bool:  # type: ignore[override]
        """See `Value`."""
        return self.whole.measured

    @property
    def origin(self) -> str:
        """See `Value`."""
        return f"{self.whole.origin}{'' if self.path.startswith('[') else '.'}{self.path}"

    @property
    def result(self) -> Any:
        """See `Value`. Raises `KvlabError` where there is no such part."""
        return self.whole.kept(self.origin, self._look)

    def _look(self) -> Any:
        if self.whole.origin not in _wholes:
            _wholes[self.whole.origin] = self.whole.run()
        path = self.origin.removeprefix(self.whole.origin)
        return _evaluated(f"whole{path}", self.origin, _wholes[self.whole.origin])


@dataclass(frozen=True)
class Constant(Value):
    """A constant of kvlab by its dotted name, or an expression of some, such as `len(kvlab.cache.broken.BUGS)`."""

    expression: str

    @property
    def origin(self) -> str:
        """See `Value`."""
        return self.expression

    @cached_property
    def result(self) -> Any:
        """See `Value`. Raises `KvlabError` where there is no such constant."""
        importlib.import_module(_module_in(self.expression))
        return _evaluated(self.expression, self.expression)


@dataclass(frozen=True)
class Parameter(Value):
    """A number that a page chooses."""

    number: int | float
    chosen = True

    @property
    def origin(self) -> str:
        """See `Value`."""
        return repr(self.number)

    @property
    def result(self) -> Any:
        """See `Value`."""
        return self.number


def _as_literal(argument: Any) -> Any:
    """Return an argument with each value replaced by its result."""
    if isinstance(argument, list):
        return [_as_literal(one) for one in argument]
    return argument.result if isinstance(argument, Value) else argument


def _operand(argument: Any) -> str:
    """Return one side of a ratio: its formula, or its number where it has none."""
    written = argument.formula if isinstance(argument, Value) else None
    if written is None:
        return f"{argument.result if isinstance(argument, Value) else argument:,}"
    return f"({written})" if any(sign in written for sign in "+−·") else written


def _literal(text: str | None) -> Any:
    """Return what `text` says, or None: an entry that a full disk cut short is as good as none."""
    try:
        return None if text is None else ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return None


def _module_in(expression: str) -> str:
    """Return the module that the first dotted name of kvlab in an expression begins with."""
    match = re.search(r"\bkvlab(?:\.\w+)*", expression)
    name = match[0] if match else ""
    while name and not store.is_module(name):
        name = name.rpartition(".")[0]
    if not name:
        raise KvlabError(f"{expression!r} names nothing of kvlab; write it with its module, kvlab.room.NAME")
    return name


def _evaluated(expression: str, origin: str, whole: object = None) -> Any:
    try:
        return eval(expression, {"kvlab": sys.modules["kvlab"], "whole": whole})
    except (AttributeError, NameError, LookupError, TypeError) as error:
        raise KvlabError(f"there is no {origin}: {error}") from None


def _with_result(program: str, result: object) -> str:
    return f"{program}\n# {result!r}" if len(repr(result)) <= SHORT else program


def call(function: Callable[..., Any], **arguments: Any) -> Call:
    """Return the value of `function(**arguments)`; nothing runs until its result is asked for."""
    return Call(function, arguments)


def constant(expression: str) -> Constant:
    """Return a constant of kvlab, by its dotted name. Raises `KvlabError` where there is none."""
    found = Constant(expression)
    _ = found.result
    return found


def parameter(number: float) -> Parameter:
    """Return a number that the page chooses."""
    return Parameter(number)
