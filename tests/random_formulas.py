"""The formulas of the accounting, random arguments for any formula, and random formulas."""

import ast
import importlib
import inspect
import linecache
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass, fields

from hypothesis import strategies as st

from kvlab import accounting
from kvlab.accounting.integers import AT_LEAST_ONE, exact
from kvlab.errors import KvlabError
from kvlab.formula.reading import read
from kvlab.formula.types import OPTIONAL, fields_of, is_record, items_of

# What is no formula, by its module and name: all other public functions of the accounting are.
NOT_FORMULAS = {
    "formats.state_element_bytes": "asks for a name, and is no arithmetic",
    "layers.largest_batch": "has no number where any number fits",
    "layers.largest_context": "goes from window to window",
    "roofline.attainable": "gives a ratio",
    "roofline.bound": "gives a name",
    "roofline.grouped_attention_intensity": "gives a ratio",
    "roofline.intensity": "gives a ratio",
    "roofline.latent_attention_intensity": "gives a ratio",
    "roofline.ridge": "gives a ratio",
    "roofline.step_milliseconds": "gives milliseconds",
    "roofline.step_time": "gives seconds",
    "roofline.tokens_per_second": "gives a ratio",
    "operations.operations": "gives a table",
}


def public_functions():
    """Return the public functions of the accounting's rooms, by module and name; `exact` is what wraps them."""
    names = [info.name for info in pkgutil.iter_modules(accounting.__path__) if info.name != "integers"]
    modules = {name: importlib.import_module(f"kvlab.accounting.{name}") for name in names}
    return {
        f"{room}.{name}": function
        for room, module in modules.items()
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    }


FORMULAS = {name: function for name, function in public_functions().items() if name not in NOT_FORMULAS}

# Arguments of any kind.

SMALL, LARGE = st.integers(0, 40), st.sampled_from([2**53 - 1, 2**53 + 1, 3**40, 2**64 + 3])
NUMBERS = st.one_of(SMALL, st.integers(0, 9999), LARGE)


def arguments_of(function, numbers=NUMBERS):
    """Return a strategy of keyword arguments for a formula, none that it refuses by itself."""
    kinds = read(function).parameters.items()
    return st.fixed_dictionaries({name: of_kind(name, kind, numbers) for name, kind in kinds})


def of_kind(name, kind, numbers=NUMBERS):
    """Return a strategy of what an argument or a field of this name and kind may be."""
    if kind is int:
        return numbers.map(lambda number: max(number, 1)) if name in AT_LEAST_ONE else numbers
    if kind == OPTIONAL:
        return st.none() | numbers
    if kind is bool:
        return st.booleans()
    if is_record(kind):
        known = {of: of_kind(of, its, numbers) for of, its in fields_of(kind).items()}
        # What formulas do not read of it, a name, is any.
        others = {field.name: st.just(field.name) for field in fields(kind) if field.name not in known}
        return st.builds(kind, **known, **others)
    return st.lists(of_kind(name, items_of(kind), numbers), max_size=4)


def outcome(function, arguments):
    """Return what a function comes to, or None where it refuses, or cannot do, these numbers."""
    try:
        return function(**arguments)
    except (KvlabError, ZeroDivisionError, TypeError):
        return None


# Comparisons, where two numbers are equal and where they are not.

SIGNS = ("<", "<=", ">", ">=", "==", "!=")
PAIRS = [{"n_layers": a, "head_dim": 2} for a in (1, 2, 3)]


def comparing(sign):
    """Return a formula that is 1 where a comparison holds, or else 0."""
    return defined(f"def compared(n_layers, head_dim):\n    return 1 if n_layers {sign} head_dim else 0")


# Random formulas.


@dataclass(frozen=True)
class Group:
    """A record with a field of each kind."""

    count: int
    n_kv_heads: int
    window: int | None
    stores: bool


def halves(tokens, block):
    return tokens - (tokens + block) // 2


def limited(window: int | None, tokens: int) -> int:
    return tokens if window is None else min(tokens, window)


def chosen(stores: bool, width: int, k_dim: int) -> int:
    if stores:
        return width - k_dim
    elif width > 3:
        return -k_dim
    return width * k_dim


def weight(group: Group, width: int) -> int:
    return group.count * limited(group.window, width) if group.stores else group.n_kv_heads - width


@exact
def never_negative(width: int) -> int:
    if width == 7:
        raise KvlabError("seven is refused")
    return 2 * width


def totals(groups: Sequence[Group], width: int) -> int:
    return sum(weight(group, width - 1) for group in groups) - width


INTEGERS = ("n_layers", "head_dim", "context")
CALLS = {
    "halves": (int, int),
    "limited": (OPTIONAL, int),
    "chosen": (bool, int, int),
    "weight": (Group, int),
    "never_negative": (int,),
    "totals": (list, int),
}
BINARY = st.sampled_from([ast.Add, ast.Sub, ast.Mult, ast.Sub, ast.FloorDiv, ast.Mod])
COMPARISONS = st.sampled_from([ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq])


def name(of):
    return ast.Name(of)


def field(of, called):
    return ast.Attribute(name(of), called)


def call(function, arguments, keywords=()):
    return ast.Call(name(function), list(arguments), list(keywords))


@st.composite
def number(draw, depth, records=("layers",), integers=INTEGERS, sums=True):
    """Return the syntax tree of a number, of so many levels at most."""

    def part(**more):
        scope = {"records": records, "integers": integers, "sums": sums} | more
        return draw(number(depth - 1, **scope))

    def truth():
        return draw(condition(depth - 1, records, integers, sums))

    leaves = ["literal", "argument", "field"]
    choice = draw(st.sampled_from(leaves if depth == 0 else [*leaves, *BRANCHES, *(["sum"] if sums else [])]))
    record = draw(st.sampled_from(records))
    match choice:
        case "literal":
            return ast.Constant(draw(st.integers(0, 12) | st.sampled_from([1000, 2**53 + 1])))
        case "argument":
            return name(draw(st.sampled_from(integers)))
        case "field":
            return field(record, draw(st.sampled_from(["count", "n_kv_heads"])))
        case "binary":
            return ast.BinOp(part(), draw(BINARY)(), part())
        case "negative":
            return ast.UnaryOp(ast.USub(), part())
        case "ceiling":
            return ast.UnaryOp(ast.USub(), ast.BinOp(ast.UnaryOp(ast.USub(), part()), ast.FloorDiv(), part()))
        case "power":
            return ast.BinOp(part(), ast.Pow(), ast.Constant(draw(st.integers(0, 3))))
        case "extreme":
            return call(draw(st.sampled_from(["min", "max"])), [part() for _ in range(draw(st.integers(2, 3)))])
        case "choice":
            return ast.IfExp(truth(), part(), part())
        case "optional":
            # Asked first, or straight on: then a number that is missing must be noticed.
            asked = ast.Compare(field(record, "window"), [ast.Is()], [ast.Constant(None)])
            inner = ast.BinOp(field(record, "window"), draw(BINARY)(), part())
            return draw(st.sampled_from([ast.IfExp(asked, part(), inner), inner]))
        case "call":
            return draw(called(part, truth, record, sums))
    over, item = draw(st.sampled_from([("groups", f"g{depth}"), ("lengths", f"length{depth}")]))
    scope = {"records": (*records, item)} if over == "groups" else {"integers": (*integers, item)}
    return call("sum", [ast.GeneratorExp(part(**scope), [ast.comprehension(name(item), name(over), [], 0)])])


BRANCHES = ("binary", "binary", "binary", "negative", "ceiling", "power", "extreme", "choice", "optional", "call")


@st.composite
def called(draw, part, truth, record, sums):
    function = draw(st.sampled_from([each for each in CALLS if sums or each != "totals"]))
    given = {int: part, bool: truth, OPTIONAL: lambda: part() if draw(st.booleans()) else field(record, "window")}
    given |= {Group: lambda: name(record), list: lambda: name("groups")}
    arguments = [given[kind]() for kind in CALLS[function]]
    names = inspect.signature(globals()[function]).parameters
    by_position = draw(st.integers(0, len(arguments)))
    pairs = list(zip(names, arguments, strict=True))[by_position:]
    by_name = draw(st.permutations([ast.keyword(of, argument) for of, argument in pairs]))
    return call(function, arguments[:by_position], by_name)


@st.composite
def condition(draw, depth, records, integers, sums):
    """Return the syntax tree of a condition."""

    def part():
        return draw(number(max(depth - 1, 0), records, integers, sums))

    def truth():
        return draw(condition(depth - 1, records, integers, sums))

    kinds = ["comparison", "missing", "flag"] + (["not", "logic"] if depth > 0 else [])
    record = draw(st.sampled_from(records))
    match draw(st.sampled_from(kinds)):
        case "comparison":
            signs = draw(st.lists(COMPARISONS, min_size=1, max_size=2))
            return ast.Compare(part(), [sign() for sign in signs], [part() for _ in signs])
        case "missing":
            sign = draw(st.sampled_from([ast.Is, ast.IsNot]))
            return ast.Compare(field(record, "window"), [sign()], [ast.Constant(None)])
        case "flag":
            return field(record, "stores")
        case "not":
            return ast.UnaryOp(ast.Not(), truth())
    word = draw(st.sampled_from([ast.And, ast.Or]))
    return ast.BoolOp(word(), [truth() for _ in range(draw(st.integers(2, 3)))])


@st.composite
def formulas(draw, depth=3, sums=True):
    """Return a random formula: a function of three numbers, a record, and two lists."""

    def result():
        return ast.Return(draw(number(depth, sums=sums)))

    def test():
        return draw(condition(depth - 1, ("layers",), INTEGERS, sums))

    statements = []
    for kind in draw(st.lists(st.sampled_from(["if", "else", "raise"]), max_size=2)):
        match kind:
            case "if":
                statements.append(ast.If(test(), [result()], []))
            case "else":
                statements.append(ast.If(test(), [result()], [ast.If(test(), [result()], [])]))
            case "raise":
                statements.append(ast.If(test(), [ast.Raise(name("KvlabError"))], []))
    return function_of([*statements, result()])


ARGUMENTS = "n_layers: int, head_dim: int, context: int, layers: Group, groups: list[Group], lengths: list[int]"


def function_of(statements):
    """Return the function with this body."""
    body = ast.unparse(ast.fix_missing_locations(ast.Module(statements, [])))
    return defined("\n".join([f"def random_formula({ARGUMENTS}):", *(f"    {line}" for line in body.splitlines())]))


def defined(source, scope=None):
    """Return the function that a source defines, with the source where `inspect` looks for it."""
    scope, known = dict(globals() if scope is None else scope), set(globals() if scope is None else scope)
    filename = f"<formula {hash(source)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), scope)
    return next(value for name, value in scope.items() if name not in {*known, "__builtins__"})
