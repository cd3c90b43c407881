"""Measured time of a step with a cache and without, the formulas' lines, and what each formula misses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TICKS_MS = (0.03, 0.1, 0.3, 1, 3, 10, 30)
MARKERS = {True: "o", False: "s"}  # held out, and used for the fit


class Row(NamedTuple):
    """A step's time at a number of tokens; the promise is the same in all rows."""

    run: str
    tokens: int
    held_out: bool
    measured_s: float
    formula_s: float
    error: float
    promise: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the times on a logarithmic scale above, and below them the errors between the lines of the promise."""
    figure, [times, errors] = new_figure(palette, height_points=470, rows=2)
    tokens = sorted({row.tokens for row in rows})
    for run, colour in (("uncached", palette.series[1]), ("cached", palette.series[0])):
        points = [row for row in rows if row.run == run]
        times.plot(tokens, [row.formula_s * 1e3 for row in points], color=colour)
        for row in points:
            marker, face = MARKERS[row.held_out], colour if row.held_out else "none"
            times.plot([row.tokens], [row.measured_s * 1e3], marker, color=colour, markerfacecolor=face)
            errors.plot([row.tokens], [row.error], marker, color=colour, markerfacecolor=face)
        place = (tokens[-1], 1.35 * max(points[-1].measured_s, points[-1].formula_s) * 1e3)
        times.text(*place, words(f"kv_cost.{run}"), color=colour, ha="right", va="bottom")
    _scale_times(times, rows, words)
    _scale_errors(errors, rows, words, palette)
    for ax in (times, errors):
        ax.set_xticks(tokens[1::2])
        ax.set_xlim(0, 1.04 * tokens[-1])
    errors.set_xlabel(words("kv_cost.x"))
    _explain_markers(figure, words, palette)
    return figure


def _scale_times(ax: Axes, rows: Sequence[Row], words: Words) -> None:
    ax.set_yscale("log")
    ax.minorticks_off()
    measured_ms = [row.measured_s * 1e3 for row in rows]
    least, most = min(measured_ms), max(measured_ms)
    ax.set_ylim(0.6 * least, 2.4 * most)
    ticks = [tick for tick in TICKS_MS if 0.6 * least <= tick <= 2.4 * most]
    ax.set_yticks(ticks, [_tick(tick, words) for tick in ticks])
    ax.set_ylabel("ms")


def _tick(tick: float, words: Words) -> str:
    places = next(places for places in range(3) if round(tick, places) == tick)
    return numbers.show(tick, f"fixed{places}", words.language)


def _scale_errors(ax: Axes, rows: Sequence[Row], words: Words, palette: Palette) -> None:
    promise = rows[0].promise
    reach = 1.25 * max(promise, *(abs(row.error) for row in rows))
    ax.set_ylim(-reach, reach)
    ax.axhline(0, color=palette.muted, linewidth=0.8)
    for limit in (-promise, promise):
        ax.axhline(limit, color=palette.ink, linewidth=1, linestyle="--")
    ticks = (-promise, 0, promise)
    ax.set_yticks(ticks, [numbers.show(tick, "percent", words.language) for tick in ticks])
    ax.set_title(words("kv_cost.errors"), loc="left", fontsize=12, color=palette.ink)


def _explain_markers(figure: Figure, words: Words, palette: Palette) -> None:
    from matplotlib.lines import Line2D

    keys = [
        Line2D([], [], color=palette.ink, label=words("kv_cost.formula")),
        Line2D([], [], marker="s", color=palette.ink, linestyle="", fillstyle="none", label=words("kv_cost.fitted")),
        Line2D([], [], marker="o", color=palette.ink, linestyle="", label=words("kv_cost.held_out")),
    ]
    figure.legend(handles=keys, loc="outside lower left", ncols=1, frameon=False, labelcolor=palette.ink)
