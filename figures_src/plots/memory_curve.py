"""The bytes of a cache that grows: what the allocator gave at each context, and the formula's line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw the formula as a line from nothing, and the measured sizes as points on it."""
    figure, [ax] = new_figure(palette, height_points=250)
    ax.plot([0, *data["tokens"]], [0, *data["formula_bytes"]], color=palette.series[0])
    ax.plot(data["tokens"], data["allocated_bytes"], "o", color=palette.series[1])
    third, sixth = data["tokens"][2], data["tokens"][5]
    ax.text(sixth, data["formula_bytes"][3], words("memory_curve.formula"), color=palette.series[0], va="top")
    ax.text(third, data["formula_bytes"][3], words("memory_curve.allocated"), color=palette.series[1], ha="right")
    ax.set_xlim(0, 1.04 * data["tokens"][-1])
    ax.set_ylim(0, 1.08 * data["allocated_bytes"][-1])
    sizes = [0, *data["formula_bytes"][1::2]]
    ax.set_yticks(sizes, [numbers.show(round(size), "KiB", words.language).split(numbers.NBSP)[0] for size in sizes])
    ax.set_xticks([0, *data["tokens"][1::2]])
    ax.set_xlabel(words("memory_curve.x"))
    ax.set_ylabel("KiB")
    return figure
