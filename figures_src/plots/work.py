"""Which positions each step of a run computes, with a cache and without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """What a step did at a position."""

    run: str
    step: int
    position: int
    token: str
    cell: str


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the two runs as grids of step and position."""
    from matplotlib.patches import Patch

    colours = {"new": palette.series[0], "recomputed": palette.series[1], "read": palette.grid}
    figure, axes = new_figure(palette, height_points=400, rows=2)
    n_steps = max(row.step for row in rows)
    tokens = dict(sorted({(row.position, row.token) for row in rows}))
    for ax, run in zip(axes, ("uncached", "cached"), strict=True):
        for row in (row for row in rows if row.run == run):
            ax.barh(row.step, 0.9, left=row.position + 0.05, height=0.84, color=colours[row.cell])
        ax.set_title(words(f"work.{run}"), loc="left", fontsize=12, color=palette.ink)
        ax.set_xlim(0, len(tokens))
        ax.set_ylim(n_steps + 0.5, 0.5)
        ax.set_yticks(range(1, n_steps + 1))
        ax.set_ylabel(words("work.step"))
        ax.tick_params(length=0)
        ax.set_xticks([])
        for spine in ax.spines.values():
            spine.set_visible(False)
    axes[1].set_xticks([place + 0.5 for place in range(len(tokens))], [t.strip() for t in tokens.values()])
    axes[1].tick_params(axis="x", rotation=35)
    keys = [Patch(color=colour, label=words(f"work.{cell}")) for cell, colour in colours.items()]
    figure.legend(handles=keys, loc="outside lower left", ncols=1, frameon=False, labelcolor=palette.ink)
    return figure
