"""Weights and cache on each other for several cases, and next to them, apart, what one matrix takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers
from kvlab import units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """The sizes of a case."""

    sequences: int
    k_tokens: int
    weight_bytes: int
    cache_bytes: int
    activation_bytes_of_one_prompt: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a bar of two parts a case, its sum in its label, and a thin bar of its own for the activations."""
    from matplotlib.patches import Patch

    figure, [ax] = new_figure(palette, height_points=380)
    for place, row in enumerate(reversed(rows)):
        sizes = (row.weight_bytes, row.cache_bytes, row.activation_bytes_of_one_prompt)
        weights, cache, activations = (float(units.in_unit(size, "GB")) for size in sizes)
        ax.barh(place + 0.12, weights, height=0.26, color=palette.grid)
        ax.barh(place + 0.12, cache, left=weights, height=0.26, color=palette.series[0])
        ax.barh(place - 0.12, activations, height=0.12, color=palette.series[1])
        total = numbers.show(row.weight_bytes + row.cache_bytes, "decimal", words.language)
        label = f"B = {row.sequences}, {row.k_tokens}k: {total}"
        ax.text(0, place + 0.29, label, color=palette.ink, va="bottom")
    ax.set_ylim(-0.35, len(rows) - 0.25)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("GB")
    colours = {"weights": palette.grid, "cache": palette.series[0], "activations": palette.series[1]}
    keys = [Patch(color=colour, label=words(f"breakdown.{part}")) for part, colour in colours.items()]
    figure.legend(handles=keys, loc="outside lower left", ncols=1, frameon=False, labelcolor=palette.ink)
    return figure
