"""A small pool of slots, given to sequences in three ways: whose each slot is, and what it is doing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = "ABCDEFGHI"


class Row(NamedTuple):
    """A slot, and the sequence that has it: negative where none does."""

    way: str
    slot: int
    sequence: int
    state: str


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a strip of slots for each way, with the letter of its sequence over each run of slots."""
    from matplotlib.patches import Patch

    ways = list(dict.fromkeys(row.way for row in rows))
    figure, axes = new_figure(palette, height_points=330, rows=len(ways))
    colours = state_colours(palette)
    for ax, way in zip(axes, ways, strict=True):
        slots = [row for row in rows if row.way == way]
        for row in slots:
            ax.bar(row.slot + 0.5, 1, width=0.86, color=colours[row.state])
        for sequence, run in groupby(slots, lambda row: row.sequence):
            places = [row.slot for row in run]
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
