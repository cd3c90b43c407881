"""How many logits differ at each step from those of a recomputation, for a right cache and for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw a strip a cache, one frame a step, filled as far as its logits differ."""
    figure, [ax] = new_figure(palette, height_points=250)
    rows = list(zip(*data.values(), strict=True))
    caches = list(dict.fromkeys(row[0] for row in rows))
    for place, cache in enumerate(reversed(caches)):
        steps = [row for row in rows if row[0] == cache]
        for _, step, differing, compared in steps:
            ax.barh(place + 0.25, 0.86, left=step - 0.43, height=0.5, color="none", edgecolor=palette.muted, lw=0.8)
            filled = 0.5 * differing / compared
            ax.fill_between([step - 0.43, step + 0.43], place, place + filled, color=palette.series[1], linewidth=0)
        of = words("bytes_by_step.of").format(
            differing=numbers.show(sum(row[2] for row in steps), "", words.language),
            compared=numbers.show(sum(row[3] for row in steps), "", words.language),
        )
        ax.text(0.5, place + 0.55, words(f"bytes_by_step.{cache}"), color=palette.ink, va="bottom")
        ax.text(steps[-1][1] + 0.5, place + 0.55, of, color=palette.ink, va="bottom", ha="right")
    last = max(data["step"])
    ax.set_xlim(0.4, last + 0.6)
    ax.set_ylim(-0.08, len(caches) - 0.1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xticks([1, *range(4, last + 1, 4)])
    ax.set_xlabel(words("bytes_by_step.x"))
    return figure
