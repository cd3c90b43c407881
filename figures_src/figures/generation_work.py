"""Projections of a whole generation against its length, and how many times fewer a cache makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.figures.style import Data, Palette, new_figure
from figures_src.markup import numbers
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TERA = 1e12  # from FLOPs to the unit of the axis


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw the FLOPs of both ways behind the longest prompt, and below their ratio for each prompt, beside n/2."""
    figure, axes = new_figure(palette, height_points=480, rows=2)
    rows = list(zip(*data.values(), strict=True))
    longest = [row for row in rows if row[0] == max(data["prompt_tokens"])]
    new_tokens = [row[1] for row in longest]
    for column, run, colour in ((2, "uncached", palette.series[1]), (3, "cached", palette.series[0])):
        heights = [row[column] / TERA for row in longest]
        axes[0].plot(new_tokens, heights, color=colour)
        axes[0].text(new_tokens[2], heights[3] * 3, words(f"generation_work.{run}"), color=colour, va="bottom")
    for prompt in sorted(set(data["prompt_tokens"])):
        line = [(row[1], row[4]) for row in rows if row[0] == prompt]
        axes[1].plot(*zip(*line, strict=True), color=palette.series[2])
        label = f"P = {numbers.show(prompt, '', words.language)}"
        axes[1].text(line[1][0], line[1][1], label, color=palette.ink, va="bottom", ha="left")
    half = [row[5] for row in longest]
    axes[1].plot(new_tokens, half, color=palette.ink, linewidth=1.2, linestyle="--")
    axes[1].text(new_tokens[-1] * 0.9, half[-1] * 0.4, "n / 2", color=palette.ink, ha="right", va="top")
    for ax, ticks, name in ((axes[0], (0.1, 1, 10, 100, 1000), "flops"), (axes[1], (1, 10, 100, 1000), "ratio")):
        _scale(ax, new_tokens, words.language)
        ax.set_yticks(ticks, [numbers.show(tick, "fixed1" if tick < 1 else "fixed0", words.language) for tick in ticks])
        ax.minorticks_off()
        ax.set_ylabel(words(f"generation_work.y_{name}"))
    axes[1].set_xlabel(words("generation_work.x"))
    return figure


def _scale(ax: Axes, new_tokens: list[int], language: str) -> None:
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlim(new_tokens[0], new_tokens[-1])
    ticks = [n for n in new_tokens if n.bit_length() % 2 == 1]
    ax.set_xticks(ticks, [numbers.show(tick, "", language) for tick in ticks])
