"""Protects how numbers are shown in each language, in text and in mathematics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures_src.errors import BookError
from figures_src.markup.math import to_mathml
from figures_src.words.numbers import NARROW_NBSP, NBSP, show, to_latex


@pytest.mark.parametrize(
    ("number", "english", "spanish"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (4096, "4,096", "4096"),
        (12345, "12,345", f"12{NARROW_NBSP}345"),
        (131072, "131,072", f"131{NARROW_NBSP}072"),
        (-1234567, "−1,234,567", f"−1{NARROW_NBSP}234{NARROW_NBSP}567"),
    ],
)
def test_english_groups_from_four_digits_and_spanish_from_five(number, english, spanish):
    assert show(number, "", "en") == english
    assert show(number, "", "es") == spanish


@given(st.integers(-(10**30), 10**30), st.sampled_from(["en", "es"]))
def test_grouping_changes_no_digit(number, language):
    plain = show(number, "", language).replace(",", "").replace(NARROW_NBSP, "").replace("−", "-")
    assert int(plain) == number


@pytest.mark.parametrize(
    ("size", "style", "english", "spanish"),
    [
        (2**30, "both", "1.07 GB (1 GiB)", "1,07 GB (1 GiB)"),
        (131072, "B", "131,072 B", f"131{NARROW_NBSP}072 B"),
        (131072, "binary", "128 KiB", "128 KiB"),
        (524288, "MiB", "0.5 MiB", "0,5 MiB"),
        (4718592, "MiB", "4.5 MiB", "4,5 MiB"),
        (9663676416, "both", "9.66 GB (9 GiB)", "9,66 GB (9 GiB)"),
        (1, "GiB", "0.000000000931 GiB", "0,000000000931 GiB"),
        (15_624_314_880, "both", "15.62 GB (14.55 GiB)", "15,62 GB (14,55 GiB)"),
        (1_555_000_000_000, "GB_s", "1,555 GB/s", "1555 GB/s"),
        (165_150_000_000_000, "TFLOP_s", "165.15 TFLOP/s", "165,15 TFLOP/s"),
        (3_298_534_883_328, "FLOP", "3.30 TFLOP", "3,30 TFLOP"),
        (268_435_456, "FLOP", "268 MFLOP", "268 MFLOP"),
        (12_345, "FLOP", "12.3 kFLOP", "12,3 kFLOP"),
        (512, "FLOP", "512 FLOP", "512 FLOP"),
    ],
)
def test_a_size_is_shown_in_the_unit_that_is_asked_for(size, style, english, spanish):
    assert show(size, style, "en").replace(NBSP, " ") == english
    assert show(size, style, "es").replace(NBSP, " ") == spanish


def test_number_and_unit_never_part_at_the_end_of_a_line():
    assert " " not in show(131072, "KiB", "en") + show(0.2, "percent", "es")


@pytest.mark.parametrize(
    ("ratio", "style", "english", "spanish"),
    [
        (0.23230491, "percent1", "23.2%", "23,2 %"),
        (0.96875, "percent3", "96.875%", "96,875 %"),
        (0.198, "percent", "20%", "20 %"),
        (1, "percent", "100%", "100 %"),
        (12.9629, "fixed2", "12.96", "12,96"),
        (0.5, "", "0.5", "0,5"),
        # Halves go away from zero, as people round: with even digits before them too.
        (0.5, "fixed0", "1", "1"),
        (2.5, "fixed0", "3", "3"),
        (1.125, "fixed2", "1.13", "1,13"),
        (0.5625, "percent1", "56.3%", "56,3 %"),
        (-2.5, "fixed0", "−3", "−3"),
        (2, "word", "two", "dos"),
        (1, "word", "one", "un"),
        (1, "wordf", "one", "una"),
        (12, "word", "twelve", "doce"),
        (13, "word", "13", "13"),
        (9.6, "about", "ten", "diez"),
        (0.2093, "share", "a fifth", "un quinto"),
        (0.5, "share", "half", "la mitad"),
        (-0.04, "fixed1", "0.0", "0,0"),
    ],
)
def test_a_ratio_is_rounded_once_and_shown_as_its_language_does(ratio, style, english, spanish):
    assert show(ratio, style, "en").replace(NBSP, " ") == english
    assert show(ratio, style, "es").replace(NBSP, " ") == spanish


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("131,072", r"\text{131,072}"),
        (f"131{NARROW_NBSP}072", rf"\text{{131{NARROW_NBSP}072}}"),
        (f"0,5{NBSP}MiB", r"\text{0,5}\ \text{MiB}"),
        ("23.2%", r"\text{23.2\%}"),
        ("−4", r"\text{−4}"),
    ],
)
def test_a_shown_number_has_its_form_in_mathematics(text, latex):
    assert to_latex(text) == latex


def test_a_text_is_shown_as_it_is_or_quoted():
    assert show(" worked", "", "en") == " worked"
    assert show(" worked", "quoted", "es") == '" worked"'


def test_a_hash_is_shown_in_groups_of_eight_between_which_a_line_may_break():
    assert show("0123456789abcdef01", "groups", "es") == "01234567 89abcdef 01"


def test_an_unknown_format_is_refused_with_the_nearest():
    with pytest.raises(BookError, match=r"'percnt'.*'percent'"):
        show(1, "percnt", "en")


@pytest.mark.parametrize(
    ("result", "style"), [(True, ""), (0.5, "KiB"), (1, "quoted"), (1, "groups"), ("x", "percent")]
)
def test_a_format_that_does_not_fit_is_refused_and_not_forced(result, style):
    with pytest.raises(BookError, match="does not fit"):
        show(result, style, "en")


@pytest.mark.parametrize("shown", ["131,072", f"131{NARROW_NBSP}072", "0,5", "23.2%", "−4"])
def test_a_number_in_mathematics_is_one_number(shown):
    assert to_mathml(f"S = {to_latex(shown)}", display=False) == f"<math><mi>S</mi><mo>=</mo><mn>{shown}</mn></math>"


def test_bad_latex_is_refused_in_one_line():
    with pytest.raises(BookError) as error:
        to_mathml(r"\frac{a}", display=True)
    assert str(error.value).startswith(r"bad LaTeX “\frac{a}”: ")
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
