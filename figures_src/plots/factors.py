"""The factors of the usual mistakes on a logarithmic scale: those that stand in one column cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALL, LARGE = -5, 3  # powers of two at the ends of the axis
FAR, NEAR = 1 / 5, 0.1  # from here on a label has room before the line; up to here none on its other side


class Row(NamedTuple):
    """By how much a mistake multiplies the size."""

    mistake: str
    wrong_over_right: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a dot a mistake, named on the side where there is room, blue where the result is too small."""
    figure, [ax] = new_figure(palette, height_points=340)
    for place, row in enumerate(rows):
        factor = row.wrong_over_right
        colour = palette.series[0] if factor < 1 else palette.series[1]
        ax.plot([factor], [place], "o", markersize=7, color=colour)
        # On the side where the label does not cross the line of the right size.
        to_the_right = factor < FAR or abs(factor - 1) < NEAR or 1 < factor < 1 / FAR
        side, shift = ("left", 1.25) if to_the_right else ("right", 0.8)
        ax.text(factor * shift, place, words(f"factors.{row.mistake}"), color=palette.ink, va="center", ha=side)
    ax.axvline(1, color=palette.muted, linewidth=1, linestyle="--")
    ax.set_xscale("log", base=2)
    powers = range(SMALL, LARGE + 1)
    labels = [f"×{2**power}" if power >= 0 else f"÷{2**-power}" for power in powers]
    ax.set_xticks([2.0**power for power in powers], labels)
    ax.minorticks_off()
    ax.set_xlim(2.0 ** (SMALL - 0.3), 2.0 ** (LARGE + 0.3))
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(words("factors.x"))
    return figure
