"""The style of the figures: what it writes in each language."""

import pytest

from figures_src.plots.style import LIGHT, new_figure, write_height_ticks


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
