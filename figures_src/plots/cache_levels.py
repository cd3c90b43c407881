"""Sizes of caches on a logarithmic scale, with the levels of a processor as marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """A `kv_cache`, or a `processor_cache` to compare it with."""

    kind: str
    name: str
    bytes: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the four caches as bars on a logarithmic scale, and the laptop's caches as marks across them."""
    figure, [ax] = new_figure(palette, height_points=270)
    bars = [row for row in rows if row.kind == "kv_cache"]
    levels = [row for row in rows if row.kind == "processor_cache"]
    smallest, largest = 2**13, 2**26
    for place, row in enumerate(reversed(bars)):
        ax.barh(place, row.bytes, height=0.44, color=palette.series[0])
        label = f"{row.name}: {numbers.show(row.bytes, 'binary', words.language)}"
        ax.text(smallest, place + 0.3, label, color=palette.ink, va="bottom")
        # A mark at each bar, and no line through the labels between them.
        for level in levels:
            ax.plot([level.bytes, level.bytes], [place - 0.27, place + 0.27], color=palette.series[1], linewidth=2)
    for level in levels:
        at = (level.bytes, len(bars) - 0.15)
        ax.text(*at, level.name, color=palette.series[1], ha="center", va="bottom", weight="bold")
    ax.set_xscale("log", base=2)
    ticks = [2**power for power in (14, 17, 20, 23, 26)]
    ax.set_xlim(smallest, largest)
    ax.set_xticks(ticks, [numbers.show(tick, "binary", words.language) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(-0.45, len(bars) + 0.1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(words("cache_levels.x"))
    return figure
