"""The cache of several models against the context, on logarithmic scales, with the memories of devices as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours by what makes the cache small: nothing, fewer K/V heads, a latent, windows.
SERIES = {
    "GPT-3 175B": 0,
    "Llama-2-7B": 0,
    "Llama-3-70B": 1,
    "DeepSeek-V3": 2,
    "Gemma-3-4B": 3,
    "Mistral-7B-v0.1": 3,
}
BEYOND = (0, (1, 1.6))


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw a line a model, dotted past its own limit and named at its end, and a line across for each device."""
    figure, [ax] = new_figure(palette, height_points=330)
    rows = list(zip(*data.values(), strict=True))
    for name in dict.fromkeys(row[1] for row in rows if row[0] == "cache"):
        points = [row for row in rows if row[:2] == ("cache", name)]
        colour = palette.series[SERIES[name]]
        within = [row for row in points if row[4]]
        beyond = points[max(len(within) - 1, 0) :]
        for part, style in ((within, "-"), (beyond, BEYOND)):
            ax.plot([row[2] for row in part], [row[3] for row in part], linestyle=style, color=colour)
        last = points[-1]
        ax.text(last[2] * 1.15, last[3], name, color=palette.ink, va="center", clip_on=False)
    for _, name, context, size, _ in (row for row in rows if row[0] == "device"):
        ax.axhline(size, color=palette.muted, linewidth=1, linestyle="--")
        ax.text(context * 1.1, size * 1.15, name, color=palette.muted, va="bottom")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    thousands = (1, 4, 16, 64)
    ax.set_xticks([k * 1024 for k in thousands], [f"{k}k" for k in thousands])
    ticks = [2**power for power in (27, 30, 33, 36, 39)]
    ax.set_yticks(ticks, [numbers.show(tick, "binary", words.language) for tick in ticks])
    ax.minorticks_off()
    ax.set_xlim(rows[0][2], max(row[2] for row in rows))
    ax.grid(axis="y", color=palette.grid, linewidth=0.6)
    ax.set_xlabel(words("zoo.x"))
    return figure
