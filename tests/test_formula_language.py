"""The language of formulas: each construct in its four faces."""

import inspect
from collections.abc import Sequence

import pytest
from random_formulas import PAIRS, SIGNS, Group, comparing, outcome
from read_back import as_python, evaluated

from figures_src.markup.math import to_mathml
from kvlab import formula
from kvlab.errors import KvlabError
from kvlab.formula.evaluation import UNKNOWN, value
from kvlab.formula.reading import read


def whole(n_layers):
    return 1234 * n_layers


def added(n_layers, head_dim, context):
    return n_layers + (head_dim - context) - (n_layers - head_dim)


def negative(n_layers, head_dim):
    return -(n_layers + head_dim) + -head_dim


def multiplied(n_layers, head_dim, context):
    return (n_layers + head_dim) * -context


def floored(n_layers, head_dim, context):
    return (n_layers + context) // (head_dim * 2) - n_layers * context // head_dim


def even(n_layers, context):
    return 7 * ((context - 2) * (context - 3) // 2) % n_layers + (context * (context + 2) * (context + 1) // 3) ** 2


def not_seen_to_be_even(n_layers, context):
    return context * (context + 2) // 2 + context * (n_layers + 1) // 2 + context * (context + 1) // 4


def remaining(n_layers, head_dim, context):
    return n_layers * (context % head_dim) + n_layers * context % head_dim


def powered(n_layers, head_dim):
    return (n_layers + head_dim) ** 2 + (n_layers**2) ** 3 + (-head_dim) ** 12


def rounded_up(n_layers, head_dim, context):
    return n_layers * -(-(context + 1) // head_dim)


def extremes(n_layers, head_dim, context):
    return min(n_layers, 2 * head_dim, context) - max(context, n_layers)


def chosen(n_layers, head_dim):
    return (n_layers if n_layers < head_dim else head_dim) * 2


def returned(n_layers, head_dim):
    """Say which of three."""
    if n_layers <= head_dim:
        return 1
    elif n_layers != 7:
        return 2
    return 3


def guarded(n_layers, head_dim):
    if n_layers > head_dim:
        raise KvlabError("too many")
    return head_dim - n_layers


def chained(n_layers, head_dim, context):
    return 1 if n_layers < head_dim <= context else 0


def joined(n_layers, head_dim, context):
    return 1 if (n_layers == 2 or head_dim >= 3) and not n_layers > context else 0


def missing(group: Group, context):
    return context if group.window is None else min(group.window, context)


def present(group: Group, context):
    return group.window - context if group.window is not None and not group.stores else 0


def calling(n_layers, head_dim, context):
    return 2 * floored(head_dim=head_dim, context=context, n_layers=n_layers + 1)


def calling_two(n_layers, context):
    return 3 - guarded(context - 1, n_layers) * guarded(n_layers, n_layers)


def summing(groups: list[Group], context):
    return context * sum(g.count - context for g in groups)


def summing_integers(lengths: Sequence[int], page: int):
    return sum(-(-length // page) for length in lengths) + 1


PAGES = 16


def with_a_constant(tokens):
    return tokens // PAGES


def greater(n_layers, head_dim):
    return 1 if n_layers > head_dim else 2 if n_layers >= 7 else 3 if n_layers == 5 else 4


def not_so(group: Group):
    return 1 if not group.stores else 2


def of_a_window(window: int | None, /, *, context):
    return context if window is None else window - context


def calling_by_place_and_by_name(group: Group, context):
    return of_a_window(context + 1, context=2) * of_a_window(group.window, context=3)


GROUPS = [Group(2, 3, None, True), Group(5, 7, 11, False)]

# Text, LaTeX, line with numbers, what the function in JavaScript returns.
FACES = {
    whole: ("1,234 · L", r"1,234 \cdot L", "1,234 · 5", "1234n * n_layers"),
    added: (
        "L + d_h − S − (L − d_h)",
        r"L + d_{h} - S - \left(L - d_{h}\right)",
        "5 + 3 − 8 − (5 − 3)",
        "n_layers + (head_dim - context) - (n_layers - head_dim)",
    ),
    negative: (
        "−(L + d_h) + (−d_h)",
        r"-\left(L + d_{h}\right) + \left(-d_{h}\right)",
        "−(5 + 3) + (−3)",
        "-(n_layers + head_dim) + (-head_dim)",
    ),
    multiplied: (
        "(L + d_h) · (−S)",
        r"\left(L + d_{h}\right) \cdot \left(-S\right)",
        "(5 + 3) · (−8)",
        "(n_layers + head_dim) * (-context)",
    ),
    floored: (
        "⌊(L + S) / (d_h · 2)⌋ − ⌊L · S / d_h⌋",
        r"\left\lfloor \frac{L + S}{d_{h} \cdot 2} \right\rfloor - \left\lfloor \frac{L \cdot S}{d_{h}} \right\rfloor",
        "⌊(5 + 8) / (3 · 2)⌋ − ⌊5 · 8 / 3⌋",
        "$floor(n_layers + context, head_dim * 2n) - $floor(n_layers * context, head_dim)",
    ),
    even: (
        "((7 · (S − 2) · (S − 3) / 2) mod L) + (S · (S + 2) · (S + 1) / 3)²",
        r"\left(\left(7 \cdot \frac{\left(S - 2\right) \cdot \left(S - 3\right)}{2}\right) \bmod L\right) + "
        r"\left(\frac{S \cdot \left(S + 2\right) \cdot \left(S + 1\right)}{3}\right)^{2}",
        "((7 · (8 − 2) · (8 − 3) / 2) mod 5) + (8 · (8 + 2) · (8 + 1) / 3)²",
        "$modulo(7n * $floor((context - 2n) * (context - 3n), 2n), n_layers) + "
        "$floor(context * (context + 2n) * (context + 1n), 3n) ** 2n",
    ),
    not_seen_to_be_even: (
        "⌊S · (S + 2) / 2⌋ + ⌊S · (L + 1) / 2⌋ + ⌊S · (S + 1) / 4⌋",
        r"\left\lfloor \frac{S \cdot \left(S + 2\right)}{2} \right\rfloor + "
        r"\left\lfloor \frac{S \cdot \left(L + 1\right)}{2} \right\rfloor + "
        r"\left\lfloor \frac{S \cdot \left(S + 1\right)}{4} \right\rfloor",
        "⌊8 · (8 + 2) / 2⌋ + ⌊8 · (5 + 1) / 2⌋ + ⌊8 · (8 + 1) / 4⌋",
        "$floor(context * (context + 2n), 2n) + $floor(context * (n_layers + 1n), 2n) + "
        "$floor(context * (context + 1n), 4n)",
    ),
    remaining: (
        "L · (S mod d_h) + ((L · S) mod d_h)",
        r"L \cdot \left(S \bmod d_{h}\right) + \left(\left(L \cdot S\right) \bmod d_{h}\right)",
        "5 · (8 mod 3) + ((5 · 8) mod 3)",
        "n_layers * $modulo(context, head_dim) + $modulo(n_layers * context, head_dim)",
    ),
    powered: (
        "(L + d_h)² + (L²)³ + (−d_h)¹²",
        r"\left(L + d_{h}\right)^{2} + \left(L^{2}\right)^{3} + \left(-d_{h}\right)^{12}",
        "(5 + 3)² + (5²)³ + (−3)¹²",
        "(n_layers + head_dim) ** 2n + (n_layers ** 2n) ** 3n + (-head_dim) ** 12n",
    ),
    rounded_up: (
        "L · ⌈(S + 1) / d_h⌉",
        r"L \cdot \left\lceil \frac{S + 1}{d_{h}} \right\rceil",
        "5 · ⌈(8 + 1) / 3⌉",
        "n_layers * $ceiling(context + 1n, head_dim)",
    ),
    extremes: (
        "min(L, 2 · d_h, S) − max(S, L)",
        r"\min\left(L, 2 \cdot d_{h}, S\right) - \max\left(S, L\right)",
        "min(5, 2 · 3, 8) − max(8, 5)",
        "$min(n_layers, 2n * head_dim, context) - $max(context, n_layers)",
    ),
    chosen: (
        "(L if L < d_h, else d_h) · 2",
        r"\left(\begin{cases} L & L < d_{h} \\ d_{h} & L \ge d_{h} \end{cases}\right) \cdot 2",
        "3 · 2",
        "(n_layers < head_dim ? n_layers : head_dim) * 2n",
    ),
    returned: (
        "1 if L ≤ d_h, else 2 if L ≠ 7, else 3",
        r"\begin{cases} 1 & L \le d_{h} \\ \begin{cases} 2 & L \ne 7 \\ 3 & L = 7 \end{cases} & L > d_{h} \end{cases}",
        "2",
        "n_layers <= head_dim ? 1n : n_layers !== 7n ? 2n : 3n",
    ),
    guarded: (
        "d_h − L",
        "d_{h} - L",
        None,
        'n_layers > head_dim ? $refuse("guarded") : head_dim - n_layers',
    ),
    chained: (
        "1 if L < d_h ≤ S, else 0",
        r"\begin{cases} 1 & L < d_{h} \le S \\ 0 & \neg \left(L < d_{h} \le S\right) \end{cases}",
        "0",
        "n_layers < head_dim && head_dim <= context ? 1n : 0n",
    ),
    joined: (
        "1 if (L = 2 or d_h ≥ 3) and not (L > S), else 0",
        r"\begin{cases} 1 & \left(L = 2 \lor d_{h} \ge 3\right) \land \neg \left(L > S\right) \\ "
        r"0 & \neg \left(\left(L = 2 \lor d_{h} \ge 3\right) \land \neg \left(L > S\right)\right) \end{cases}",
        "1",
        "(n_layers === 2n || head_dim >= 3n) && !(n_layers > context) ? 1n : 0n",
    ),
    greater: (
        "1 if L > d_h, else 2 if L ≥ 7, else 3 if L = 5, else 4",
        r"\begin{cases} 1 & L > d_{h} \\ \begin{cases} 2 & L \ge 7 \\ "
        r"\begin{cases} 3 & L = 5 \\ 4 & L \ne 5 \end{cases} & L < 7 \end{cases} & L \le d_{h} \end{cases}",
        "1",
        "n_layers > head_dim ? 1n : n_layers >= 7n ? 2n : n_layers === 5n ? 3n : 4n",
    ),
    not_so: (
        "1 if not own, else 2",
        r"\begin{cases} 1 & \neg \mathrm{own} \\ 2 & \mathrm{own} \end{cases}",
        "1",
        "!group.stores ? 1n : 2n",
    ),
    calling_by_place_and_by_name: (
        "(2 if S + 1 = ∅, else S + 1 − 2) · (3 if W = ∅, else W − 3)",
        r"\left(\begin{cases} 2 & S + 1 = \varnothing \\ S + 1 - 2 & S + 1 \ne \varnothing \end{cases}\right) \cdot "
        r"\left(\begin{cases} 3 & W = \varnothing \\ W - 3 & W \ne \varnothing \end{cases}\right)",
        "(9 − 2) · (11 − 3)",
        "of_a_window(context + 1n, 2n) * of_a_window(group.window, 3n)",
    ),
    missing: (
        "S if W = ∅, else min(W, S)",
        r"\begin{cases} S & W = \varnothing \\ \min\left(W, S\right) & W \ne \varnothing \end{cases}",
        "min(11, 8)",
        'group.window === null ? context : $min($integer("missing: group.window", group.window), context)',
    ),
    present: (
        "W − S if W ≠ ∅ and not own, else 0",
        r"\begin{cases} W - S & W \ne \varnothing \land \neg \mathrm{own} \\ "
        r"0 & \neg \left(W \ne \varnothing \land \neg \mathrm{own}\right) \end{cases}",
        "11 − 8",
        'group.window !== null && !group.stores ? $integer("present: group.window", group.window) - context : 0n',
    ),
    calling: (
        "2 · (⌊(L + 1 + S) / (d_h · 2)⌋ − ⌊(L + 1) · S / d_h⌋)",
        r"2 \cdot \left(\left\lfloor \frac{L + 1 + S}{d_{h} \cdot 2} \right\rfloor - "
        r"\left\lfloor \frac{\left(L + 1\right) \cdot S}{d_{h}} \right\rfloor\right)",
        "2 · (⌊(6 + 8) / (3 · 2)⌋ − ⌊6 · 8 / 3⌋)",
        "2n * floored(n_layers + 1n, head_dim, context)",
    ),
    calling_two: (
        "3 − (L − (S − 1)) · (L − L)",
        r"3 - \left(L - \left(S - 1\right)\right) \cdot \left(L - L\right)",
        None,
        "3n - guarded(context - 1n, n_layers) * guarded(n_layers, n_layers)",
    ),
    summing: (
        "S · (Σ (L_i − S))",
        r"S \cdot \left(\sum \left(L_{i} - S\right)\right)",
        "8 · ((2 − 8) + (5 − 8))",
        "context * $sum(groups, (g) => g.count - context)",
    ),
    summing_integers: (
        "Σ ⌈S_j / p⌉ + 1",
        r"\sum \left\lceil \frac{S_{j}}{p} \right\rceil + 1",
        "⌈3 / 4⌉ + ⌈4 / 4⌉ + ⌈9 / 4⌉ + 1",
        "$sum(lengths, (length) => $ceiling(length, page)) + 1n",
    ),
    with_a_constant: (
        "⌊S_i / 16⌋",
        r"\left\lfloor \frac{S_{i}}{16} \right\rfloor",
        "⌊55 / 16⌋",
        "$floor(tokens, 16n)",
    ),
}
NUMBERS = {"n_layers": 5, "head_dim": 3, "context": 8, "page": 4, "tokens": 55, "lengths": [3, 4, 9]}
NUMBERS |= {"group": GROUPS[1], "groups": GROUPS}


@pytest.mark.parametrize("function", FACES, ids=lambda f: f.__name__)
def test_each_construct_has_four_faces(function):
    text, latex, line, javascript = FACES[function]
    assert formula.text(function) == text
    assert formula.latex(function) == latex
    assert to_mathml(latex, True).startswith("<math")
    body = formula.javascript([function]).partition(f"function {function.__name__}(")[2].partition("\n}")[0]
    assert body.endswith(f"\n  return {javascript};")
    if line is None:
        with pytest.raises(KvlabError, match="has no result with these numbers"):
            formula.with_numbers(function, NUMBERS)
    else:
        assert formula.with_numbers(function, NUMBERS) == line
        arguments = {name: NUMBERS[name] for name in inspect.signature(function).parameters}
        assert evaluated(as_python(line)) == function(**arguments)


@pytest.mark.parametrize("function", FACES, ids=lambda f: f.__name__)
def test_each_construct_comes_to_what_python_makes_of_it(function):
    for numbers in (NUMBERS, NUMBERS | {"n_layers": -7, "head_dim": 2, "group": GROUPS[0]}):
        arguments = {name: numbers[name] for name in inspect.signature(function).parameters}
        expected = outcome(function, arguments)
        assert value(read(function).body, arguments) == (UNKNOWN if expected is None else expected)


@pytest.mark.parametrize("sign", SIGNS)
def test_a_comparison_of_numbers_is_decided_as_python_decides_it(sign):
    compared = comparing(sign)
    assert [formula.with_numbers(compared, pair) for pair in PAIRS] == [str(compared(**pair)) for pair in PAIRS]


def test_a_number_that_is_negative_stands_in_parentheses_where_it_would_be_misread():
    values = {"n_layers": -5, "head_dim": 3, "context": -8}
    assert formula.with_numbers(added, values) == "−5 + 3 − (−8) − (−5 − 3)"
    assert formula.with_numbers(powered, values) == "(−5 + 3)² + ((−5)²)³ + (−3)¹²"


def test_what_is_passed_to_a_formula_is_the_number_that_it_comes_to():
    assert formula.with_numbers(calling, {"n_layers": 1, "head_dim": 7, "context": 3}).startswith("2 · (⌊(2 + 3)")


def test_a_truth_that_is_known_while_others_are_not_stands_as_such():
    given_ = {"group": Group(2, 3, 11, True)}
    assert formula.write(present, formula.TEXT, given_) == "0"
    assert formula.write(known_and_unknown, formula.TEXT, {"stores": True}) == "1 if ⊤ and S < 3, else 0"


def test_a_formula_inside_a_function_may_call_what_is_there():
    rest = 3

    def taken(n_layers):
        return n_layers - rest

    def twice(n_layers):
        return 2 * taken(n_layers)

    def summed(lengths: list[int]):
        return sum(taken(length) for length in lengths)

    assert formula.text(twice) == "2 · (L − 3)"
    assert formula.with_numbers(summed, {"lengths": [8, 9]}) == "(8 − 3) + (9 − 3)"


def known_and_unknown(stores: bool, context):
    return 1 if stores and context < 3 else 0
