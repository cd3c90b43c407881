"""The cache in memory: each strip is a part of the one above it, enlarged to the same width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 0.42  # of a strip; one is drawn at each whole number


class Row(NamedTuple):
    """What the level above is divided into."""

    part: str
    parts: int
    bytes_each: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a strip a level, divided to scale; the part that the next one enlarges is filled."""
    figure, [ax] = new_figure(palette, height_points=330)
    for level, row in enumerate(rows):
        edges = [at / row.parts for at in range(row.parts + 1)]
        ax.fill_between([0, 1], -level, HEIGHT - level, color=palette.grid, linewidth=0)
        ax.fill_between([0, edges[1]], -level, HEIGHT - level, color=palette.series[0], linewidth=0)
        ax.vlines(edges, -level, HEIGHT - level, color=palette.ink, linewidth=0.6 if row.parts < 100 else 0.25)
        ax.hlines([-level, HEIGHT - level], 0, 1, color=palette.ink, linewidth=0.6)
        ax.text(0, HEIGHT - level + 0.06, words(f"layout.{row.part}"), color=palette.ink, va="bottom")
        each = f"{row.parts} × {numbers.show(row.bytes_each, 'binary', words.language)}"
        ax.text(1, HEIGHT - level + 0.06, each, color=palette.ink, ha="right", va="bottom")
        if level + 1 < len(rows):
            top = HEIGHT - level - 1 + 0.3
            ax.plot([edges[1], 1], [-level, top], color=palette.muted, linewidth=0.8, linestyle=":")
    ax.set_xlim(-0.005, 1.005)
    ax.set_ylim(-len(rows) + 1 - 0.08, HEIGHT + 0.35)
    ax.set_axis_off()
    return figure
