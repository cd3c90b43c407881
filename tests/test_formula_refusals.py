"""What is no formula is refused with file and line, and what is put in for an argument and does not fit, by name."""

import functools
import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from random_formulas import Group, defined

from kvlab import formula
from kvlab.accounting import memory
from kvlab.accounting.integers import exact
from kvlab.errors import KvlabError

GROUPS = [Group(2, 3, None, True), Group(5, 7, 11, False)]


def floored(n_layers, head_dim, context):
    return (n_layers + context) // head_dim


def summing(groups: list[Group], context):
    return context * sum(g.count - context for g in groups)


def summing_integers(lengths: Sequence[int], page: int):
    return sum(-(-length // page) for length in lengths) + 1


def of_a_truth(stores: bool, context):
    return 1 if stores and context < 3 else 0


# What does not fit its argument.


def test_a_missing_number_is_named():
    with pytest.raises(KvlabError, match="batch, bytes_per_element"):
        formula.with_numbers(memory.kv_cache_bytes, {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16, "context": 128})


@pytest.mark.parametrize("wrong", [1.5, True, None, "8", np.float64(2), np.array([1, 2])], ids=repr)
def test_a_number_that_is_no_whole_one_is_refused_by_name(wrong):
    with pytest.raises(KvlabError, match=r"summing: context is .* and must be a whole number"):
        formula.with_numbers(summing, {"groups": GROUPS, "context": wrong})


def test_what_is_no_record_or_no_list_is_refused_by_name():
    for wrong, what in (([vars(GROUPS[0])], "Group"), (7, "list"), ([7], "Group")):
        with pytest.raises(KvlabError, match=f"summing: groups is .* and must be {what}"):
            formula.with_numbers(summing, {"groups": wrong, "context": 8})
    with pytest.raises(KvlabError, match="stores is 1, and must be bool"):
        formula.write(of_a_truth, formula.TEXT, {"stores": 1})


def of_a_window(window: int | None, context):
    return context if window is None else min(window, context)


def test_a_number_that_may_be_missing_is_one_or_none():
    assert formula.with_numbers(of_a_window, {"window": None, "context": 8}) == "8"
    assert formula.with_numbers(of_a_window, {"window": np.int8(3), "context": 8}) == "min(3, 8)"
    for wrong in (True, 3.0, "3"):
        with pytest.raises(KvlabError, match=r"of_a_window: window is .*, and must be int \| None"):
            formula.with_numbers(of_a_window, {"window": wrong, "context": 8})


def test_numbers_of_numpy_are_taken_as_the_numbers_that_they_are():
    values = {"lengths": np.array([3, 4, 9], np.int32), "page": np.int64(4)}
    assert formula.with_numbers(summing_integers, values) == "⌈3 / 4⌉ + ⌈4 / 4⌉ + ⌈9 / 4⌉ + 1"


def test_a_division_by_zero_has_no_line():
    with pytest.raises(KvlabError, match="floored has no result"):
        formula.with_numbers(floored, {"n_layers": 1, "head_dim": 0, "context": 1})


def test_a_number_that_is_missing_and_needed_has_no_line():
    with pytest.raises(KvlabError, match="needs_a_window has no result"):
        formula.with_numbers(needs_a_window, {"group": GROUPS[0]})


def needs_a_window(group: Group):
    return group.window + 1


@dataclass
class Thawed:
    count: int


@dataclass(frozen=True)
class Named:
    name: str
    count: int


def doubled(function):
    return function


def with_a_default(n_layers, head_dim=2):
    return n_layers * head_dim


def of_a_group(group: Group):
    return group.count


# Functions that are no formulas, each with a mark at the line where it is not, and why.
REFUSED = {
    "a loop": """
def f(n_layers):
    for _ in range(n_layers):  # here: is neither a return
        pass
    return 1""",
    "an assignment": """
def f(n_layers):
    twice = 2 * n_layers  # here: is neither a return
    return twice""",
    "no return": """
def f(n_layers):
    pass  # here: is neither a return""",
    "nothing but a docstring": """
def f(n_layers):  # here: does not return in each case
    "Return nothing." """,
    "a return of nothing": """
def f(n_layers):
    return  # here: is neither a return""",
    "a return in one case only": """
def f(n_layers):
    if n_layers > 2:  # here: does not return in each case
        return 1""",
    "a case that falls through": """
def f(n_layers):
    if n_layers > 2:
        if n_layers > 3:  # here: does not return in each case
            return 1
    return 2""",
    "a statement behind a return": """
def f(n_layers):
    return 1  # here: alone
    return n_layers""",
    "a refusal that does something else before": """
def f(n_layers):
    if n_layers > 2:
        n_layers = 2  # here: is neither a return
        raise ValueError
    return n_layers""",
    "a decorator that is not known": """
@doubled
def f(n_layers):  # here: decorated
    return n_layers""",
    "a function that waits": """
async def f(n_layers):  # here: is not a plain function
    return n_layers""",
    "any number of arguments": """
def f(*lengths):  # here: any number of arguments
    return 1""",
    "any number of named arguments": """
def f(**lengths):  # here: any number of arguments
    return 1""",
    "a real number": """
def f(n_layers: float):  # here: neither a whole number
    return 1""",
    "a record that can change": """
def f(thawed: Thawed):  # here: nor a frozen dataclass
    return thawed.count""",
    "a list of words": """
def f(words: list[str]):  # here: nor a list of such
    return 1""",
    "a type that is not there": """
def f(n_layers: "Nowhere"):  # here: not there when it runs
    return 1""",
    "a formula that calls itself": """
def f(n_layers):  # here: calls itself
    return 1 if n_layers == 0 else f(n_layers - 1)""",
}
# The same of one line below the first.
REFUSED |= {
    name: f"\ndef f({arguments}):\n    return {result}  # here: {why}"
    for name, arguments, result, why in (
        ("a true division", "n_layers", "n_layers / 2", "is not known"),
        ("a float", "n_layers", "n_layers * 1.5", "'1.5' is not known"),
        ("a string", "n_layers", "'n_layers'", "is not known"),
        ("a truth", "n_layers", "n_layers * True", "'True' is not known"),
        ("nothing", "n_layers", "None", "is not known"),
        ("a comparison as a number", "n_layers", "n_layers * (n_layers > 2)", "'n_layers > 2' is not known"),
        ("a choice among numbers by or", "n_layers", "n_layers or 2", "is not known"),
        ("a number as a condition", "n_layers", "1 if n_layers else 2", "is int, and should be bool"),
        ("a truth as a condition", "n_layers", "1 if True else 2", "is not a supported condition"),
        (
            "the identity of numbers",
            "n_layers, context",
            "1 if n_layers is context else 2",
            "is not a supported condition",
        ),
        (
            "a membership",
            "n_layers, lengths: list[int]",
            "1 if n_layers in lengths else 2",
            "is not a supported condition",
        ),
        ("a shift", "n_layers", "n_layers << 2", "is not known"),
        ("a plus sign", "n_layers", "+n_layers", "is not known"),
        ("bits turned over", "n_layers", "~n_layers", "is not known"),
        ("a negative power", "n_layers", "n_layers**-2", "is not known"),
        ("the power of an argument", "n_layers, head_dim", "n_layers**head_dim", "is not known"),
        ("a truth as a power", "n_layers", "n_layers**True", "is not known"),
        ("an unknown call", "n_layers", "len(n_layers)", "is not a call of another formula"),
        ("a call of a method", "n_layers", "n_layers.bit_length()", "is not a call of another formula"),
        ("a call of what is made there", "n_layers", "(lambda n: n)(n_layers)", "is not a call of another formula"),
        ("an expression with a name", "n_layers", "(n := n_layers) + n", "is not known"),
        ("the name of a list", "n_layers", "n_layers * GROUPS", "'GROUPS' is not known"),
        ("the name of a truth", "n_layers", "n_layers * __debug__", "'__debug__' is not known"),
        ("a name that is not there", "n_layers", "n_layers * nowhere", "'nowhere' is not known"),
        ("an argument too many", "n_layers", "floored(n_layers, 1, 2, 3)", "does not fit floored"),
        ("an argument too few", "n_layers", "floored(n_layers, 1)", "does not fit floored"),
        ("an argument of another name", "n_layers", "floored(n_layers, 1, tokens=2)", "does not fit floored"),
        ("a default", "n_layers", "with_a_default(n_layers)", "leaves out head_dim"),
        ("a starred call", "lengths: list[int]", "with_a_default(1, *lengths)", "'*lengths' is not known"),
        ("a doubly starred call", "n_layers", "floored(1, 2, **GROUPS)", "does not fit floored"),
        ("the least of a list", "lengths: list[int]", "min(lengths)", "is not a call of another formula"),
        ("the least by a key", "n_layers", "min(n_layers, 2, key=abs)", "is not a call of another formula"),
        ("an argument called min", "min, n_layers", "min(2, n_layers)", "is not a call of another formula"),
        ("a sum with a condition", "lengths: list[int]", "sum(n for n in lengths if n > 2)", "is not a sum"),
        ("a sum over two lists", "lengths: list[int]", "sum(a * b for a in lengths for b in lengths)", "is not a sum"),
        ("a sum with a start", "lengths: list[int]", "sum((n for n in lengths), 2)", "is not a sum"),
        ("a sum with a named start", "lengths: list[int]", "sum((n for n in lengths), start=2)", "is not a call"),
        ("a sum of a list", "lengths: list[int]", "sum(lengths)", "is not a sum"),
        ("a sum over pairs", "lengths: list[int]", "sum(a for a, b in lengths)", "is not a sum"),
        ("a sum over a number", "n_layers", "sum(n for n in n_layers)", "'n_layers' is not a list"),
        ("a sum over a range", "n_layers", "sum(n for n in range(n_layers))", "'range(n_layers)' is not known"),
        ("a sum's variable outside it", "lengths: list[int]", "sum(n for n in lengths) + n", "'n' is not known"),
        ("a list as a number", "lengths: list[int]", "2 * lengths", "is list, and should be int"),
        ("a record as a number", "group: Group", "2 * group", "is Group, and should be int"),
        ("a record's truth as a number", "group: Group", "2 * group.stores", "is bool, and should be int"),
        ("a record's number as a condition", "group: Group", "1 if group.count else 2", "is int, and should be bool"),
        ("a field of a number", "n_layers", "n_layers.count", "is not a field of int"),
        ("a field that is not there", "group: Group", "group.weight", "is not a field of Group"),
        ("a field that is a word", "named: Named", "named.name", "is not a field of Named"),
        ("another record", "named: Named", "of_a_group(named)", "is Named, and should be Group"),
        ("a number that cannot be missing", "group: Group", "1 if group.count is None else 2", "is int, and should be"),
        ("a missing number compared", "group: Group", "1 if group.window == 3 else 2", "ask `is None` first"),
        ("a missing number compared in a chain", "group: Group", "1 if 1 < 2 != group.window else 2", "ask `is None`"),
    )
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED)
def test_what_is_no_formula_is_refused_with_file_and_line(source):
    function = defined(source, globals())
    ((line, why),) = [(i, t.partition("# here: ")[2]) for i, t in enumerate(source.splitlines(), 1) if "# here" in t]
    for face in (formula.text, formula.latex, lambda f: formula.javascript([f]), lambda f: formula.with_numbers(f, {})):
        with pytest.raises(KvlabError, match=re.escape(why)) as error:
            face(function)
        assert str(error.value).startswith(f"{inspect.getsourcefile(function)}:{line}: ")
        assert str(error.value).endswith("; a formula cannot contain it")


def a_float(n_layers):
    return n_layers * 1.5


def calls_what_is_no_formula(n_layers):
    return 2 * a_float(n_layers)


@exact
def exact_and_no_formula(n_layers: int) -> int:
    return n_layers | 1


def test_what_is_wrong_in_a_formula_that_is_called_or_exact_is_refused_where_it_stands():
    line = inspect.getsourcelines(a_float)[1] + 1
    with pytest.raises(KvlabError, match=rf"^test_formula_refusals\.py:{line}: '1.5' is not known"):
        formula.text(calls_what_is_no_formula)
    line = inspect.getsourcelines(exact_and_no_formula)[1] + 2
    with pytest.raises(KvlabError, match=rf"^test_formula_refusals\.py:{line}: 'n_layers \| 1' is not known"):
        formula.text(exact_and_no_formula)


def test_what_has_no_source_of_its_own_is_refused():
    for nothing in (len, lambda n_layers: n_layers, eval("lambda n_layers: n_layers")):
        with pytest.raises(KvlabError, match=r"no source that could be read|is not a plain function"):
            formula.text(nothing)


def test_a_name_means_what_it_means_to_the_function():
    source = "def f(n_layers):\n    return min(n_layers, 2)"
    ours = defined(source, {"min": lambda a, b: a + b})
    with pytest.raises(KvlabError, match="is not a plain function"):
        formula.text(ours)
    assert formula.text(defined(source, {})) == "min(L, 2)"
    assert formula.text(defined(source, {"min": of_a_product})) == "L · 2"


def of_a_product(count, width):
    return count * width


def test_a_function_that_is_wrapped_later_is_refused():
    wrapped = functools.wraps(floored)(lambda **values: 2 * floored(**values))
    with pytest.raises(KvlabError, match="is decorated by what may change its result"):
        formula.text(wrapped)
