"""The measured time of texts by their length, with a cache and without; and its ratio next to that of the FLOPs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """The time of a text of so many tokens, both ways."""

    generated_tokens: int
    uncached_ms: float
    cached_ms: float
    time_ratio: float
    flops_ratio: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the times of both ways above, and below how many times longer and how many times the FLOPs."""
    figure, axes = new_figure(palette, height_points=460, rows=2)
    tokens = [row.generated_tokens for row in rows]
    times = (
        ("uncached_ms", [row.uncached_ms for row in rows], palette.series[1], "-"),
        ("cached_ms", [row.cached_ms for row in rows], palette.series[0], "-"),
    )
    ratios = (
        ("flops_ratio", [row.flops_ratio for row in rows], palette.series[2], "--"),
        ("time_ratio", [row.time_ratio for row in rows], palette.ink, "-"),
    )
    for ax, lines in zip(axes, (times, ratios), strict=True):
        top = 1.18 * max(max(heights) for _, heights, _, _ in lines)
        for name, heights, colour, style in lines:
            ax.plot(tokens, heights, color=colour, linestyle=style, marker="o", markersize=4, clip_on=False)
            at = -2
            above = heights[at] + 0.045 * top
            ax.text(tokens[at], above, words(f"wall_clock.{name}"), color=colour, ha="right", va="bottom")
        ax.set_ylim(0, top)
        write_height_ticks(ax, words.language)
        ax.set_xlim(0, tokens[-1])
        ax.set_xticks([1, *range(8, tokens[-1] + 1, 8)])
    axes[0].set_ylabel(words("wall_clock.y_time"))
    axes[1].set_ylabel(words("wall_clock.y_ratio"))
    axes[1].set_xlabel(words("wall_clock.x"))
    return figure
