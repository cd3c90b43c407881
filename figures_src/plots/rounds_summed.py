"""Mean, median and least of the first rounds of one measurement, above the true time, on an imagined machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = {"mean": "o", "median": "s", "least": "^"}


class Row(NamedTuple):
    """How far above the true time a way to sum up so many rounds lies, as a share."""

    way: str
    rounds: int
    above: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw one line a summary against the number of rounds, each with its label at its end."""
    figure, [ax] = new_figure(palette, height_points=250)
    colours = dict(zip(MARKERS, (palette.series[1], palette.series[2], palette.series[0]), strict=True))
    for way, marker in MARKERS.items():
        points = [row for row in rows if row.way == way]
        rounds, percent = [row.rounds for row in points], [100 * row.above for row in points]
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
    ticks = sorted({row.rounds for row in rows})[::2]
    ax.set_xticks(ticks, [str(tick) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(-4, 1.15 * max(100 * row.above for row in rows))
    write_height_ticks(ax, words.language)
    ax.set_xlabel(words("rounds_summed.x"))
    ax.set_ylabel(words("rounds_summed.y"))
    return figure
