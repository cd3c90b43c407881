"""Weights and cache together against the sequences of a batch, with the memories of devices as lines across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from figures_src.plots.reach import Row, lines_and_devices, write_sizes
from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a line a context, all of which begin near the weights."""
    figure, [ax] = new_figure(palette, height_points=300)
    lines_and_devices(ax, rows, palette, "S", above=True)
    batches = sorted({row.x for row in rows if row.kind == "case"})
    ticks = batches[::2]
    ax.set_xticks(ticks, [numbers.show(tick, "", words.language) for tick in ticks])
    write_sizes(ax, (34, 35, 36, 37, 38, 39), words)
    ax.set_xlabel(words("against_batch.x"))
    return figure
