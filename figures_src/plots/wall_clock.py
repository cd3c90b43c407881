"""The measured time of texts by their length, with a cache and without; and its ratio beside that of the FLOPs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw the times of both ways above, and below how many times longer and how many times the FLOPs."""
    figure, axes = new_figure(palette, height_points=460, rows=2)
    tokens = data["generated_tokens"]
    panels = (
        (axes[0], (("uncached_ms", palette.series[1], "-"), ("cached_ms", palette.series[0], "-"))),
        (axes[1], (("flops_ratio", palette.series[2], "--"), ("time_ratio", palette.ink, "-"))),
    )
    for ax, lines in panels:
        top = 1.18 * max(max(data[name]) for name, _, _ in lines)
        for name, colour, style in lines:
            ax.plot(tokens, data[name], color=colour, linestyle=style, marker="o", markersize=4, clip_on=False)
            at = -2
            above = data[name][at] + 0.045 * top
            ax.text(tokens[at], above, words(f"wall_clock.{name}"), color=colour, ha="right", va="bottom")
        ax.set_ylim(0, top)
        write_height_ticks(ax, words.language)
        ax.set_xlim(0, tokens[-1])
        ax.set_xticks([1, *range(8, tokens[-1] + 1, 8)])
    axes[0].set_ylabel(words("wall_clock.y_time"))
    axes[1].set_ylabel(words("wall_clock.y_ratio"))
    axes[1].set_xlabel(words("wall_clock.x"))
    return figure
