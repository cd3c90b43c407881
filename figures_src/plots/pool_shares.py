"""What the slots of a pool are doing, by the way of giving them out: as others measured it, and as it is simulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.pool import state_colours
from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """The share of a pool's slots that are in a state."""

    way: str
    source: str
    state: str
    share: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw two stacked bars a way, with the share that holds tokens after each."""
    from matplotlib.patches import Patch

    figure, [ax] = new_figure(palette, height_points=430)
    colours, place, ticks = state_colours(palette), 0.0, {}
    for way in dict.fromkeys(row.way for row in rows):
        ax.text(0, place, words(f"pool_shares.{way}"), color=palette.ink, va="center", fontsize=12)
        for source in ("measured", "simulated"):
            place += 1
            ticks[place] = words(f"pool_shares.{source}")
            shares = {row.state: row.share for row in rows if (row.way, row.source) == (way, source)}
            left = 0.0
            for state, share in shares.items():
                ax.barh(place, share, left=left, height=0.72, color=colours[state])
                left += share
            label = numbers.show(shares["token"], "percent1", words.language)
            ax.text(1.02, place, label, color=palette.ink, va="center", clip_on=False)
        place += 1.3
    ax.set_xlim(0, 1)
    ax.set_ylim(place - 0.5, -0.5)
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.tick_params(length=0)
    ax.set_xticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    keys = [Patch(color=colour, label=words(f"pool_shares.{state}")) for state, colour in colours.items()]
    figure.legend(handles=keys, loc="outside lower left", ncols=1, frameon=False, labelcolor=palette.ink)
    return figure
