"""What broken caches cost at each position: a panel a bug, the same scale in all of a figure's panels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST = 0.03  # nats: noise among changes that cannot be seen is not blown up


def drawing(name: str) -> Callable[[Data, Words, Palette], Figure]:
    """Return what draws a figure of this kind with the words of its own name."""
    return lambda data, words, palette: _draw(data, lambda key: words(f"{name}.{key}"), words.language, palette)


def _draw(data: Data, word: Callable[[str], str], language: str, palette: Palette) -> Figure:
    rows = list(zip(*data.values(), strict=True))
    bugs = list(dict.fromkeys(row[0] for row in rows))
    figure, axes = new_figure(palette, height_points=170 * len(bugs), rows=len(bugs))
    low, high = min(0, *(row[2] for row in rows)), max(LEAST, *(row[2] for row in rows))
    for ax, bug in zip(axes, bugs, strict=True):
        points = [row for row in rows if row[0] == bug]
        ax.axhline(0, color=palette.muted, linewidth=0.8)
        ax.plot([row[1] for row in points], [row[2] for row in points], color=palette.series[1])
        prompt = points[0][3]
        ax.axvline(prompt, color=palette.muted, linewidth=1, linestyle=":")
        ax.text(prompt + 1.5, high * 1.32, word("decode"), color=palette.muted, va="top")
        ax.set_title(word(bug), loc="left", fontsize=12, color=palette.ink)
        ax.set_xlim(0, points[-1][1])
        ax.set_ylim(min(low * 1.1, -0.2 * high), high * 1.35)
        ax.set_xticks(range(0, points[-1][1] + 1, 16))
        write_height_ticks(ax, language)
        ax.set_ylabel(word("y"))
    axes[-1].set_xlabel(word("x"))
    return figure
