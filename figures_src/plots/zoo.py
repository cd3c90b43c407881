"""The cache of several models against the context, on logarithmic scales, with the memories of devices as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
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


class Row(NamedTuple):
    """A model's `cache` at a context, or a `device`, labelled there."""

    kind: str
    name: str
    context_tokens: int
    bytes: int
    within_limit: bool


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a line a model, dotted beyond its own limit and named at its end, and a line across for each device."""
    figure, [ax] = new_figure(palette, height_points=330)
    for name in dict.fromkeys(row.name for row in rows if row.kind == "cache"):
        points = [row for row in rows if (row.kind, row.name) == ("cache", name)]
        colour = palette.series[SERIES[name]]
        within = [row for row in points if row.within_limit]
        beyond = points[max(len(within) - 1, 0) :]
        for part, style in ((within, "-"), (beyond, BEYOND)):
            contexts = [row.context_tokens for row in part]
            ax.plot(contexts, [row.bytes for row in part], linestyle=style, color=colour)
        last = points[-1]
        ax.text(last.context_tokens * 1.15, last.bytes, name, color=palette.ink, va="center", clip_on=False)
    for device in (row for row in rows if row.kind == "device"):
        ax.axhline(device.bytes, color=palette.muted, linewidth=1, linestyle="--")
        beside = (device.context_tokens * 1.1, device.bytes * 1.15)
        ax.text(*beside, device.name, color=palette.muted, va="bottom")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    thousands = (1, 4, 16, 64)
    ax.set_xticks([k * 1024 for k in thousands], [f"{k}k" for k in thousands])
    ticks = [2**power for power in (27, 30, 33, 36, 39)]
    ax.set_yticks(ticks, [numbers.show(tick, "binary", words.language) for tick in ticks])
    ax.minorticks_off()
    ax.set_xlim(rows[0].context_tokens, max(row.context_tokens for row in rows))
    ax.grid(axis="y", color=palette.grid, linewidth=0.6)
    ax.set_xlabel(words("zoo.x"))
    return figure
