"""The arithmetic intensity of a pass against the tokens that it has: decode at the left end, prefill to the right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """A pass of a model over so many tokens; of model `ridge`, a device's intensity."""

    model: str
    tokens: int
    flop_per_byte: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a line a model, and a device's ridge across."""
    figure, [ax] = new_figure(palette, height_points=280)
    for model, colour, marker in (("large", palette.series[0], "o"), ("demo", palette.series[1], "s")):
        line = [(row.tokens, row.flop_per_byte) for row in rows if row.model == model]
        ax.plot(*zip(*line, strict=True), color=colour, marker=marker, markersize=4)
        over = line[5]
        side, up = ("right", 1.5) if model == "large" else ("left", 0.62)
        label = words(f"pass_intensity.{model}")
        ax.text(over[0], over[1] * up, label, color=colour, ha=side, va="bottom" if up > 1 else "top")
    ridge = next(row.flop_per_byte for row in rows if row.model == "ridge")
    ax.axhline(ridge, color=palette.muted, linewidth=1, linestyle="--")
    label = words("pass_intensity.ridge").format(ridge=numbers.show(ridge, "fixed0", words.language))
    ax.text(1.1, ridge * 1.12, label, color=palette.muted, va="bottom")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    last = max(row.tokens for row in rows if row.model == "large")
    ax.set_xlim(0.9, last)
    ticks = [1, 4, 16, 64, 256, 1024, 4096]
    ax.set_xticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    heights = (1, 10, 100, 1000)
    ax.set_yticks(heights, [numbers.show(tick, "", words.language) for tick in heights])
    ax.minorticks_off()
    ax.set_ylim(0.3, 6000)
    ax.set_xlabel(words("pass_intensity.x"))
    ax.set_ylabel(words("pass_intensity.y"))
    return figure
