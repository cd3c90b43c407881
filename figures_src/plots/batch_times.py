"""The lower bound of a decode step against the batch: what the weights take, what the caches, what the arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """A batch, and the parts of its bound; the crossing is the same in all rows."""

    sequences: int
    weights_ms: float
    cache_ms: float
    compute_ms: float
    crossing: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw weights and caches on each other, the arithmetic as a line, and where the caches reach the weights."""
    figure, [ax] = new_figure(palette, height_points=270)
    sizes = [row.sequences for row in rows]
    weights, cache = [row.weights_ms for row in rows], [row.cache_ms for row in rows]
    ax.stackplot(sizes, weights, cache, colors=[palette.grid, palette.series[0]])
    ax.plot(sizes, [row.compute_ms for row in rows], color=palette.series[1], linestyle="--")
    top, crossing = weights[-1] + cache[-1], rows[0].crossing
    ax.plot([crossing, crossing], [0, 2 * weights[0]], color=palette.ink, linewidth=1, linestyle=":")
    ax.text(crossing * 0.96, 2 * weights[0] + top * 0.03, words("batch_times.crossing"), color=palette.ink, ha="right")
    ax.text(2, weights[0] * 0.55, words("batch_times.weights"), color=palette.ink, va="center")
    labelled = next(row for row in rows if row.sequences == 48)
    edge = labelled.weights_ms + labelled.cache_ms
    ax.text(labelled.sequences - 2, edge + top * 0.02, words("batch_times.cache"), color=palette.series[0], ha="right")
    over = rows[-1].compute_ms + top * 0.03
    ax.text(sizes[-1] * 0.97, over, words("batch_times.compute"), color=palette.ink, ha="right")
    ax.set_xlim(sizes[0], sizes[-1])
    ax.set_ylim(0, top)
    ax.set_xticks([1, 16, 32, 48, 64])
    ax.set_xlabel(words("batch_times.x"))
    ax.set_ylabel(words("batch_times.y"))
    return figure
