"""From the plain Python function that is a formula's only definition to the language of formulas.

    body      = `if condition: body` … `if condition: raise …` … `return number`
    number    = integer | argument | field | a constant's name | − + · ⌊a / b⌋ a mod b a² | ⌈a / b⌉ as -(-a // b)
              | min | max | a formula's call | sum(number for x in list) | number if condition else number
    condition = a < b ≤ … | argument is None | an argument that is true or false | and | or | not

What is not known here is refused with file and line, so nothing is shown that is not what is computed.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from kvlab.accounting.integers import exact
from kvlab.errors import KvlabError
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
    Reference,
    Sum,
)
from kvlab.formula.types import OPTIONAL, Kind, fields_of, is_record, items_of, kind_of, shown
from kvlab.units import ratio

_OPERATIONS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


@cache
def read(formula: Formula) -> Definition:
    """Return a function as a formula.

    Raises:
        KvlabError: it contains what no formula contains; file and line are named.
    """
    return _Reader(formula).definition()


@cache
def read_ratio(formula: Callable[..., Any]) -> tuple[Definition, Definition]:
    """Return what a function divides that returns `ratio(a, b)`: two formulas of its arguments.

    Raises:
        KvlabError: it does anything else; file and line are named.
    """
    return _Reader(formula).ratio()


@cache
def _syntax(function: Callable[..., Any]) -> ast.stmt:
    """Return a function's syntax tree, which a page of formulas asks for many times."""
    return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]


@dataclass(frozen=True)
class _Reader:
    """Reads one function, which `callers` call; `scope` has the kinds of the names that stand for arguments."""

    function: Callable[..., Any]
    callers: tuple[Callable[..., Any], ...] = ()
    scope: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def plain(self) -> Callable[..., Any]:
        """The function without its decorators."""
        return inspect.unwrap(self.function)

    def definition(self) -> Definition:
        head, statements = self.head()
        tree = self.tree()
        return replace(head, body=replace(self, scope=head.parameters).body(tree, statements))

    def ratio(self) -> tuple[Definition, Definition]:
        head, statements = self.head()
        match statements:
            case [ast.Return(value=ast.Call(func=function, args=[a, b], keywords=[]))] if (
                self.meaning(function) is ratio
            ):
                inner = replace(self, scope=head.parameters)
                return replace(head, body=inner.number(a)), replace(head, body=inner.number(b))
        raise self.refusal(statements[0], "is not `return ratio(a, b)`")

    def head(self) -> tuple[Definition, list[ast.stmt]]:
        """Return the formula without its body, and the statements of its body."""
        tree = self.tree()
        if self.function in self.callers:
            raise self.refusal(tree, "calls itself")
        is_exact = self.plain is not self.function
        if [self.meaning(decorator) for decorator in tree.decorator_list] != [exact] * is_exact:
            raise self.refusal(tree, "is decorated by what may change its result")
        statements = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
        return Definition(tree.name, self.parameters(tree.args), Nothing(), is_exact), statements

    def tree(self) -> ast.FunctionDef:
        try:
            tree = _syntax(self.plain)
        except (OSError, TypeError, SyntaxError):
            raise KvlabError(f"{self.function!r} has no source that could be read as a formula") from None
        if not isinstance(tree, ast.FunctionDef):
            raise self.refusal(tree, "is not a plain function")
        return tree

    def parameters(self, declared: ast.arguments) -> dict[str, Kind]:
        if more := declared.vararg or declared.kwarg:
            raise self.refusal(more, "takes any number of arguments")
        arguments = [*declared.posonlyargs, *declared.args, *declared.kwonlyargs]
        hints = self.declared(get_type_hints, self.plain, declared)
        kinds = {argument.arg: kind_of(hints.get(argument.arg, int)) for argument in arguments}
        for argument in arguments:
            if kinds[argument.arg] is None:
                raise self.refusal(argument, "is neither a whole number, nor a frozen dataclass, nor a list of such")
        return kinds

    def declared(self, look: Callable[[Any], dict[str, Any]], where: Any, node: ast.AST) -> dict[str, Any]:
        try:
            return look(where)
        except NameError as error:
            raise self.refusal(node, f"has a type that is not there when it runs: {error}") from None

    # Statements.

    def body(self, at: ast.stmt, statements: Sequence[ast.stmt]) -> Node:
        match statements:
            case [ast.Return(value=ast.expr() as result)]:
                return self.number(result)
            case [ast.If(test=test, body=[ast.Raise()], orelse=[]) as refused, *rest]:
                return Guard(self.condition(test), self.body(refused, rest))
            case [ast.If(test=test, body=then, orelse=otherwise) as choice, *rest]:
                # What every branch returns from comes to the rest only past its condition.
                return Choice(self.condition(test), self.body(choice, then), self.body(choice, [*otherwise, *rest]))
            case []:
                raise self.refusal(at, "does not return in each case")
        raise self.refusal(statements[0], "is neither a return of an expression, alone, nor an if that returns")

    # Numbers.

    def number(self, node: ast.expr) -> Node:
        match node:
            case ast.Constant(value=int(literal)) if not isinstance(literal, bool):
                return Number(literal)
            case ast.Name() if type(constant := self.meaning(node)) is int:
                return Number(constant)
            case ast.Name() | ast.Attribute():
                found = self.reference(node, int, OPTIONAL)
                return found if found.kind is int else Present(found)
            case ast.UnaryOp(
                op=ast.USub(),
                operand=ast.BinOp(left=ast.UnaryOp(op=ast.USub(), operand=a), op=ast.FloorDiv(), right=b),
            ):
                return Ceiling(self.number(a), self.number(b))
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return Negative(self.number(a))
            case ast.BinOp(left=a, op=operator, right=b) if type(operator) in _OPERATIONS:
                return Operation(_OPERATIONS[type(operator)], self.number(a), self.number(b))
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=int(b))) if not isinstance(b, bool):
                return Power(self.number(a), b)
            case ast.IfExp(test=test, body=then, orelse=otherwise):
                return Choice(self.condition(test), self.number(then), self.number(otherwise))
            case ast.Call():
                return self.call(node)
        raise self.refusal(node, "is not known")

    def call(self, node: ast.Call) -> Node:
        function = self.meaning(node.func)
        if (function is min or function is max) and len(node.args) > 1 and not node.keywords:
            return Extreme(function.__name__, tuple(self.number(argument) for argument in node.args))
        if function is sum and not node.keywords:
            return self.sum(node)
        if inspect.isfunction(function):
            return self.formula(node, function)
        raise self.refusal(node, "is not a call of another formula")

    def sum(self, node: ast.Call) -> Node:
        match node.args:
            case [
                ast.GeneratorExp(
                    elt=term,
                    generators=[ast.comprehension(target=ast.Name(id=name), iter=items, ifs=[], is_async=0)],
                )
            ]:
                over = self.reference(items)
                variable = Name(name, items_of(over.kind))
                if variable.kind is None:
                    raise self.refusal(items, "is not a list")
                inner = replace(self, scope={**self.scope, name: variable.kind})
                return Sum(inner.number(term), variable, over)
        raise self.refusal(node, "is not a sum(… for x in xs)")

    def formula(self, node: ast.Call, function: Callable[..., Any]) -> Node:
        definition = _Reader(function, (*self.callers, self.function)).definition()
        try:
            keywords = {str(keyword.arg): keyword.value for keyword in node.keywords}
            bound = inspect.signature(function).bind(*node.args, **keywords).arguments
        except TypeError as error:
            raise self.refusal(node, f"does not fit {definition.name}: {error}") from None
        if missing := [name for name in definition.parameters if name not in bound]:
            raise self.refusal(node, f"leaves out {', '.join(missing)}")
        return Call(definition, tuple(self.argument(bound[name], kind) for name, kind in definition.parameters.items()))

    def argument(self, node: ast.expr, kind: Kind) -> Node:
        if kind is int:
            return self.number(node)
        if kind is bool:
            return self.condition(node)
        if kind == OPTIONAL:
            number = self.number(node)
            return number.number if isinstance(number, Present) else number
        return self.reference(node, kind)

    # Conditions, and what else an argument may be.

    def condition(self, node: ast.expr) -> Node:
        match node:
            case ast.Compare(left=a, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
                return Comparison(("==",), (self.reference(a, OPTIONAL), Nothing()))
            case ast.Compare(left=a, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
                return Comparison(("!=",), (self.reference(a, OPTIONAL), Nothing()))
            case ast.Compare(left=a, ops=signs, comparators=rest) if all(type(sign) in _COMPARISONS for sign in signs):
                between = tuple(_COMPARISONS[type(sign)] for sign in signs)
                operands = tuple(self.number(part) for part in [a, *rest])
                if {"==", "!="} & set(between) and any(isinstance(operand, Present) for operand in operands):
                    # Python finds None unequal to all numbers, where everything else throws.
                    raise self.refusal(node, "compares a number that may be missing; ask `is None` first")
                return Comparison(between, operands)
            case ast.BoolOp(op=operator, values=parts):
                word = "and" if isinstance(operator, ast.And) else "or"
                return Logic(word, tuple(self.condition(part) for part in parts))
            case ast.UnaryOp(op=ast.Not(), operand=a):
                return Not(self.condition(a))
            case ast.Name() | ast.Attribute():
                return self.reference(node, bool)
        raise self.refusal(node, "is not a supported condition")

    def reference(self, node: ast.expr, *kinds: Kind) -> Reference:
        """Return an argument or a field of one, of one of these kinds, or of any where none is named."""
        found: Reference
        match node:
            case ast.Name(id=name) if name in self.scope:
                found = Name(name, self.scope[name])
            case ast.Attribute(value=of, attr=name):
                record = self.reference(of)
                known = self.declared(fields_of, record.kind, node) if is_record(record.kind) else {}
                if name not in known:
                    raise self.refusal(node, f"is not a field of {shown(record.kind)} that formulas may use")
                found = Field(record, name, known[name])
            case _:
                raise self.refusal(node, "is not known")
        if kinds and found.kind not in kinds:
            raise self.refusal(node, f"is {shown(found.kind)}, and should be {shown(kinds[0])}")
        return found

    def meaning(self, node: ast.expr) -> Any:
        """Return what a name that stands for no argument stands for; None for all else."""
        if not isinstance(node, ast.Name) or node.id in self.scope:
            return None
        enclosing = inspect.getclosurevars(self.plain).nonlocals
        return {**vars(builtins), **self.plain.__globals__, **enclosing}.get(node.id)

    def refusal(self, node: ast.AST, why: str) -> KvlabError:
        first_line = inspect.getsourcelines(self.plain)[1]
        file = Path(inspect.getsourcefile(self.plain) or "?").name
        line = first_line + getattr(node, "lineno", 1) - 1
        return KvlabError(f"{file}:{line}: {ast.unparse(node).splitlines()[0]!r} {why}; a formula cannot contain it")
