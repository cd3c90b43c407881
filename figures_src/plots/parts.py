"""What is repeated without a cache, the prompt's part and the text's own, against the tokens generated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """What a `part` repeats after so many generated tokens; of part `equal`, where both repeat the same."""

    part: str
    prompt_tokens: int | None
    generated_tokens: int
    token_projections: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw both parts on logarithmic scales, a line a prompt, and mark where they are equal."""
    figure, [ax] = new_figure(palette, height_points=330)
    own = [row for row in rows if row.part == "generated"]
    _plot(ax, own, palette.series[1], linewidth=2.6)
    beside = (own[4].generated_tokens, own[1].token_projections)
    ax.text(*beside, words("parts.generated"), color=palette.series[1], va="center")
    for equal in (row for row in rows if row.part == "equal"):
        line = [row for row in rows if row.part == "prompt" and row.prompt_tokens == equal.prompt_tokens]
        first, last = line[0], line[-1]
        _plot(ax, line, palette.series[0])
        label = f"P = {numbers.show(equal.prompt_tokens, '', words.language)}"
        ax.text(last.generated_tokens * 1.2, last.token_projections, label, color=palette.series[0], va="center")
        _plot(ax, [equal], palette.ink, linestyle="", marker="o", markersize=6, zorder=3)
        shown = numbers.show(equal.generated_tokens, "", words.language)
        ax.text(equal.generated_tokens * 1.2, equal.token_projections * 0.6, shown, color=palette.ink, va="top")
    ax.text(first.generated_tokens, first.token_projections * 8, words("parts.prompt"), color=palette.series[0])
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.minorticks_off()
    largest = own[-1].generated_tokens
    ax.set_xlim(own[0].generated_tokens * 0.9, largest * 14)
    ax.set_ylim(1, own[-1].token_projections * 3)
    ticks = [2**power for power in range(2, largest.bit_length(), 2)]
    ax.set_xticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    ax.set_xlabel(words("parts.x"))
    ax.set_ylabel(words("parts.y"))
    return figure


def _plot(ax: Axes, rows: Sequence[Row], colour: str, **style: Any) -> None:
    ax.plot([row.generated_tokens for row in rows], [row.token_projections for row in rows], color=colour, **style)
