"""The caches of several models, a row each, on a logarithmic scale: one token, and two contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = ("token", "k4", "k32")  # the words for the sizes of a row, in their order
SMALLEST, LARGEST = 2**8, 2**40


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw a mark a size, empty past the model's limit, and the device's memory as a line through all rows."""
    figure, [ax] = new_figure(palette, height_points=330)
    rows = list(zip(*data.values(), strict=True))
    models = list(dict.fromkeys(row[1] for row in rows if row[0] == "cache"))
    top = len(models) - 0.5
    for place, model in enumerate(reversed(models)):
        ax.axhline(place, color=palette.grid, linewidth=0.8)
        ax.text(SMALLEST, place + 0.16, model, color=palette.ink, va="bottom")
        sizes = [(size, within) for _, name, _, size, within in rows if name == model]
        _draw_row(ax, place, sizes, palette)
    for label, colour, row in zip(LABELS, palette.series, rows, strict=False):  # above the marks of the first row
        ax.text(row[3], top, words(f"six_models.{label}"), color=colour, ha="center", va="bottom")
    for _, name, _, size, _ in (row for row in rows if row[0] == "device"):
        ax.plot([size, size], [-0.5, top - 0.06], color=palette.muted, linewidth=1, linestyle="--")
        ax.text(size, top, name, color=palette.muted, ha="center", va="bottom")
    ax.set_xscale("log", base=2)
    ticks = [2**power for power in (10, 20, 30, 40)]
    ax.set_xlim(SMALLEST, LARGEST)
    ax.set_xticks(ticks, [numbers.show(tick, "binary", words.language) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(-0.5, top + 0.35)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(words("six_models.x"))
    return figure


def _draw_row(ax: Axes, place: int, sizes: list[tuple[int, bool]], palette: Palette) -> None:
    """Draw the marks of a model: the last is a ring, so that one beneath it is seen where a window makes them equal."""
    for nth, (size, within) in enumerate(sizes):
        colour, is_ring = palette.series[nth], nth == len(sizes) - 1
        fill = colour if within and not is_ring else "none"
        ax.plot([size], [place], "o", markersize=11 if is_ring else 7, markeredgewidth=1.8, color=colour, mfc=fill)
        if is_ring and within:
            ax.plot([size], [place], "o", markersize=4, color=colour, zorder=1)
