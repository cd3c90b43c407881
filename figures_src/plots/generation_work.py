"""Projections of a whole generation against its length, and how their ratio comes down to half of the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure, write_height_ticks
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TERA = 1e12  # from FLOPs to the unit of the axis


class Row(NamedTuple):
    """The FLOPs of a generation, both ways."""

    prompt_tokens: int
    generated_tokens: int
    uncached_flops: int
    cached_flops: int
    ratio: float
    half_of_tokens: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the FLOPs of both ways after the longest prompt, and below their ratio for each prompt, divided by n/2."""
    figure, axes = new_figure(palette, height_points=480, rows=2)
    prompts = sorted({row.prompt_tokens for row in rows})
    longest = [row for row in rows if row.prompt_tokens == prompts[-1]]
    new_tokens = [row.generated_tokens for row in longest]
    uncached, cached = [row.uncached_flops / TERA for row in longest], [row.cached_flops / TERA for row in longest]
    for run, heights, colour, x, y, side in (
        ("uncached", uncached, palette.series[1], new_tokens[7] * 0.8, uncached[7] * 2, "right"),
        ("cached", cached, palette.series[0], new_tokens[6], cached[0] * 0.25, "left"),
    ):
        axes[0].plot(new_tokens, heights, color=colour)
        axes[0].text(x, y, words(f"generation_work.{run}"), color=colour, ha=side, va="bottom")
    for prompt, colour, beside in zip(prompts, palette.series[1:], (2, 7, 10), strict=True):
        line = [(row.generated_tokens, row.ratio / row.half_of_tokens) for row in rows if row.prompt_tokens == prompt]
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
