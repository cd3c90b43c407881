"""Points of measured curves."""

import pytest

from kvlab.benchmark.record import NotMeasuredError
from kvlab.errors import KvlabError
from kvlab.experiments import kv_cost

RISING, FLAT = [2.0, 3.0, 7.0], [0.5, 0.5, 0.5]


def test_a_point_is_shown_in_its_unit():
    assert kv_cost.whole_bytes([16384.0, 17019.6], 1) == 17020
    assert kv_cost.microseconds([1.0, 2.5e-5], 1) == pytest.approx(25)


def test_a_context_that_was_not_measured_has_no_point():
    assert kv_cost.place([16, 48, 32], 48) == 1
    with pytest.raises(NotMeasuredError, match="at 8 tokens") as error:
        kv_cost.place([16, 48, 32], 8)
    assert error.value.reason == "missing"


def test_an_error_is_a_share_of_what_was_measured_and_has_its_sign():
    assert kv_cost.relative_error([8.0, 10.0], [9.0, 5.0], 0) == 0.125
    assert kv_cost.relative_error([8.0, 10.0], [9.0, 5.0], 1) == -0.5


def test_ratios_of_points():
    assert kv_cost.last_over_first(RISING) == 3.5
    assert kv_cost.times_as_long(RISING, FLAT, 1) == 6
    assert kv_cost.risen_share(RISING) == pytest.approx(5 / 7)


@pytest.mark.parametrize(
    "contradicted",
    [
        lambda: kv_cost.last_over_first(RISING, at_least=3.6),
        lambda: kv_cost.last_over_first(RISING, at_most=3.4),
        lambda: kv_cost.times_as_long(FLAT, RISING, 1),
        lambda: kv_cost.risen_share(FLAT),
    ],
)
def test_what_contradicts_its_sentence_is_no_number(contradicted):
    with pytest.raises(NotMeasuredError) as error:
        contradicted()
    assert error.value.reason == "contradicted"


def test_a_point_that_there_is_not_is_refused():
    for index in (3, -4):
        with pytest.raises(KvlabError, match="there are 3"):
            kv_cost.microseconds(RISING, index)
    with pytest.raises(KvlabError, match="there are 0"):
        kv_cost.last_over_first([])
