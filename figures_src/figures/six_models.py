"""The caches of several models, a row each, on a logarithmic scale: one token, and two contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.figures.style import Data, Palette, new_figure
from figures_src.markup import numbers
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw a dot a size, hollow beyond the model's limit, and the device's memory as a line through all rows."""
    figure, [ax] = new_figure(palette, height_points=330)
    rows = list(zip(*data.values(), strict=True))
    models = list(dict.fromkeys(row[1] for row in rows if row[0] == "cache"))
    contexts = list(dict.fromkeys(row[2] for row in rows if row[0] == "cache"))
    smallest, largest = 2**8, 2**40
    for place, model in enumerate(reversed(models)):
        points = [row[2:] for row in rows if row[1] == model]
        ax.axhline(place, color=palette.grid, linewidth=0.8)
        ax.text(smallest, place + 0.16, model, color=palette.ink, va="bottom")
        for context, size, within in points:
            colour = palette.series[contexts.index(context)]
            # The longer context is a ring around the shorter one where a window makes them the same.
            width = 11 if context == contexts[-1] else 7
            ax.plot(
                [size],
                [place],
                "o",
                markersize=width,
                markeredgewidth=1.8,
                color=colour,
                markerfacecolor=colour if within and context != contexts[-1] else "none",
                zorder=4 - contexts.index(context),
            )
            if within and context == contexts[-1]:
                ax.plot([size], [place], "o", markersize=4, color=colour, zorder=2)
    first = [row for row in rows if row[1] == models[0]]
    for context, size in ((row[2], row[3]) for row in first):
        label = words(f"six_models.{'token' if context == 1 else 'context'}").format(k=context // 1024)
        ax.text(size, len(models) - 0.5, label, color=palette.series[contexts.index(context)], ha="center", va="bottom")
    for _, name, _, size, _ in (row for row in rows if row[0] == "device"):
        ax.plot([size, size], [-0.5, len(models) - 0.56], color=palette.muted, linewidth=1, linestyle="--")
        ax.text(size, len(models) - 0.5, name, color=palette.muted, ha="center", va="bottom")
    ax.set_xscale("log", base=2)
    ticks = [2**power for power in (10, 20, 30, 40)]
    ax.set_xlim(smallest, largest)
    ax.set_xticks(ticks, [numbers.show(tick, "binary", words.language) for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(-0.5, len(models) - 0.15)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(words("six_models.x"))
    return figure
