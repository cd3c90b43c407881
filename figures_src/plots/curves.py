"""Measured time of a step against the tokens in reach, with a cache and without, and the formulas' lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALE = {"cached": 1e6, "uncached": 1e3}  # from seconds to the unit of each axis


class Row(NamedTuple):
    """A step's time at a number of tokens."""

    run: str
    tokens: int
    held_out: bool
    measured_s: float
    predicted_s: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw one panel a run: points used for the fit, points held out, and the formula as a line."""
    figure, axes = new_figure(palette, height_points=420, rows=2)
    for ax, run in zip(axes, ("uncached", "cached"), strict=True):
        points = [row for row in rows if row.run == run]
        tokens = [row.tokens for row in points]
        predicted = [row.predicted_s * SCALE[run] for row in points]
        ax.plot(tokens, predicted, color=palette.series[0], label=words("curves.formula"))
        for held_out, marker, label in ((False, "s", "fitted"), (True, "o", "held_out")):
            chosen = [row for row in points if row.held_out is held_out]
            ax.plot(
                [row.tokens for row in chosen],
                [row.measured_s * SCALE[run] for row in chosen],
                marker,
                color=palette.series[1] if held_out else palette.muted,
                label=words(f"curves.{label}"),
            )
        ax.set_title(words(f"curves.{run}"), loc="left", fontsize=12, color=palette.ink)
        ax.set_ylim(0, 1.15 * SCALE[run] * max(row.measured_s for row in points))
        write_height_ticks(ax, words.language)
        ax.set_xticks(tokens[1::2])
        ax.set_ylabel(words(f"curves.y_{run}"))
    axes[1].set_xlabel(words("curves.x"))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=1, frameon=False, labelcolor=palette.ink)
    return figure
