"""The measured time of each generated token, with a cache and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Where a label stands: over which share of the text, and by how much of the axis above the line's end there.
LABELS = {"uncached": (0.62, "right"), "cached": (1.0, "right")}


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw one line a run, each with its label."""
    figure, [ax] = new_figure(palette, height_points=250)
    rows = list(zip(*data.values(), strict=True))
    top = 1.12 * max(data["ms"])
    for run, colour, marker in (("uncached", palette.series[1], "o"), ("cached", palette.series[0], "s")):
        tokens, times = zip(*((token, time) for of, token, time in rows if of == run), strict=True)
        ax.plot(tokens, times, marker=marker, markersize=3.5, linewidth=1.2, color=colour)
        share, side = LABELS[run]
        at = round(share * (len(tokens) - 1))
        above = max(times[at - 5 : at + 1]) + 0.05 * top
        ax.text(tokens[at], above, words(f"token_times.{run}"), color=colour, ha=side, va="bottom")
    ax.set_xlim(0, max(data["token"]) + 1)
    ax.set_ylim(0, top)
    write_height_ticks(ax, words.language)
    ax.set_xticks([1, *range(10, max(data["token"]) + 1, 10)])
    ax.set_xlabel(words("token_times.x"))
    ax.set_ylabel("ms")
    return figure
