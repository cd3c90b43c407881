"""A memory divided into weights and room for a cache, once for each way to read the question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw a bar a reading, weights and room, with what it assumes and the tokens that come out above it."""
    figure, [ax] = new_figure(palette, height_points=280)
    rows = list(zip(*data.values(), strict=True))
    for place, (reading, weights, weights_bytes, free_bytes, tokens) in enumerate(reversed(rows)):
        ax.barh(place, weights_bytes, height=0.4, color=palette.series[0])
        ax.barh(place, free_bytes, height=0.4, left=weights_bytes, color=palette.series[1])
        label = words("budget.label").format(
            reading=words(f"budget.{reading}"),
            weights=words(f"budget.{weights}"),
            tokens=numbers.show(tokens, "", words.language),
        )
        ax.text(0, place + 0.26, label, color=palette.ink, va="bottom")
    _, _, weights_bytes, free_bytes, _ = rows[0]
    top = len(rows) - 0.3
    ax.text(0, top, words("budget.weights"), color=palette.series[0], va="bottom", weight="bold")
    ax.text(weights_bytes, top, words("budget.free"), color=palette.series[1], va="bottom", weight="bold")
    ticks = [gib * 2**30 for gib in (0, 10, 20, 30, 40)]
    ax.set_xlim(0, 44 * 2**30)
    ax.set_xticks(ticks, [numbers.show(tick, "GiB", words.language) for tick in ticks])
    ax.set_ylim(-0.4, len(rows) + 0.1)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return figure
