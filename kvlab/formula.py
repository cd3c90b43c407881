"""The faces of a formula, read from the plain Python function that is its only definition.

A formula is a function of named integers whose body is one `return`. Its syntax tree gives the text, the LaTeX in
written order, and the line with the numbers put in. Calls of other formulas are written out. What is not known here
is refused with file and line, so nothing is shown that is not what is computed.

    expression  = integer | name | + − · | ⌊a / b⌋ | a^b | −a | ⌈a / b⌉ as -(-a // b) | min | max | a formula's call
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kvlab.errors import KvlabError

# The symbol of each quantity: one meaning on the whole site.
SYMBOLS = {
    "n_layers": "L",
    "n_heads": "H",
    "n_kv_heads": "H_kv",
    "head_dim": "d_h",
    "d_model": "d",
    "d_ff": "d_ff",
    "vocab_size": "V",
    "max_context": "S_max",
    "context": "S",
    "batch": "B",
    "bytes_per_element": "s",
    "parameters": "N",
    "prompt": "P",
    "n_tokens": "n",
    "new_tokens": "m",
    "weights": "M_w",
    "kv_cache": "M_kv",
    "count": "L_i",
    "k_blocks": "w_K",
    "v_blocks": "w_V",
    "block_bytes": "s_b",
    "tokens": "S_i",
}

_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4  # how tightly a piece of formula holds together

Formula = Callable[..., int]


@dataclass(frozen=True)
class Dialect:
    """How one language writes each construct; every entry takes the pieces as strings."""

    symbol: Callable[[str], str]
    number: Callable[[int], str]
    times: str
    minus: str
    group: Callable[[str], str]
    power: Callable[[str, str], str]
    floor: Callable[[str, str], str]
    ceiling: Callable[[str, str], str]
    call: Callable[[str, list[str]], str]


def _plain_number(number: int) -> str:
    return f"{number:,}"


TEXT = Dialect(
    symbol=lambda symbol: symbol,
    number=_plain_number,
    times=" · ",
    minus="−",
    group=lambda inner: f"({inner})",
    power=lambda base, exponent: base + exponent.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    floor=lambda a, b: f"⌊{a} / {b}⌋",
    ceiling=lambda a, b: f"⌈{a} / {b}⌉",
    call=lambda name, arguments: f"{name}({', '.join(arguments)})",
)


def _latex_symbol(symbol: str) -> str:
    letter, _, subscript = symbol.partition("_")
    if not subscript:
        return letter
    return f"{letter}_{{{subscript}}}" if len(subscript) == 1 else f"{letter}_{{\\mathrm{{{subscript}}}}}"


def latex_dialect(number: Callable[[int], str]) -> Dialect:
    """Return the LaTeX dialect with a language's way of writing numbers."""
    return Dialect(
        symbol=_latex_symbol,
        number=number,
        times=r" \cdot ",
        minus="-",
        group=lambda inner: rf"\left({inner}\right)",
        power=lambda base, exponent: f"{base}^{{{exponent}}}",
        floor=lambda a, b: rf"\left\lfloor \frac{{{a}}}{{{b}}} \right\rfloor",
        ceiling=lambda a, b: rf"\left\lceil \frac{{{a}}}{{{b}}} \right\rceil",
        call=lambda name, arguments: rf"\{name}\left({', '.join(arguments)}\right)",
    )


def text(formula: Formula) -> str:
    """Return the formula in plain text: `2 · L · H_kv · d_h · S · B · s`. Raises `KvlabError` as `write` does."""
    return write(formula, TEXT)


def latex(formula: Formula, number: Callable[[int], str] = _plain_number) -> str:
    """Return the formula in LaTeX, in written order. Raises `KvlabError` as `write` does."""
    return write(formula, latex_dialect(number))


def with_numbers(formula: Formula, values: Mapping[str, int], dialect: Dialect = TEXT) -> str:
    """Return the formula with `values` put in for its arguments, nothing else changed: `2 · 2 · 4 · 16 · 128 · 1 · 4`.

    Raises:
        KvlabError: an argument has no value, or as `write` does.
    """
    missing = [name for name in inspect.signature(formula).parameters if name not in values]
    if missing:
        raise KvlabError(f"{formula.__name__}: no value for {', '.join(missing)}")
    return write(formula, dialect, values)


def write(formula: Formula, dialect: Dialect, given: Mapping[str, int] | None = None) -> str:
    """Return the formula's body in a dialect: symbols, but numbers for the arguments that are `given`.

    Raises:
        KvlabError: the function is not one `return` of a known expression; file and line are named.
    """
    given = given or {}
    pieces = {
        name: _Piece(dialect.number(given[name]) if name in given else _symbol(formula, name, dialect), _ATOM)
        for name in inspect.signature(formula).parameters
    }
    return _Writer(formula, pieces, dialect).body().text


@dataclass(frozen=True)
class _Piece:
    """Written text, and how tightly it holds together."""

    text: str
    strength: int


def _symbol(formula: Formula, name: str, dialect: Dialect) -> str:
    if name not in SYMBOLS:
        raise KvlabError(f"{formula.__name__}: the argument {name!r} has no symbol in kvlab.formula.SYMBOLS")
    return dialect.symbol(SYMBOLS[name])


class _Writer:
    """Writes one function's `return`, with `pieces` in the place of its arguments."""

    def __init__(self, formula: Formula, pieces: Mapping[str, _Piece], dialect: Dialect) -> None:
        self.formula, self.pieces, self.dialect = formula, pieces, dialect

    def body(self) -> _Piece:
        tree = ast.parse(textwrap.dedent(inspect.getsource(self.formula))).body[0]
        if not isinstance(tree, ast.FunctionDef):
            raise self.refusal(tree, "is no plain function")
        statements = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
        if len(statements) != 1 or not isinstance(statements[0], ast.Return) or statements[0].value is None:
            raise self.refusal(statements[0], "is not a single return of an expression")
        return self.piece(statements[0].value)

    def piece(self, node: ast.expr) -> _Piece:
        match node:
            case ast.Constant(value=int(number)) if not isinstance(number, bool):
                return _Piece(self.dialect.number(number), _ATOM)
            case ast.Name(id=name) if name in self.pieces:
                return self.pieces[name]
            case ast.UnaryOp(
                op=ast.USub(),
                operand=ast.BinOp(left=ast.UnaryOp(op=ast.USub(), operand=a), op=ast.FloorDiv(), right=b),
            ):
                return _Piece(self.dialect.ceiling(self.within(a, _PRODUCT), self.within(b, _ATOM)), _ATOM)
            case ast.UnaryOp(op=ast.USub(), operand=a):
                return _Piece(self.dialect.minus + self.within(a, _PRODUCT), _SUM)
            case ast.BinOp(left=a, op=operator, right=b):
                return self.operation(node, a, operator, b)
            case ast.Call(func=ast.Name(id=name), keywords=[]) if node.args:
                return self.call(node, name)
        raise self.refusal(node, "is not known")

    def operation(self, node: ast.expr, a: ast.expr, operator: ast.operator, b: ast.expr) -> _Piece:
        match operator:
            case ast.Add():
                return _Piece(f"{self.within(a, _SUM)} + {self.within(b, _SUM)}", _SUM)
            case ast.Sub():
                return _Piece(f"{self.within(a, _SUM)} {self.dialect.minus} {self.within(b, _PRODUCT)}", _SUM)
            case ast.Mult():
                return _Piece(self.within(a, _PRODUCT) + self.dialect.times + self.within(b, _PRODUCT), _PRODUCT)
            case ast.FloorDiv():
                return _Piece(self.dialect.floor(self.within(a, _PRODUCT), self.within(b, _ATOM)), _ATOM)
            case ast.Pow() if isinstance(b, ast.Constant):
                return _Piece(self.dialect.power(self.within(a, _ATOM), self.piece(b).text), _POWER)
        raise self.refusal(node, "is not known")

    def call(self, node: ast.Call, name: str) -> _Piece:
        arguments = [self.piece(argument) for argument in node.args]
        if name in ("min", "max"):
            return _Piece(self.dialect.call(name, [argument.text for argument in arguments]), _ATOM)
        called: Any = getattr(inspect.unwrap(self.formula), "__globals__", {}).get(name)
        if not inspect.isfunction(called):
            raise self.refusal(node, "is no call of another formula")
        parameters = list(inspect.signature(called).parameters)
        if len(parameters) != len(arguments):
            raise self.refusal(node, f"passes {len(arguments)} arguments where {name} takes {len(parameters)}")
        return _Writer(called, dict(zip(parameters, arguments, strict=True)), self.dialect).body()

    def within(self, node: ast.expr, strength: int) -> str:
        """Return a part of a larger expression, in parentheses if it would fall apart there."""
        part = self.piece(node)
        return part.text if part.strength >= strength else self.dialect.group(part.text)

    def refusal(self, node: ast.AST, why: str) -> KvlabError:
        first_line = inspect.getsourcelines(self.formula)[1]
        file = Path(inspect.getsourcefile(self.formula) or "?").name
        line = first_line + getattr(node, "lineno", 1) - 1
        shown = ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else type(node).__name__
        return KvlabError(f"{file}:{line}: {shown.splitlines()[0]!r} {why}; a formula cannot contain it")
