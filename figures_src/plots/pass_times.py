"""Lower bounds of a prefill and of a decode step against their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """The bounds at a number of tokens; the ridge is the same in all rows."""

    tokens: int
    prefill_ms: float
    decode_ms: float
    ridge: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw both on logarithmic axes, and the ridge, as a number of tokens, on the first."""
    figure, [ax] = new_figure(palette, height_points=270)
    tokens = [row.tokens for row in rows]
    first, last = rows[0], rows[-1]
    ridge = first.ridge
    ax.plot(tokens, [row.prefill_ms for row in rows], color=palette.series[0])
    ax.plot(tokens, [row.decode_ms for row in rows], color=palette.series[1], linestyle="--")
    labelled = next(row for row in rows if row.tokens == 1024)
    beside = (labelled.tokens * 0.85, labelled.prefill_ms * 1.2)
    ax.text(*beside, words("pass_times.prefill"), color=palette.ink, ha="right")
    ax.text(last.tokens, first.decode_ms * 0.82, words("pass_times.decode"), color=palette.ink, ha="right", va="top")
    ax.plot([ridge], [first.prefill_ms], "o", color=palette.muted, markersize=7)
    at_ridge = words("pass_times.ridge").format(ridge=numbers.show(ridge, "fixed0", words.language))
    ax.text(ridge, first.prefill_ms * 1.2, at_ridge, color=palette.ink, ha="right", va="bottom")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xlim(first.tokens, last.tokens)
    ax.set_ylim(3, last.prefill_ms * 1.6)
    ticks = (1, 8, 64, 512, 4096)
    ax.set_xticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    ax.set_yticks((5, 10, 50, 100), [numbers.show(tick, "", words.language) for tick in (5, 10, 50, 100)])
    ax.minorticks_off()
    ax.set_xlabel(words("pass_times.x"))
    ax.set_ylabel(words("pass_times.y"))
    return figure
