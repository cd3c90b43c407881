"""The bytes of a cache that grows: what the allocator gave at each context, and the formula's line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """The bytes that so many tokens take."""

    tokens: int
    allocated_bytes: float
    formula_bytes: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the formula as a line from nothing, and the measured sizes as points on it."""
    figure, [ax] = new_figure(palette, height_points=250)
    tokens = [row.tokens for row in rows]
    formula = [row.formula_bytes for row in rows]
    ax.plot([0, *tokens], [0, *formula], color=palette.series[0])
    ax.plot(tokens, [row.allocated_bytes for row in rows], "o", color=palette.series[1])
    ax.text(tokens[5], formula[3], words("memory_curve.formula"), color=palette.series[0], va="top")
    ax.text(tokens[2], formula[3], words("memory_curve.allocated"), color=palette.series[1], ha="right")
    ax.set_xlim(0, 1.04 * tokens[-1])
    ax.set_ylim(0, 1.08 * rows[-1].allocated_bytes)
    sizes = [0, *formula[1::2]]
    ax.set_yticks(sizes, [numbers.show(round(size), "KiB", words.language).split(numbers.NBSP)[0] for size in sizes])
    ax.set_xticks([0, *tokens[1::2]])
    ax.set_xlabel(words("memory_curve.x"))
    ax.set_ylabel("KiB")
    return figure
