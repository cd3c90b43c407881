"""The reference pages: what they list is all that there is, and a new entry appears or fails here by its name."""

import pytest

from figures_src.errors import BookError
from figures_src.markup.math import in_lines, to_mathml
from figures_src.pages import reference_formulas
from figures_src.words import Words
from kvlab import formula
from kvlab.formula import contents


@pytest.fixture(params=["en", "es"])
def words(request):
    return Words(request.param)


# Formulas.


def cells(page, words, prefix):
    return [row for name, make in page.tables.items() if name.startswith(prefix) for row in make(words).rows]


def test_every_function_of_the_accounting_has_a_row_and_its_unit(words):
    listed = [row[0].split("`")[1] for row in cells(reference_formulas.page, words, "of_")]
    others = [row[1].strip("`").split(".")[1] for row in reference_formulas.no_formulas(words).rows]
    known = [name for inside in contents.functions().values() for name in inside]
    assert sorted(listed + others) == sorted(known)
    assert all(row[2] for row in cells(reference_formulas.page, words, "of_"))


def test_every_symbol_of_a_formula_has_its_meaning_in_one_of_the_legends(words):
    rows = cells(reference_formulas.page, words, "symbols") + cells(reference_formulas.page, words, "more_symbols")
    assert sorted(row[1].strip("`") for row in rows) == sorted(formula.SYMBOLS)
    symbols = [row[0].split("$")[1] for row in rows]
    assert len(set(symbols)) == len(symbols)


def test_the_unit_is_read_from_the_functions_name_or_asked_for():
    assert reference_formulas.unit_of("kv_elements_per_token") == "elements"
    assert reference_formulas.unit_of("together") == "bytes"
    with pytest.raises(BookError, match="unit of wheels"):
        reference_formulas.unit_of("wheels")


def test_a_formula_that_nobody_has_described_is_refused_by_its_name(words):
    def wheels_bytes(n_layers: int) -> int:
        return 4 * n_layers

    with pytest.raises(BookError, match=r"'quantity\.wheels_bytes'"):
        reference_formulas.sheet(words, {"wheels_bytes": wheels_bytes})


def test_a_long_sum_has_a_line_for_each_of_its_terms():
    assert in_lines(r"a \cdot \left(b + c\right)") == r"a \cdot \left(b + c\right)"
    assert in_lines(r"a_{b + c} + \frac{d - e}{f} - g") == (
        r"\begin{aligned} & a_{b + c} \\ & {} + \frac{d - e}{f} \\ & {} - g \end{aligned}"
    )
    assert to_mathml(in_lines("a + b"), True).count("<mtr>") == 2
