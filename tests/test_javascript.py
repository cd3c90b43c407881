"""The JavaScript of formulas, run in a browser against Python."""

import dataclasses
import random
import re
from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import hold_for_each
from random_formulas import FORMULAS, SIGNS, Group, arguments_of, comparing, formulas, outcome

from kvlab import formula
from kvlab.accounting import flops, layers, memory, traffic
from kvlab.accounting.formats import ELEMENTS
from kvlab.accounting.integers import AT_LEAST_ONE, exact
from kvlab.accounting.layers import Layers
from kvlab.errors import KvlabError
from kvlab.formula.reading import read
from kvlab.formula.types import OPTIONAL, fields_of, is_record, items_of

INPUTS = min(150, 4 * settings.default.max_examples)  # of each formula
EDGES = [0, 1, 2, 3, 2**53 - 1, 2**53 + 1, 2**64, 2**64 + 1, 3**50]

# Each call apart, so that one that throws does not hide the others; a result that is no BigInt says what it is.
RUN = """([script, calls]) =>
  new Function(`${script}; return [${calls.map(call => `() => ${call}`)}]`)().map(call => {
    try {
      const result = call();
      return typeof result === "bigint" ? String(result) : `a ${typeof result}`;
    } catch (error) {
      return error.name;
    }
  })"""
THROWN = {"TypeError", "RangeError"}


@pytest.fixture(scope="module")
def run(browser):
    """Return `run(script, calls)`: what each call comes to in a browser where the script has run."""
    page = browser.new_page()
    yield lambda script, calls: page.evaluate(RUN, [script, calls])
    page.close()


def written(value):
    """Return a value as JavaScript; a text is JavaScript already."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return f"{value}n"
    if dataclasses.is_dataclass(value):
        return object_of({name: f'"{of}"' if isinstance(of, str) else written(of) for name, of in vars(value).items()})
    return value if isinstance(value, str) else f"[{', '.join(written(item) for item in value)}]"


def object_of(fields):
    return "({" + ", ".join(f"{name}: {value}" for name, value in fields.items()) + "})"


def calls_of(function, every_arguments):
    """Return a call in JavaScript for each of the keyword arguments, in the order of the parameters."""
    names = list(read(function).parameters)
    return [f"{function.__name__}({', '.join(written(values[n]) for n in names)})" for values in every_arguments]


def drawn(function, count, seed=0):
    """Return arguments of a formula, many at once and always the same."""
    rng = random.Random(f"{function.__name__} {seed}")
    return [{n: one_of(rng, n, kind) for n, kind in read(function).parameters.items()} for _ in range(count)]


def one_of(rng, name, kind):
    if kind == OPTIONAL and rng.random() < 0.4:
        return None
    if kind in (int, OPTIONAL):
        scale = rng.choice([5, 50, 5000, 2**40, 2**80])
        return max(rng.choice([*EDGES, *[rng.randrange(scale) for _ in EDGES]]), int(name in AT_LEAST_ONE))
    if kind is bool:
        return rng.random() < 0.7
    if is_record(kind):
        others = {field.name: field.name for field in dataclasses.fields(kind)}
        return kind(**others | {field: one_of(rng, field, of) for field, of in fields_of(kind).items()})
    return [one_of(rng, name, items_of(kind)) for _ in range(rng.randrange(5))]


def each_formula(check):
    """Make a test of what holds for each formula of the accounting."""

    def test(run):
        hold_for_each(partial(check, run), FORMULAS)

    return test


# Against Python.


@each_formula
def test_a_browser_computes_what_python_computes(run, function):
    inputs = drawn(function, INPUTS)
    results = run(formula.javascript([function]), calls_of(function, inputs))
    for values, got in zip(inputs, results, strict=True):
        expected = outcome(function, values)
        assert got in THROWN if expected is None else got == str(expected), values
    assert sum(got not in THROWN for got in results) > INPUTS / 10


@each_formula
def test_numbers_that_round_would_be_noticed(run, function):
    """The same script with JavaScript's Number: right where it is small, at most, and wrong in what is compared."""
    rounding = re.sub(r"\b(\d+)n\b", r"\1", formula.javascript([function])).replace('"bigint"', '"number"')
    inputs = [values for values in drawn(function, INPUTS) if outcome(function, values) is not None]
    calls = [f"BigInt({re.sub(r'(?<=[0-9])n', '', call)})" for call in calls_of(function, inputs)]
    results = run(rounding, calls)
    exact_results = [str(function(**values)) for values in inputs]
    assert any(got != expected for got, expected in zip(results, exact_results, strict=True))


def test_small_numbers_do_not_show_whether_a_script_rounds(run):
    values = {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16, "context": 128, "batch": 1, "bytes_per_element": 4}
    rounding = re.sub(r"(\d)n\b", r"\1", formula.javascript([memory.kv_cache_bytes])).replace("bigint", "number")
    assert run(rounding, ["BigInt(kv_cache_bytes(2, 4, 16, 128, 1, 4))"]) == [str(memory.kv_cache_bytes(**values))]


@given(function=formulas(), data=st.data())
def test_a_browser_computes_what_a_random_formula_does(run, function, data):
    inputs = [data.draw(arguments_of(function)) for _ in range(4)]
    results = run(formula.javascript([function]), calls_of(function, inputs))
    for values, got in zip(inputs, results, strict=True):
        expected = outcome(function, values)
        assert got in THROWN if expected is None else got == str(expected), values


def floors(a, b):
    return a // b


def remains(a, b):
    return a % b


def ceils(a, b):
    return -(-a // b)


@pytest.mark.parametrize("function", [floors, remains, ceils])
def test_division_goes_down_as_in_python_whatever_the_signs(run, function):
    pairs = [
        (a, b) for a in (-(2**70), -8, -7, -1, 0, 1, 7, 8, 2**70 + 1) for b in (-(2**65), -3, -1, 1, 2, 3, 2**53 + 1)
    ]
    calls = [f"{function.__name__}({a}n, {b}n)" for a, b in pairs]
    assert run(formula.javascript([function]), calls) == [str(function(a, b)) for a, b in pairs]
    assert run(formula.javascript([function]), [f"{function.__name__}(1n, 0n)"]) == ["RangeError"]


@pytest.mark.parametrize("sign", SIGNS)
def test_a_comparison_is_decided_as_python_decides_it(run, sign):
    compared = comparing(sign)
    results = run(formula.javascript([compared]), [f"compared({a}n, 2n)" for a in (1, 2, 3)])
    assert results == [str(compared(a, 2)) for a in (1, 2, 3)]


# What is no input.

BAD = ["undefined", "null", "1", "1.5", "NaN", "'1'", "true", "({})", "[1n]", "-1n"]
BAD_BY_KIND = {int: BAD, bool: [*BAD, "1n"], OPTIONAL: BAD}
GOOD = {bool: "true", OPTIONAL: "null"}


def wrong_values(name, kind):
    """Return what must be refused in the place of an argument of an exact formula, as JavaScript."""
    if is_record(kind):
        # Each field that formulas read is wrong once, in an object that is right but for it.
        right = {field: written(one_of(random.Random(1), field, of)) for field, of in fields_of(kind).items()}
        broken = [right | {field: bad} for field, of in fields_of(kind).items() for bad in wrong_values(field, of)]
        return ["undefined", "null", "1", "1n", "'{}'", "({})", "[]", *[object_of(each) for each in broken]]
    if (items := items_of(kind)) is not None:
        return ["undefined", "null", "1n", "''", "({})", "[,]", *[f"[{bad}]" for bad in wrong_values(name, items)]]
    bad = [value for value in BAD_BY_KIND[kind] if value != GOOD.get(kind)]
    return [*bad, *(["0n"] if kind is int and name in AT_LEAST_ONE else [])]


@each_formula
def test_what_is_no_whole_number_is_refused_in_the_place_of_each_argument(run, function):
    kinds = read(function).parameters
    right = {name: written(value) for name, value in drawn(function, 1)[0].items()}
    wrong = [(name, bad) for name, kind in kinds.items() for bad in wrong_values(name, kind)]
    results = run(formula.javascript([function]), calls_of(function, [right | {name: bad} for name, bad in wrong]))
    assert dict(zip(wrong, results, strict=True)) == dict.fromkeys(wrong, "TypeError")


@each_formula
def test_an_argument_that_is_left_out_is_refused(run, function):
    given_ = [written(value) for value in drawn(function, 1)[0].values()]
    call = f"{function.__name__}({', '.join(given_[:-1])})"
    assert run(formula.javascript([function]), [call]) == ["TypeError"]


def needs_a_window(group: Group, n_tokens):
    return min(group.window, n_tokens)


def test_a_number_that_is_missing_where_one_is_needed_throws(run):
    script = formula.javascript([needs_a_window])
    groups = [written(Group(1, 1, window, True)) for window in ("3n", "null", "undefined", "3")]
    calls = [f"needs_a_window({group.replace(chr(34), '')}, 5n)" for group in groups]
    assert run(script, calls) == ["3", "TypeError", "TypeError", "TypeError"]


def plain(n_tokens):
    return -n_tokens


@exact
def strict(prompt: int, n_tokens: int) -> int:
    return prompt - n_tokens


def test_only_what_is_exact_refuses_negative_numbers_and_what_there_must_be_one_of(run):
    assert run(formula.javascript([plain]), ["plain(-3n)"]) == ["3"]
    calls = ["strict(1n, 3n)", "strict(-1n, 3n)", "strict(1n, -3n)", "strict(0n, 3n)", "strict(1n, 0n)"]
    assert run(formula.javascript([strict]), calls) == ["-2", "TypeError", "TypeError", "TypeError", "1"]


def test_a_message_says_which_argument_of_which_formula_is_wrong(run):
    script = formula.javascript([layers.attention_bytes])
    group = written(Layers("full", 1, 2, 3, 5)).replace("window: null", "window: 7")
    element = written(ELEMENTS["fp16"])
    said = "(() => { try { %s } catch (error) { throw { name: error.message } } })()"
    assert run(script, [said % f"attention_bytes([{group}], 1n, 1n, {element})"]) == [
        "attention_bytes: groups.window is 7, and must be a BigInt from 0 on"
    ]
    assert run(script, [said % f"attention_bytes([], 1, 1n, {element})"]) == [
        "attention_bytes: context is 1, and must be a BigInt from 0 on"
    ]


# The script.


def test_a_formula_is_one_plain_function_with_its_checks():
    assert formula.javascript([memory.weight_bytes]).endswith(
        """
function weight_bytes(parameters, bytes_per_element) {
  $integer("weight_bytes: parameters", parameters, 0n);
  $integer("weight_bytes: bytes_per_element", bytes_per_element, 0n);
  return parameters * bytes_per_element;
}
"""
    )


def functions_in(script):
    return re.findall(r"^function ([$\w]+)\(", script, re.MULTILINE)


def test_a_script_has_each_function_once_and_before_its_callers():
    script = formula.javascript([flops.gpt2_prefill_flops, flops.gpt2_decode_flops, flops.gpt2_prefill_flops])
    assert functions_in(script) == [
        "$integer",
        "$floor",
        "plain_mlp_parameters",
        "gpt2_block_matrix_parameters",
        "head_flops",
        "attention_flops",
        "causal_pairs",
        "gpt2_prefill_flops",
        "gpt2_matrix_elements",
        "gpt2_decode_flops",
    ]


def test_all_formulas_together_are_one_script(run):
    script = formula.javascript(FORMULAS.values())
    names = functions_in(script)
    assert len(set(names)) == len(names)
    assert {function.__name__ for function in FORMULAS.values()} <= set(names)
    for position, name in enumerate(names):
        body = script.partition(f"function {name}(")[2].partition("\n}\n")[0]
        assert set(re.findall(r"([$\w]+)\(", body)) & set(names) <= set(names[:position]), name
    values = {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16, "context": 128, "batch": 1, "bytes_per_element": 4}
    assert run(script, calls_of(memory.kv_cache_bytes, [values])) == ["131072"]


def test_helpers_are_there_only_where_they_are_used():
    assert functions_in(formula.javascript([plain])) == ["$integer", "plain"]
    assert functions_in(formula.javascript([floors])) == ["$integer", "$floor", "floors"]
    assert functions_in(formula.javascript([needs_a_window])) == [
        "$integer",
        "$optional",
        "$flag",
        "$object",
        "$min",
        "$Group",
        "needs_a_window",
    ]
    assert functions_in(formula.javascript([])) == []


def test_a_script_runs_alone_and_in_strict_mode(run):
    script = formula.javascript([traffic.head_weight_bytes])
    assert script.startswith('"use strict";\n')
    assert run(script, ["(() => { undeclared = 1n; return 1n; })()"]) == ["ReferenceError"]


def test_no_number_in_a_script_is_one_that_rounds():
    script = re.sub(r'"[^"]*"', "", formula.javascript(FORMULAS.values()))
    assert re.findall(r"(?<![\w$])\d+\b", script) == []
    assert not re.search(r"\b(Number|parseInt|parseFloat|Math)\b", script)


def a_reserved_argument(new):
    return new + 1


def typeof(n_tokens):
    return n_tokens


def a_reserved_variable(lengths: Sequence[int]):
    return sum(function for function in lengths)


@pytest.mark.parametrize(("function", "word"), [(a_reserved_argument, "new"), (typeof, "typeof")])
def test_a_name_that_is_a_word_of_javascript_is_refused(function, word):
    with pytest.raises(KvlabError, match=f"{word!r} is a word of JavaScript"):
        formula.javascript([function])


def test_a_variable_that_is_a_word_of_javascript_is_refused():
    with pytest.raises(KvlabError, match="'function' is a word of JavaScript"):
        formula.javascript([a_reserved_variable])


def test_two_formulas_of_one_name_are_refused():
    def floors(a, b):
        return a // b + 1

    with pytest.raises(KvlabError, match="have the name 'floors'; each needs its own"):
        formula.javascript([globals()["floors"], floors])


def test_two_records_of_one_name_are_refused():
    @dataclasses.dataclass(frozen=True)
    class Group:
        count: int

    def counted(group):
        return group.count

    counted.__annotations__["group"] = Group
    with pytest.raises(KvlabError, match=r"have the name '\$Group'; each needs its own"):
        formula.javascript([needs_a_window, counted])
