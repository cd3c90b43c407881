"""Mean, median and least of the first rounds of one measurement, above the true time, on an imagined machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = {"mean": "o", "median": "s", "least": "^"}


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw one line a summary against the number of rounds, each with its label at its end."""
    figure, [ax] = new_figure(palette, height_points=250)
    rows = list(zip(*data.values(), strict=True))
    colours = dict(zip(MARKERS, (palette.series[1], palette.series[2], palette.series[0]), strict=True))
    for way, marker in MARKERS.items():
        rounds, percent = zip(*((n, 100 * share) for of, n, share in rows if of == way), strict=True)
        ax.plot(rounds, percent, marker=marker, markersize=5, color=colours[way])
        above = max(percent[-3:])  # the label ends where the line does, and is about three points long
        ax.annotate(
            words(f"rounds_summed.{way}"),
            (rounds[-1], above),
            xytext=(0, 6),
            textcoords="offset points",
            color=colours[way],
            ha="right",
            va="bottom",
        )
    ax.axhline(0, color=palette.muted, linewidth=0.8, linestyle="--")
    ax.set_xscale("log", base=2)
    ticks = sorted(set(data["rounds"]))[::2]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(-4, 1.15 * max(100 * share for share in data["above"]))
    write_height_ticks(ax, words.language)
    ax.set_xlabel(words("rounds_summed.x"))
    ax.set_ylabel(words("rounds_summed.y"))
    return figure
