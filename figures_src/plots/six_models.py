"""The caches of several models, a row each, on a logarithmic scale: one token, and two contexts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = ("token", "k4", "k32")  # the words for the sizes of a row, in their order
SMALLEST, LARGEST = 2**8, 2**40


class Row(NamedTuple):
    """A model's `cache` for a context, or a `device`."""

    kind: str
    name: str
    context_tokens: int
    bytes: int
    within_limit: bool


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a mark a size, empty beyond the model's limit, and the device's memory as a line through all rows."""
    figure, [ax] = new_figure(palette, height_points=330)
    models = list(dict.fromkeys(row.name for row in rows if row.kind == "cache"))
    top = len(models) - 0.5
    for place, model in enumerate(reversed(models)):
        ax.axhline(place, color=palette.grid, linewidth=0.8)
        ax.text(SMALLEST, place + 0.16, model, color=palette.ink, va="bottom")
        _draw_model(ax, place, [row for row in rows if row.name == model], palette)
    for label, colour, row in zip(LABELS, palette.series, rows, strict=False):  # above the marks of the first row
        ax.text(row.bytes, top, words(f"six_models.{label}"), color=colour, ha="center", va="bottom")
    for device in (row for row in rows if row.kind == "device"):
        ax.plot([device.bytes, device.bytes], [-0.5, top - 0.06], color=palette.muted, linewidth=1, linestyle="--")
        ax.text(device.bytes, top, device.name, color=palette.muted, ha="center", va="bottom")
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


def _draw_model(ax: Axes, place: int, rows: Sequence[Row], palette: Palette) -> None:
    """Draw the marks of a model: the last is a ring, so that one beneath it is seen where a window makes them equal."""
    for nth, row in enumerate(rows):
        colour, is_ring = palette.series[nth], nth == len(rows) - 1
        fill = colour if row.within_limit and not is_ring else "none"
        ax.plot([row.bytes], [place], "o", markersize=11 if is_ring else 7, markeredgewidth=1.8, color=colour, mfc=fill)
        if is_ring and row.within_limit:
            ax.plot([row.bytes], [place], "o", markersize=4, color=colour, zorder=1)
