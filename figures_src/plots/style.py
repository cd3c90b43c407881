"""One style for all figures: a phone's width is enough to read them, and each palette has its own colours."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

from figures_src.errors import BookError
from figures_src.words import numbers

# matplotlib is imported where something is drawn: a warm build draws nothing and does not wait for it.
if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# One unit of the drawing is a point. On a phone of 360 px a figure is about 300 px wide, so a text of 11 points in a
# drawing 360 wide is read at a little over 9 px; the tests compute it from each file.
WIDTH_POINTS = 360
FONT_POINTS = 11.0


class Palette(NamedTuple):
    """The colours of a palette, all different; colour-blind readers can tell the `series` apart (Okabe and Ito)."""

    name: str
    ink: str
    muted: str
    grid: str
    series: tuple[str, ...]


LIGHT = Palette("light", "#1d2433", "#5a6478", "#d5dae3", ("#0072b2", "#d55e00", "#009e73", "#cc79a7"))
DARK = Palette("dark", "#e6e9f0", "#a3adbf", "#3d4658", ("#56b4e9", "#f0a04b", "#2fc795", "#e3a3c8"))
PALETTES = (LIGHT, DARK)

# Deterministic bytes: ids are salted by a constant, and texts are paths, so the reader needs none of our fonts.
_RC: Any = {
    "svg.hashsalt": "kvlab",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": FONT_POINTS,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.labelsize": FONT_POINTS,
    "ytick.labelsize": FONT_POINTS,
    "lines.linewidth": 1.8,
}


def settings() -> AbstractContextManager[None]:
    """Return a context in which matplotlib has the book's settings, and nothing of the author's own."""
    import matplotlib as mpl

    return mpl.rc_context({**mpl.rcParamsDefault, **_RC})


def new_figure(palette: Palette, height_points: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure of the book's width, and its axes from top to bottom."""
    from matplotlib.figure import Figure

    with settings():
        figure = Figure(figsize=(WIDTH_POINTS / 72, height_points / 72), layout="constrained")
        axes = list(figure.subplots(rows, squeeze=False)[:, 0])
    for ax in axes:
        _dress(ax, palette)
    return figure, axes


def write_height_ticks(ax: Axes, language: str) -> None:
    """Write the ticks that the vertical axis has as the language writes numbers: `0.2` in English, `0,2` in Spanish."""
    low, high = ax.get_ylim()
    ticks = [float(tick) for tick in ax.get_yticks() if low <= tick <= high]
    places = next((places for places in range(4) if all(round(tick, places) == round(tick, 9) for tick in ticks)), 4)
    ax.set_yticks(ticks, [numbers.show(tick, f"fixed{places}", language) for tick in ticks])


def to_svg(figure: Figure) -> str:
    """Return the figure as SVG, the same bytes each time: no date, no creator, salted ids."""
    buffer = io.StringIO()
    with settings():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def columns_of(rows: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of the columns of a figure's data, a list of named tuples. Raises `BookError` if it is empty."""
    if not rows:
        raise BookError("a figure has no rows to draw: the page's function returned an empty list")
    columns: tuple[str, ...] = rows[0]._fields
    return columns


def to_csv(rows: Sequence[Any]) -> str:
    """Return the figure's data as a table of text, a column a field."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns_of(rows))
    writer.writerows(rows)
    return buffer.getvalue()


def recoloured(svg: str, source: Palette, target: Palette) -> str:
    """Return a drawing in another palette: a figure is drawn once, and only its colours change."""
    colours = dict(zip(_colours(source), _colours(target), strict=True))
    return re.sub("|".join(colours), lambda match: colours[match[0]], svg)


def _colours(palette: Palette) -> list[str]:
    return [palette.ink, palette.muted, palette.grid, *palette.series]


def _dress(ax: Axes, palette: Palette) -> None:
    ax.tick_params(colors=palette.ink, which="both", width=0.8)
    for spine in ax.spines.values():
        spine.set_color(palette.muted)
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        text.set_color(palette.ink)
    ax.set_axisbelow(True)


def warm_up() -> None:
    """Load what draws before the first figure is asked for."""
    figure, _ = new_figure(LIGHT, height_points=72)
    to_svg(figure)
