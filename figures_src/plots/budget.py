"""A memory divided into weights and room for a cache, once for each way to read the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """How a reading of the question divides the memory."""

    reading: str
    weights: str
    weights_bytes: int
    free_bytes: int
    tokens: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a bar a reading, weights and room, with what it assumes and the tokens that come out above it."""
    figure, [ax] = new_figure(palette, height_points=280)
    for place, row in enumerate(reversed(rows)):
        ax.barh(place, row.weights_bytes, height=0.4, color=palette.series[0])
        ax.barh(place, row.free_bytes, height=0.4, left=row.weights_bytes, color=palette.series[1])
        label = words("budget.label").format(
            reading=words(f"budget.{row.reading}"),
            weights=words(f"budget.{row.weights}"),
            tokens=numbers.show(row.tokens, "", words.language),
        )
        ax.text(0, place + 0.26, label, color=palette.ink, va="bottom")
    top = len(rows) - 0.3
    ax.text(0, top, words("budget.weights"), color=palette.series[0], va="bottom", weight="bold")
    ax.text(rows[0].weights_bytes, top, words("budget.free"), color=palette.series[1], va="bottom", weight="bold")
    ticks = [gib * 2**30 for gib in (0, 10, 20, 30, 40)]
    ax.set_xlim(0, 44 * 2**30)
    ax.set_xticks(ticks, [numbers.show(tick, "GiB", words.language) for tick in ticks])
    ax.set_ylim(-0.4, len(rows) + 0.1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return figure
