"""The measured time of each generated token, with a cache and without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Where a label stands: over which share of the text, and by how much of the axis above the line's end there.
LABELS = {"uncached": (0.62, "right"), "cached": (1.0, "right")}


class Row(NamedTuple):
    """The time of a token."""

    run: str
    token: int
    ms: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw one line a run, each with its label."""
    figure, [ax] = new_figure(palette, height_points=250)
    top = 1.12 * max(row.ms for row in rows)
    for run, colour, marker in (("uncached", palette.series[1], "o"), ("cached", palette.series[0], "s")):
        points = [row for row in rows if row.run == run]
        tokens, times = [row.token for row in points], [row.ms for row in points]
        ax.plot(tokens, times, marker=marker, markersize=3.5, linewidth=1.2, color=colour)
        share, side = LABELS[run]
        at = round(share * (len(tokens) - 1))
        above = max(times[at - 5 : at + 1]) + 0.05 * top
        ax.text(tokens[at], above, words(f"token_times.{run}"), color=colour, ha=side, va="bottom")
    last = max(row.token for row in rows)
    ax.set_xlim(0, last + 1)
    ax.set_ylim(0, top)
    write_height_ticks(ax, words.language)
    ax.set_xticks([1, *range(10, last + 1, 10)])
    ax.set_xlabel(words("token_times.x"))
    ax.set_ylabel("ms")
    return figure
