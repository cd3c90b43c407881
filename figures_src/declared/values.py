"""A value: one call of a kvlab function with literal arguments, its result, and how to say where it came from."""

from __future__ import annotations

import ast
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
ran: list[str] = []  # the calls among them that were run because their results were not kept


@dataclass(frozen=True)
class Value:
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
    def measured(self) -> bool:
        """Whether it comes from the record of measurements, itself or through an argument."""
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
        module, result = self.function.__module__, repr(self.result)
        arguments = [f"{name}={value!r}" for name, value in self.literals.items()]
        inside = ", ".join(arguments)
        if len(inside) > LINE:
            inside = "".join(f"\n    {argument}," for argument in arguments) + "\n"
        below = f"\n# {result}" if len(result) <= SHORT else ""
        return f"import {module}\n\n{module}.{self.function.__qualname__}({inside}){below}"

    @cached_property
    def formula(self) -> str | None:
        """The formula in plain text, where the function is one; a function of runs or look-ups has none.

        A ratio has the formulas of what it divides. What the accounting returns that is no whole number, such as a
        ratio with its own name or the name of a bound, is no formula either.
        """
        if self.function is units.ratio:
            return " / ".join(_operand(argument) for argument in self.arguments.values())
        if not self.function.__module__.startswith("kvlab.accounting."):
            return None
        return formula.text(self.function) if get_type_hints(self.function)["return"] is int else None

    @cached_property
    def result(self) -> Any:
        """What the call returns: run once a build at most, and not at all where the same content has run before."""
        if self.origin not in _seen:
            _seen[self.origin] = self._run_or_recall()
        return _seen[self.origin]

    def _run_or_recall(self) -> Any:
        module = self.function.__module__
        if self.measured:
            return self.function(**self.literals)
        key = store.key_of(self.origin, store.sources_of(module), store.data_read_by(module))
        recalled = _literal(store.lookup("values", key))
        if recalled is not None:
            return recalled
        result = self.function(**self.literals)
        if _literal(repr(result)) != result:
            raise KvlabError(f"{self.origin} returns {type(result).__name__}, which cannot be kept as a literal")
        store.put("values", key, repr(result))
        ran.append(self.origin)
        return result


def _as_literal(argument: Any) -> Any:
    """Return an argument with the result of each value in the place of it."""
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


def call(function: Callable[..., Any], **arguments: Any) -> Value:
    """Return the value of `function(**arguments)`; nothing runs until its result is asked for."""
    return Value(function, arguments)
