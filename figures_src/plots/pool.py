"""A small pool of slots, given to sequences in three ways: whose each slot is, and what it is doing."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = "ABCDEFGHI"


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw a strip of slots for each way, with the letter of its sequence over each run of slots."""
    from matplotlib.patches import Patch

    ways = list(dict.fromkeys(data["way"]))
    figure, axes = new_figure(palette, height_points=330, rows=len(ways))
    rows = list(zip(*data.values(), strict=True))
    colours = state_colours(palette)
    for ax, way in zip(axes, ways, strict=True):
        slots = [row for row in rows if row[0] == way]
        for _, slot, _, state in slots:
            ax.bar(slot + 0.5, 1, width=0.86, color=colours[state])
        for sequence, run in groupby(slots, lambda row: row[2]):
            places = [slot for _, slot, _, _ in run]
            if sequence >= 0:
                middle = (places[0] + places[-1] + 1) / 2
                ax.text(middle, 1.12, NAMES[sequence], color=palette.ink, ha="center", va="bottom")
                ax.plot([places[0] + 0.2, places[-1] + 0.8], [1.07, 1.07], color=palette.ink, linewidth=1)
        ax.set_title(words(f"pool.{way}"), loc="left", fontsize=12, color=palette.ink)
        ax.set_xlim(0, len(slots))
        ax.set_ylim(-0.3, 1.45)
        ax.set_axis_off()
    keys = [Patch(color=colour, label=words(f"pool.{state}")) for state, colour in colours.items()]
    figure.legend(handles=keys, loc="outside lower left", ncols=1, frameon=False, labelcolor=palette.ink)
    return figure


def state_colours(palette: Palette) -> dict[str, str]:
    """Return the colour of each state of a slot, the same in all figures."""
    token, internal, reserved, _ = palette.series
    return {"token": token, "reserved": reserved, "internal": internal, "external": palette.grid}
