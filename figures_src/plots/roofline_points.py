"""The operations of prefill and decode as points on a device's roofline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TERA = 1e12  # from FLOP/s to the unit of the axis


class Row(NamedTuple):
    """A corner of the `roof`, or an operation of a phase."""

    kind: str
    operation: str
    flop_per_byte: float
    attainable_flops_per_second: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the roof, the place of its ridge, and the points of both phases on it."""
    figure, [ax] = new_figure(palette, height_points=300)
    roof = [_place(row) for row in rows if row.kind == "roof"]
    ax.plot(*zip(*roof, strict=True), color=palette.muted)
    ridge, peak = roof[1]
    ax.plot([ridge, ridge], [roof[0][1] / 4, peak], color=palette.muted, linewidth=1, linestyle=":")
    for phase, marker, size, colour in (("prefill", "o", 10, palette.series[0]), ("decode", "s", 5, palette.series[1])):
        chosen = [_place(row) for row in rows if row.kind == phase]
        ax.plot(*zip(*chosen, strict=True), marker, color=colour, markersize=size)
    at = {(row.kind, row.operation): _place(row) for row in rows}
    low, attention, first = at["decode", "mlp"], at["prefill", "scores"], at["prefill", "output"]
    label: dict[str, Any] = {"color": palette.ink, "linespacing": 1.25}
    ax.text(low[0] * 1.5, low[1] * 0.9, words("roofline_points.decode"), ha="left", va="top", **label)
    ax.text(attention[0], peak * 1.3, words("roofline_points.attention"), ha="right", va="bottom", **label)
    ax.text(first[0] * 0.85, peak * 0.68, words("roofline_points.products"), ha="left", va="top", **label)
    ridge_label = words("roofline_points.ridge").format(ridge=numbers.show(ridge, "fixed0", words.language))
    ax.text(ridge * 1.12, roof[0][1] / 3.4, ridge_label, color=palette.muted, ha="left", va="bottom")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(roof[0][0], roof[-1][0])
    ax.set_ylim(roof[0][1] / 4, peak * 5)
    for axis, ticks in ((ax.xaxis, (1, 10, 100, 1000)), (ax.yaxis, (1, 10, 100))):
        axis.set_ticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    ax.minorticks_off()
    ax.set_xlabel(words("roofline_points.x"))
    ax.set_ylabel(words("roofline_points.y"))
    return figure


def _place(row: Row) -> tuple[float, float]:
    return row.flop_per_byte, row.attainable_flops_per_second / TERA
