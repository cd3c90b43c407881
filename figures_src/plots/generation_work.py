"""Projections of a whole generation against its length, and how their ratio comes down to half of the tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure, write_height_ticks
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TERA = 1e12  # from FLOPs to the unit of the axis


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw the FLOPs of both ways after the longest prompt, and below their ratio for each prompt, divided by n/2."""
    figure, axes = new_figure(palette, height_points=480, rows=2)
    rows = list(zip(*data.values(), strict=True))
    longest = [row for row in rows if row[0] == max(data["prompt_tokens"])]
    new_tokens = [row[1] for row in longest]
    for column, run, colour in ((2, "uncached", palette.series[1]), (3, "cached", palette.series[0])):
        heights = [row[column] / TERA for row in longest]
        axes[0].plot(new_tokens, heights, color=colour)
        at, side = (7, "right") if run == "uncached" else (12, "left")
        place = (new_tokens[at] * 0.8, heights[at] * 2) if run == "uncached" else (new_tokens[6], heights[0] * 0.25)
        axes[0].text(*place, words(f"generation_work.{run}"), color=colour, ha=side, va="bottom")
    for prompt, colour, beside in zip(sorted(set(data["prompt_tokens"])), palette.series[1:], (2, 7, 10), strict=True):
        line = [(row[1], row[4] / row[5]) for row in rows if row[0] == prompt]
        axes[1].plot(*zip(*line, strict=True), color=colour)
        label = f"P = {numbers.show(prompt, '', words.language)}"
        axes[1].text(line[beside][0] * 1.25, line[beside][1], label, color=palette.ink, va="bottom")
    for ax in axes:
        _scale(ax, new_tokens, words.language)
    axes[0].set_yscale("log")
    ticks = (1, 10, 100, 1000, 10_000)
    axes[0].set_yticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    axes[0].minorticks_off()
    axes[0].set_ylim(0.4, None)
    axes[0].set_ylabel(words("generation_work.y_flops"))
    axes[1].set_ylim(0.95, 2.1)
    axes[1].axhline(1, color=palette.muted, linewidth=1, linestyle="--")
    write_height_ticks(axes[1], words.language)
    axes[1].set_ylabel(words("generation_work.y_ratio"))
    axes[1].set_xlabel(words("generation_work.x"))
    return figure


def _scale(ax: Axes, new_tokens: list[int], language: str) -> None:
    ax.set_xscale("log", base=2)
    ax.set_xlim(new_tokens[0], new_tokens[-1])
    ticks = [n for n in new_tokens if n.bit_length() % 2 == 1]
    ax.set_xticks(ticks, [numbers.show(tick, "", language) for tick in ticks])
