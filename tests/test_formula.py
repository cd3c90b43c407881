"""The faces of the accounting's formulas, and of random ones: each says what the function computes."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from properties import examples, hold_for_each
from random_formulas import FORMULAS, NOT_FORMULAS, Group, arguments_of, formulas, outcome, public_functions
from read_back import as_python, evaluated, latex_as_python, symbols_of

from figures_src.markup.math import to_mathml
from kvlab import formula
from kvlab.accounting import flops, layers, memory, pairs, roofline
from kvlab.accounting.formats import ELEMENTS
from kvlab.accounting.layers import Layers
from kvlab.errors import KvlabError
from kvlab.formula import contents
from kvlab.formula.contents import is_ratio
from kvlab.formula.reading import read, read_ratio
from kvlab.formula.types import OPTIONAL, items_of

CONTEXT = 700
SLIDING = Layers("sliding", 22, 4, 64, 64, window=512)
FULL = Layers("full", 4, 4, 64, 64)
SHARED = Layers("shared", 3, 4, 64, 64, stores=False)


def each_formula(check):
    """Make a test of what holds for each formula of the accounting."""

    def test():
        hold_for_each(check, FORMULAS)

    return test


# What a formula is.


def test_every_public_function_of_the_accounting_is_a_formula_or_is_known_as_none():
    refused = []
    for name, function in public_functions().items():
        try:
            read(function)
        except KvlabError:
            refused.append(name)
    assert sorted(refused) == sorted(NOT_FORMULAS)


# Every formula of the accounting.


@each_formula
@examples(0.2)
@given(data=st.data())
def test_the_line_with_the_numbers_put_in_gives_the_result_of_the_function(function, data):
    values = data.draw(arguments_of(function))
    result = outcome(function, values)
    assume(result is not None)
    assert evaluated(as_python(formula.with_numbers(function, values))) == result


@each_formula
@examples(0.2)
@given(data=st.data())
def test_text_and_latex_say_the_formula(function, data):
    values = data.draw(arguments_of(function))
    result = outcome(function, values)
    assume(result is not None)
    text, latex = formula.text(function), formula.latex(function)
    if "Σ" in text:
        assert text.count("Σ") == latex.count(r"\sum")
        assert_the_sum_says_the_formula(function, text, latex, values, result)
    else:
        assert evaluated(as_python(text), symbols_of(function, values)) == result
        assert evaluated(latex_as_python(latex), symbols_of(function, values)) == result


def assert_the_sum_says_the_formula(function, text, latex, values, result):
    """Take the term behind the one Σ for each item of the list, and add; the sum of a sum has tests of its own."""
    if text.count("Σ") > 1:
        assert function is layers.paged_bytes
        return
    assert text.startswith("Σ ")
    term, latex_term = as_python(text.removeprefix("Σ ")), latex_as_python(latex.removeprefix(r"\sum "))
    lists = [name for name, kind in read(function).parameters.items() if items_of(kind) is not None]
    others = symbols_of(function, values)
    one_of = {
        "lengths": lambda item: {"S_j": Fraction(item)},
        "groups": lambda item: symbols_of(layers.tokens_stored, {"layers": item}),
    }
    each = [others | one_of[name](item) for name in lists for item in values[name]]
    assert sum(evaluated(term, symbols) for symbols in each) == result
    assert sum(evaluated(latex_term, symbols) for symbols in each) == result


@each_formula
def test_the_latex_of_every_formula_is_taken_by_the_sites_converter(function):
    assert to_mathml(formula.latex(function), True).startswith("<math")


@each_formula
@examples(0.2)
@given(data=st.data())
def test_the_latex_of_numbers_put_in_is_taken_by_the_sites_converter(function, data):
    values = data.draw(arguments_of(function, st.integers(0, 5000)))
    assume(outcome(function, values) is not None)
    dialect = formula.latex_dialect(lambda number: rf"\text{{{number:,}}}")
    assert to_mathml(formula.with_numbers(function, values, dialect), False).startswith("<math")


# Formulas by the names of those that they call.


@each_formula
@examples(0.2)
@given(data=st.data())
def test_a_formula_that_names_those_that_it_calls_says_the_same(function, data):
    if any(kind not in (int, OPTIONAL) for kind in read(function).parameters.values()):
        return  # of layers and elements, what is passed on is not named
    values = data.draw(arguments_of(function))
    result = outcome(function, values)
    assume(result is not None)
    known = symbols_of(function, values) | {key.split(".")[1]: whole(called) for key, called in FORMULAS.items()}
    text = formula.write(function, formula.TEXT, names_calls=True)
    assert evaluated(as_python(text), known) == result
    latex = formula.write(function, formula.latex_dialect(), names_calls=True)
    assert evaluated(latex_as_python(latex.replace(r"\_", "_")), known) == result


def whole(function):
    """Return a function that takes fractions which are whole numbers."""
    return lambda *arguments: function(*(int(argument) for argument in arguments))


def test_a_named_call_leaves_out_what_is_no_number():
    by_names = {"names_calls": True}
    assert formula.write(layers.read_bytes, formula.TEXT, **by_names) == "Σ layers_bytes(H_kv, S, B)"
    assert "slots_bytes(H_kv, 1, 1) · (tokens_stored(S + 1)" in formula.write(
        layers.next_token_bytes, formula.TEXT, **by_names
    )


@each_formula
def test_the_latex_of_named_calls_is_taken_by_the_sites_converter(function):
    latex = formula.write(function, formula.latex_dialect(), names_calls=True)
    assert to_mathml(latex, True).startswith("<math")


# Ratios of formulas.


def test_a_ratio_is_written_as_a_fraction():
    assert formula.write_ratio(roofline.ridge, formula.TEXT) == "π / β"
    assert formula.write_ratio(roofline.grouped_attention_intensity, formula.TEXT) == "2 · H / (H_kv · s)"
    latex = formula.write_ratio(roofline.grouped_attention_intensity, formula.latex_dialect())
    assert latex == r"\frac{2 \cdot H}{H_{\mathrm{kv}} \cdot s}"
    known = {"n_heads": 64, "n_kv_heads": 8}
    assert formula.write_ratio(roofline.grouped_attention_intensity, formula.TEXT, known) == "2 · 64 / (8 · s)"


@examples(0.2)
@given(data=st.data())
@pytest.mark.parametrize("name", [name for name, why in NOT_FORMULAS.items() if why == "gives a ratio"])
def test_a_written_ratio_gives_what_the_function_gives(name, data):
    function = public_functions()[name]
    if not is_ratio(function):
        return
    values = {argument: data.draw(st.integers(1, 9999)) for argument in read_ratio(function)[0].parameters}
    known = {formula.SYMBOLS[argument]: Fraction(value) for argument, value in values.items()}
    written = formula.write_ratio(function, formula.TEXT)
    assert float(evaluated(as_python(written), known)) == pytest.approx(function(**values))


def the_lesser(n_layers, head_dim):
    return min(n_layers, head_dim)


def test_what_is_no_ratio_is_refused():
    with pytest.raises(KvlabError, match="is not `return ratio"):
        formula.write_ratio(the_lesser, formula.TEXT)
    with pytest.raises(KvlabError, match=r"memory\.py:\d+: .* is not `return ratio"):
        formula.write_ratio(memory.weight_bytes, formula.TEXT)


# The list of all.


def test_the_list_of_formulas_has_every_public_function_of_the_accounting_in_its_room_once():
    listed = {
        f"{room}.{name}": function for room, inside in contents.functions().items() for name, function in inside.items()
    }
    assert listed == public_functions()
    assert {key for key, function in listed.items() if contents.is_formula(function)} == set(FORMULAS)


# Random formulas.


@given(formulas(), st.data())
def test_the_line_of_a_random_formula_gives_its_result(function, data):
    values = data.draw(arguments_of(function))
    result = outcome(function, values)
    assume(result is not None)
    assert evaluated(as_python(formula.with_numbers(function, values))) == result
    latex = formula.with_numbers(function, values, formula.latex_dialect())
    assert evaluated(latex_as_python(latex)) == result


@given(formulas(sums=False), st.data())
def test_text_and_latex_of_a_random_formula_say_it(function, data):
    values = data.draw(arguments_of(function))
    result = outcome(function, values)
    assume(result is not None)
    symbols = symbols_of(function, values)
    assert evaluated(as_python(formula.text(function)), symbols) == result
    latex = formula.latex(function)
    assert evaluated(latex_as_python(latex), symbols) == result
    assert to_mathml(latex, True).startswith("<math")


@given(formulas(sums=False), st.data())
def test_a_random_formula_of_which_some_numbers_are_known_still_says_the_same(function, data):
    values = data.draw(arguments_of(function))
    result = outcome(function, values)
    assume(result is not None)
    some = {name: value for name, value in values.items() if data.draw(st.booleans(), name)}
    for multiplies in (False, True):
        line = formula.write(function, formula.TEXT, some, multiplies=multiplies)
        assert evaluated(as_python(line), symbols_of(function, values)) == result


# The book's formulas, as they stand there.


def test_the_size_formula_stands_in_written_order_with_the_books_symbols():
    assert formula.text(memory.kv_cache_bytes) == "2 · L · H_kv · d_h · S · B · s"
    assert formula.latex(memory.kv_cache_bytes) == (
        r"2 \cdot L \cdot H_{\mathrm{kv}} \cdot d_{h} \cdot S \cdot B \cdot s"
    )


def test_the_line_with_numbers_shows_every_factor_even_a_one():
    values = {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16, "context": 128, "batch": 1, "bytes_per_element": 4}
    assert formula.with_numbers(memory.kv_cache_bytes, values) == "2 · 2 · 4 · 16 · 128 · 1 · 4"


def test_some_numbers_can_be_put_in_while_the_rest_stay_symbols():
    given_ = {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16}
    assert formula.write(memory.kv_cache_bytes, formula.TEXT, given_) == "2 · 2 · 4 · 16 · S · B · s"


def test_a_called_formula_is_written_out_and_keeps_its_parentheses():
    assert formula.text(flops.gpt2_matrix_elements) == "L · (4 · d² + 2 · d · d_ff) + V · d"


def a_half(n_layers):
    return 4 * n_layers // 2


def half_of_an_odd_number(n_layers):
    return 3 * n_layers // 2


def twice_a_half_for_one(n_layers, batch):
    return n_layers * 2 * a_half(1) * a_half(n_layers) * batch


def test_the_numbers_that_a_product_has_in_its_source_are_one():
    assert formula.text(a_half) == "2 · L"
    assert formula.text(half_of_an_odd_number) == "⌊3 · L / 2⌋"
    assert formula.text(twice_a_half_for_one) == "L · 8 · L · B"
    assert formula.text(memory.kv_bytes_per_layer_token) == "2 · H_kv · d_h · s"
    assert formula.text(flops.scores_flops) == "2 · L · H · d_h · A"
    values = {"n_layers": 1, "batch": 1}
    assert formula.with_numbers(twice_a_half_for_one, values) == "1 · 8 · 1 · 1"


def test_numbers_that_are_put_in_can_be_multiplied():
    given_ = {"n_layers": 2, "n_kv_heads": 4, "head_dim": 16, "bytes_per_element": 4}
    assert formula.write(memory.kv_cache_bytes, formula.TEXT, given_, multiplies=True) == "1,024 · S · B"


def test_ceiling_and_floor_have_signs_of_their_own():
    assert formula.text(layers.heads_per_device) == "⌈H_kv / D⌉"
    assert formula.latex(pairs.generated_tokens_asymptotic) == r"\left\lfloor \frac{n^{2}}{2} \right\rfloor"


def test_consecutive_factors_need_no_sign_that_rounds():
    assert formula.latex(pairs.causal_pairs) == r"\frac{T \cdot \left(T + 1\right)}{2}"
    assert formula.text(pairs.tetrahedral) == "T · (T + 1) · (T + 2) / 6"
    assert formula.text(pairs.tokens_uncached) == "n · P + n · (n − 1) / 2"


# Sums over layers, as a teacher writes them.


def sizes(*groups, element="fp16"):
    return {"groups": list(groups), "context": CONTEXT, "batch": 1, "element": ELEMENTS[element]}


def test_a_sum_over_groups_has_one_term_a_group_and_minima_are_the_numbers_that_they_come_to():
    line = formula.with_numbers(layers.attention_bytes, sizes(SLIDING, FULL, SHARED))
    assert line == "22 · (256 · 2 + 256 · 2) · 512 · 1 + 4 · (256 · 2 + 256 · 2) · 700 · 1 + 0"


def test_a_sum_over_one_group_is_its_term_and_over_none_is_zero():
    assert formula.with_numbers(layers.attention_bytes, sizes(FULL)) == "4 · (256 · 2 + 256 · 2) · 700 · 1"
    assert formula.with_numbers(layers.attention_bytes, sizes()) == "0"


def test_what_is_stored_in_blocks_shows_the_blocks():
    latent = Layers("latent", 61, 1, 512 + 64, 0)
    line = formula.with_numbers(layers.attention_bytes, sizes(latent, element="q8_0"))
    assert line == "61 · (18 · 34 + 0 · 34) · 700 · 1"


def test_the_text_of_a_sum_has_a_sigma_before_what_it_adds():
    assert formula.text(layers.state_bytes) == "Σ L_i · (e_conv · s + e_rec · 4) · B"
    assert formula.text(layers.tokens_stored) == "S if W = ∅, else min(S, W)"
    assert formula.text(layers.paged_bytes).endswith("(Σ ⌈(S_j if W = ∅, else min(S_j, W)) / p⌉ · p) if own, else 0)")


def test_a_minimum_of_the_formula_itself_is_shown_with_its_numbers():
    assert formula.with_numbers(layers.tokens_stored, {"layers": SLIDING, "context": CONTEXT}) == "min(700, 512)"
    assert formula.with_numbers(layers.tokens_stored, {"layers": FULL, "context": CONTEXT}) == "700"


def test_pages_of_several_sequences_are_added_within_each_group():
    values = {"groups": [SLIDING, FULL], "lengths": [700, 5], "page": 16, "element": ELEMENTS["fp16"]}
    token = "(256 · 2 + 256 · 2)"
    assert formula.with_numbers(layers.paged_bytes, values) == (
        f"22 · {token} · (⌈min(700, 512) / 16⌉ · 16 + ⌈min(5, 512) / 16⌉ · 16)"
        f" + 4 · {token} · (⌈700 / 16⌉ · 16 + ⌈5 / 16⌉ · 16)"
    )


# Symbols.


def an_unnamed_quantity(wheels):
    return 4 * wheels


def test_an_argument_without_a_symbol_is_refused_by_name():
    with pytest.raises(KvlabError, match="'wheels'"):
        formula.text(an_unnamed_quantity)
    assert formula.with_numbers(an_unnamed_quantity, {"wheels": 3}) == "4 · 3"


def two_of_a_kind(group: Group, groups: Sequence[Group]):
    return group.count - sum(g.count for g in groups)


def an_argument_and_a_field(group: Group, count):
    return group.count - count


def test_a_symbol_that_would_stand_for_two_quantities_is_refused():
    with pytest.raises(KvlabError, match=r"the symbol L_i stands for group.count and for groups\[\].count"):
        formula.text(two_of_a_kind)
    with pytest.raises(KvlabError, match=r"the symbol L_i stands for group.count and for count"):
        formula.latex(an_argument_and_a_field)


def test_no_two_quantities_share_a_symbol():
    assert len(set(formula.SYMBOLS.values())) == len(formula.SYMBOLS)
