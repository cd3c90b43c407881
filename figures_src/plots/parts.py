"""What is repeated without a cache, the prompt's part and the text's own, against the tokens generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw both parts on logarithmic scales, a line a prompt, and mark where they are equal."""
    figure, [ax] = new_figure(palette, height_points=330)
    rows = list(zip(*data.values(), strict=True))
    own = [(n, tokens) for part, _, n, tokens in rows if part == "generated"]
    ax.plot(*zip(*own, strict=True), color=palette.series[1], linewidth=2.6)
    ax.text(own[4][0], own[1][1], words("parts.generated"), color=palette.series[1], va="center")
    equal = {prompt: (n, tokens) for part, prompt, n, tokens in rows if part == "equal"}
    for prompt, (n, tokens) in equal.items():
        line = [(x, y) for part, of, x, y in rows if part == "prompt" and of == prompt]
        ax.plot(*zip(*line, strict=True), color=palette.series[0])
        label = f"P = {numbers.show(prompt, '', words.language)}"
        ax.text(line[-1][0] * 1.2, line[-1][1], label, color=palette.series[0], va="center")
        ax.plot([n], [tokens], "o", color=palette.ink, markersize=6, zorder=3)
        ax.text(n * 1.2, tokens * 0.6, numbers.show(n, "", words.language), color=palette.ink, va="top")
    ax.text(line[0][0], line[0][1] * 8, words("parts.prompt"), color=palette.series[0])
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.minorticks_off()
    largest = own[-1][0]
    ax.set_xlim(own[0][0] * 0.9, largest * 14)
    ax.set_ylim(1, own[-1][1] * 3)
    ticks = [2**power for power in range(2, largest.bit_length(), 2)]
    ax.set_xticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    ax.set_xlabel(words("parts.x"))
    ax.set_ylabel(words("parts.y"))
    return figure
