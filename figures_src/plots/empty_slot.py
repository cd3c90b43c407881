"""An empty slot in a layer's attention: the weight that it is given, and the best score that competes with its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """What the empty slot meets at a position."""

    position: int
    largest_other_score: float
    weight: float
    even_share: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the largest other score above, with the empty slot's own as a line, and below the weights."""
    figure, [above, below] = new_figure(palette, height_points=380, rows=2)
    positions = [row.position for row in rows]
    above.plot(positions, [row.largest_other_score for row in rows], color=palette.series[0])
    above.axhline(0, color=palette.series[1], linewidth=1.4, linestyle="--")
    above.text(positions[-1], -0.4, words("empty_slot.own"), color=palette.series[1], ha="right", va="top")
    above.set_title(words("empty_slot.scores"), loc="left", fontsize=12, color=palette.ink)
    ticks = (-5, 0, 5, 10)
    above.set_yticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    weights = [row.weight for row in rows]
    below.plot(positions, weights, color=palette.series[1])
    below.plot(positions, [row.even_share for row in rows], color=palette.muted, linestyle=":")
    labelled = next(row for row in rows if row.position == 24)
    below.text(labelled.position, max(weights) + 0.03, words("empty_slot.weight"), color=palette.series[1])
    above_share = labelled.even_share * 1.3
    below.text(labelled.position, above_share, words("empty_slot.even"), color=palette.muted, va="bottom")
    below.set_title(words("empty_slot.weights"), loc="left", fontsize=12, color=palette.ink)
    below.set_ylim(0, 0.8)
    shares = (0, 0.2, 0.4, 0.6, 0.8)
    below.set_yticks(shares, [numbers.show(share, "percent", words.language) for share in shares])
    below.set_xlabel(words("empty_slot.x"))
    for ax in (above, below):
        ax.set_xlim(positions[0], positions[-1])
        ax.set_xticks(range(16, positions[-1] + 1, 16))
    return figure
