"""A size against a number that grows, a line a case, with the memories of devices as lines across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """A `case` at a place of the axis, or a `device`, labelled there."""

    kind: str
    name: str
    x: int
    bytes: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the cache of each batch against the context of each of its sequences."""
    figure, [ax] = new_figure(palette, height_points=320)
    lines_and_devices(ax, rows, palette, "B", above=False)
    thousands = (1, 4, 16, 64)
    ax.set_xticks([k * 1024 for k in thousands], [f"{k}k" for k in thousands])
    write_sizes(ax, (28, 30, 32, 34, 36, 38, 40), words)
    ax.set_xlabel(words("reach.x"))
    return figure


def lines_and_devices(ax: Axes, rows: Sequence[Row], palette: Palette, symbol: str, above: bool) -> None:
    """Draw a line for each case, named at its end, and one across for each device, named above or below it."""
    cases = dict.fromkeys(row.name for row in rows if row.kind == "case")
    for name, colour in zip(cases, palette.series, strict=False):
        points = [row for row in rows if (row.kind, row.name) == ("case", name)]
        ax.plot([row.x for row in points], [row.bytes for row in points], color=colour)
        ax.text(points[-1].x * 1.12, points[-1].bytes, f"{symbol} = {name}", color=palette.ink, va="center")
    for device in (row for row in rows if row.kind == "device"):
        ax.axhline(device.bytes, color=palette.muted, linewidth=1, linestyle="--")
        height, side = (1.06, "bottom") if above else (0.9, "top")
        ax.text(device.x * 1.1, device.bytes * height, device.name, color=palette.muted, va=side)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_xlim(min(row.x for row in rows), max(row.x for row in rows))


def write_sizes(ax: Axes, powers: tuple[int, ...], words: Words) -> None:
    """Write sizes that are powers of two on the vertical axis."""
    ticks = [2**power for power in powers]
    ax.set_yticks(ticks, [numbers.show(tick, "binary", words.language) for tick in ticks])
    ax.minorticks_off()
