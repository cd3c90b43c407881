"""Lower bounds of a prefill and of a decode step against their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw both on logarithmic axes, and the ridge, as a number of tokens, on the first."""
    figure, [ax] = new_figure(palette, height_points=270)
    tokens, prefill, decode = data["tokens"], data["prefill_ms"], data["decode_ms"]
    ridge = data["ridge"][0]
    ax.plot(tokens, prefill, color=palette.series[0])
    ax.plot(tokens, decode, color=palette.series[1], linestyle="--")
    place = tokens.index(1024)
    ax.text(tokens[place] * 0.85, prefill[place] * 1.2, words("pass_times.prefill"), color=palette.ink, ha="right")
    ax.text(tokens[-1], decode[0] * 0.82, words("pass_times.decode"), color=palette.ink, ha="right", va="top")
    ax.plot([ridge], [prefill[0]], "o", color=palette.muted, markersize=7)
    at_ridge = words("pass_times.ridge").format(ridge=numbers.show(ridge, "fixed0", words.language))
    ax.text(ridge, prefill[0] * 1.2, at_ridge, color=palette.ink, ha="right", va="bottom")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlim(tokens[0], tokens[-1])
    ax.set_ylim(3, prefill[-1] * 1.6)
    ticks = (1, 8, 64, 512, 4096)
    ax.set_xticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    ax.set_yticks((5, 10, 50, 100), [numbers.show(tick, "", words.language) for tick in (5, 10, 50, 100)])
    ax.minorticks_off()
    ax.set_xlabel(words("pass_times.x"))
    ax.set_ylabel(words("pass_times.y"))
    return figure
