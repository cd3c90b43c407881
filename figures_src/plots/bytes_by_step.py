"""How many logits differ at each step from those of a recomputation, for a right cache and for others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """The logits of a cache at a step."""

    cache: str
    step: int
    differing_logits: int
    compared_logits: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a strip a cache, one frame a step, filled as far as its logits differ."""
    figure, [ax] = new_figure(palette, height_points=250)
    caches = list(dict.fromkeys(row.cache for row in rows))
    for place, cache in enumerate(reversed(caches)):
        steps = [row for row in rows if row.cache == cache]
        for row in steps:
            left, right = row.step - 0.43, row.step + 0.43
            ax.barh(place + 0.25, 0.86, left=left, height=0.5, color="none", edgecolor=palette.muted, lw=0.8)
            filled = 0.5 * row.differing_logits / row.compared_logits
            ax.fill_between([left, right], place, place + filled, color=palette.series[1], linewidth=0)
        counts = words("bytes_by_step.of").format(
            differing=numbers.show(sum(row.differing_logits for row in steps), "", words.language),
            compared=numbers.show(sum(row.compared_logits for row in steps), "", words.language),
        )
        ax.text(0.5, place + 0.55, words(f"bytes_by_step.{cache}"), color=palette.ink, va="bottom")
        ax.text(steps[-1].step + 0.5, place + 0.55, counts, color=palette.ink, va="bottom", ha="right")
    last = max(row.step for row in rows)
    ax.set_xlim(0.4, last + 0.6)
    ax.set_ylim(-0.08, len(caches) - 0.1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xticks([1, *range(4, last + 1, 4)])
    ax.set_xlabel(words("bytes_by_step.x"))
    return figure
