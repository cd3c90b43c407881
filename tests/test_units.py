"""Protects units: bytes stay exact, and a size is read as it was written or refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvlab import units
from kvlab.errors import KvlabError


def test_a_gibibyte_is_seven_point_four_percent_more_than_a_gigabyte():
    assert units.in_unit(2**30, "GiB") == 1
    assert float(units.in_unit(2**30, "GB")) == 1.073741824


@given(st.integers(0, 2**80), st.sampled_from([*units.DECIMAL, *units.BINARY]))
def test_a_size_in_a_unit_is_exact_and_turns_back_into_its_bytes(size, unit):
    assert units.in_unit(size, unit) * units.in_unit(1, unit) ** -1 == size


def test_an_unknown_unit_is_refused_by_name():
    with pytest.raises(KvlabError, match=r"'GIB'.*GiB"):
        units.in_unit(1, "GIB")


@pytest.mark.parametrize(
    ("size", "text"),
    [(1023, "1,023 B"), (131072, "131.07 kB (128 KiB)"), (2**30, "1.07 GB (1 GiB)"), (2**50, "1,125.9 TB (1,024 TiB)")],
)
def test_a_card_shows_both_units_of_one_value(size, text):
    assert units.both_units(size) == text


def test_elements_have_the_bytes_of_their_dtype_and_an_unknown_dtype_is_refused():
    assert {dtype: units.bytes_per_element(dtype) for dtype in ("fp32", "fp16", "bf16")} == {
        "fp32": 4,
        "fp16": 2,
        "bf16": 2,
    }
    with pytest.raises(KvlabError, match="'fp12'"):
        units.bytes_per_element("fp12")


@given(st.integers(-(2**70), 2**70), st.integers(1, 2**70))
def test_a_ratio_is_an_integer_exactly_where_the_division_leaves_no_rest(a, b):
    assert isinstance(units.ratio(a, b), int) == (a % b == 0)
    assert units.ratio(a, b) == a / b or a % b == 0
    assert units.ratio(a * b, b) == a


def test_a_ratio_to_zero_is_refused():
    with pytest.raises(KvlabError, match="other than 0"):
        units.ratio(1, 0)


def test_a_size_that_no_float_holds_is_shown_to_the_last_digit():
    assert units.both_units(10**400).startswith(f"{10**388:,} TB (")


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("24GB", 24 * 10**9),
        ("24GiB", 24 * 2**30),
        (" 24 GiB ", 24 * 2**30),
        ("1.5TiB", 3 * 2**39),
        ("0.5kB", 500),
        ("4096B", 4096),
        ("79.65GB", 79_650_000_000),
    ],
)
def test_a_typed_size_is_exactly_the_bytes_that_it_says(written, size):
    assert units.parse_size(written) == size


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("24G", "write 24GB or 24GiB"),
        ("24g", "write 24GB or 24GiB"),
        ("24gb", "write 24GB or 24GiB"),
        ("8K", "write 8kB or 8KiB"),
        ("24", "has no unit; write 24GB or 24GiB"),
        ("24Gbit", "the unit 'Gbit'"),
        ("24XB", "the unit 'XB'"),
        ("-1GB", "not a size"),
        ("0GB", "at least 1"),
        ("1e3GB", "not a size"),
        ("", "not a size"),
        ("0.3B", "not a whole number of bytes"),
        ("٤GB", "not a size"),
        ("9" * 1000 + "GB", "not a size"),
    ],
)
def test_a_size_that_could_mean_two_things_or_nothing_is_refused_with_what_would_be_right(written, said):
    with pytest.raises(KvlabError, match=said):
        units.parse_size(written)


@given(st.text(max_size=20))
def test_any_text_is_a_size_or_is_refused(text):
    with contextlib.suppress(KvlabError):
        assert units.parse_size(text) >= 1


def test_a_measured_quantity_becomes_the_whole_number_that_is_nearest():
    assert [units.nearest(quantity) for quantity in (2.4, 2.6, 9.6e9)] == [2, 3, 9_600_000_000]
