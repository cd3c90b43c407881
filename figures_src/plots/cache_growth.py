"""Bytes of a real cache that grows with its tokens, against the formula; in all layers and in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words
from kvlab import units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """The bytes that so many tokens take."""

    tokens: int
    array_bytes: int
    formula_bytes: int
    layer_bytes: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the arrays' bytes as points, and the formula's as lines."""
    figure, [ax] = new_figure(palette, height_points=240)
    tokens = [row.tokens for row in rows]
    arrays_kib = [float(units.in_unit(row.array_bytes, "KiB")) for row in rows]
    formula_kib = [float(units.in_unit(row.formula_bytes, "KiB")) for row in rows]
    layer_kib = [float(units.in_unit(row.layer_bytes, "KiB")) for row in rows]
    ax.plot(tokens, formula_kib, color=palette.series[0])
    ax.plot(tokens, layer_kib, color=palette.series[0], linestyle="--")
    ax.plot(tokens[3::4], arrays_kib[3::4], "o", color=palette.series[1], markersize=5)
    last = formula_kib[-1]
    for name, line, place, shift, side in (
        ("arrays", formula_kib, 0.76, 0.06, "bottom"),
        ("layer", layer_kib, 0.98, -0.14, "top"),
    ):
        at = round(place * (len(tokens) - 1))
        label = words(f"cache_growth.{name}")
        ax.text(tokens[at], line[at] + last * shift, label, color=palette.ink, ha="right", va=side)
    ax.set_xlim(0, tokens[-1] * 1.02)
    ax.set_ylim(0, last * 1.08)
    ax.set_xticks([1, *range(16, tokens[-1] + 1, 16)])
    ax.set_xlabel(words("cache_growth.x"))
    ax.set_ylabel("KiB")
    return figure
