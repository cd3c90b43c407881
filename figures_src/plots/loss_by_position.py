"""What broken caches cost at each position: a panel a bug, the same scale in all of a figure's panels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure, write_height_ticks
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST = 0.03  # nats: noise among changes that cannot be seen is not blown up


class Row(NamedTuple):
    """What a bug changes at a position; the prompt is the same in all rows of a bug."""

    bug: str
    position: int
    change_nats: float
    prompt_tokens: int


def drawing(name: str) -> Callable[[Sequence[Row], Words, Palette], Figure]:
    """Return what draws a figure of this kind with the words of its own name."""
    return lambda rows, words, palette: _draw(rows, lambda key: words(f"{name}.{key}"), words.language, palette)


def _draw(rows: Sequence[Row], word: Callable[[str], str], language: str, palette: Palette) -> Figure:
    bugs = list(dict.fromkeys(row.bug for row in rows))
    figure, axes = new_figure(palette, height_points=170 * len(bugs), rows=len(bugs))
    changes = [row.change_nats for row in rows]
    low, high = min(0, *changes), max(LEAST, *changes)
    for ax, bug in zip(axes, bugs, strict=True):
        points = [row for row in rows if row.bug == bug]
        ax.axhline(0, color=palette.muted, linewidth=0.8)
        positions = [row.position for row in points]
        ax.plot(positions, [row.change_nats for row in points], color=palette.series[1])
        prompt = points[0].prompt_tokens
        ax.axvline(prompt, color=palette.muted, linewidth=1, linestyle=":")
        ax.text(prompt + 1.5, high * 1.32, word("decode"), color=palette.muted, va="top")
        ax.set_title(word(bug), loc="left", fontsize=12, color=palette.ink)
        ax.set_xlim(0, positions[-1])
        ax.set_ylim(min(low * 1.1, -0.2 * high), high * 1.35)
        ax.set_xticks(range(0, positions[-1] + 1, 16))
        write_height_ticks(ax, language)
        ax.set_ylabel(word("y"))
    axes[-1].set_xlabel(word("x"))
    return figure
