"""The intensity of one token's attention in several models, against the ridges of devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """A model, by the kind of its attention, or a device, of kind `ridge`."""

    kind: str
    name: str
    flop_per_byte: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a bar for each model on a logarithmic axis, its name above it, and the ridges as lines across."""
    figure, [ax] = new_figure(palette, height_points=310)
    bars = [row for row in rows if row.kind != "ridge"]
    ridges = [row for row in rows if row.kind == "ridge"]
    left = 0.5
    for place, row in enumerate(reversed(bars)):
        ax.barh(place, row.flop_per_byte - left, left=left, height=0.36, color=palette.series[0])
        label = f"{row.kind}, {row.name}: {numbers.show(row.flop_per_byte, 'fixed0', words.language)}"
        ax.text(left * 1.05, place + 0.22, label, color=palette.ink, va="bottom")
    for row, colour, side in zip(ridges, palette.series[1:3], ("right", "left"), strict=True):
        ridge = row.flop_per_byte
        ax.plot([ridge, ridge], [-0.45, len(bars) - 0.1], color=colour, linewidth=2)
        label = f"{row.name.split()[0]}: {numbers.show(ridge, 'fixed0', words.language)}"
        ax.text(ridge * (1.1 if side == "right" else 0.95), len(bars) - 0.05, label, color=colour, ha=side, va="bottom")
    ax.set_xscale("log")
    ax.set_xlim(left, 2000)
    ticks = (1, 10, 100, 1000)
    ax.set_xticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(-0.45, len(bars) + 0.35)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(words("intensity_ladder.x"))
    return figure
