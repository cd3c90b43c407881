"""A size against a number that grows, a line a case, with the memories of devices as lines across."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw the cache of each batch against the context of each of its sequences."""
    figure, [ax] = new_figure(palette, height_points=320)
    lines_and_devices(ax, data, palette, "B", above=False)
    thousands = (1, 4, 16, 64)
    ax.set_xticks([k * 1024 for k in thousands], [f"{k}k" for k in thousands])
    write_sizes(ax, (28, 30, 32, 34, 36, 38, 40), words)
    ax.set_xlabel(words("reach.x"))
    return figure


def lines_and_devices(ax: Axes, data: Data, palette: Palette, symbol: str, above: bool) -> None:
    """Draw a line for each case, named at its end, and one across for each device, named above or below it."""
    rows = list(zip(*data.values(), strict=True))
    cases = dict.fromkeys(row[1] for row in rows if row[0] == "case")
    for name, colour in zip(cases, palette.series, strict=False):
        points = [(row[2], row[3]) for row in rows if row[:2] == ("case", name)]
        ax.plot(*zip(*points, strict=True), color=colour)
        ax.text(points[-1][0] * 1.12, points[-1][1], f"{symbol} = {name}", color=palette.ink, va="center")
    for _, name, x, size in (row for row in rows if row[0] == "device"):
        ax.axhline(size, color=palette.muted, linewidth=1, linestyle="--")
        height, side = (1.06, "bottom") if above else (0.9, "top")
        ax.text(x * 1.1, size * height, name, color=palette.muted, va=side)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log", base=2)
    ax.set_xlim(min(row[2] for row in rows), max(row[2] for row in rows))


def write_sizes(ax: Axes, powers: tuple[int, ...], words: Words) -> None:
    """Write sizes that are powers of two on the vertical axis."""
    ticks = [2**power for power in powers]
    ax.set_yticks(ticks, [numbers.show(tick, "binary", words.language) for tick in ticks])
    ax.minorticks_off()
