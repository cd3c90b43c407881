"""The style of the figures: what it writes in each language, and their data as text."""

from typing import NamedTuple

import pytest

from figures_src.errors import BookError
from figures_src.plots.style import LIGHT, new_figure, to_csv, write_height_ticks


@pytest.mark.parametrize(
    ("language", "top", "written"),
    [
        ("en", 1.1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ("es", 1.1, ["0,0", "0,2", "0,4", "0,6", "0,8", "1,0"]),
        ("es", 125, ["0", "20", "40", "60", "80", "100", "120"]),
    ],
)
def test_ticks_are_written_as_the_language_writes_numbers(language, top, written):
    _, [ax] = new_figure(LIGHT, height_points=200)
    ax.set_ylim(0, top)
    write_height_ticks(ax, language)
    assert [label.get_text() for label in ax.get_yticklabels()] == written


class Point(NamedTuple):
    tokens: int
    name: str


def test_the_data_as_text_is_headed_by_the_fields_of_its_rows():
    assert to_csv([Point(1, "one"), Point(2, "two, three")]) == 'tokens,name\n1,one\n2,"two, three"\n'


def test_a_figure_without_rows_is_refused_in_words():
    with pytest.raises(BookError, match="no rows to draw"):
        to_csv([])
