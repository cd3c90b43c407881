"""Weights and cache of one sequence against its tokens, and where the cache passes the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers
from kvlab import units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """A context, and the sizes there; the crossing and the device are the same in all rows."""

    tokens: int
    weight_bytes: int
    cache_bytes: int
    crossing_tokens: int
    device_bytes: int


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the two on each other, with the crossing and a device's memory."""
    figure, [ax] = new_figure(palette, height_points=290)
    tokens = [row.tokens for row in rows]
    weights = [float(units.in_unit(row.weight_bytes, "GB")) for row in rows]
    cache = [float(units.in_unit(row.cache_bytes, "GB")) for row in rows]
    device = float(units.in_unit(rows[0].device_bytes, "GB"))
    ax.stackplot(tokens, weights, cache, colors=[palette.grid, palette.series[0]])
    crossing, top = rows[0].crossing_tokens, 1.12 * max(device, weights[-1] + cache[-1])
    ax.plot([crossing, crossing], [0, 2 * weights[0]], color=palette.ink, linewidth=1.2, linestyle=":")
    label = words("against_context.crossing").format(tokens=numbers.show(crossing, "", words.language))
    ax.text(tokens[1] / 2, 2 * weights[0] + top * 0.12, label, color=palette.ink, va="bottom")
    ax.axhline(device, color=palette.muted, linewidth=1.2, linestyle="--")
    ax.text(tokens[1] / 2, device - top * 0.02, words("against_context.device"), color=palette.muted, va="top")
    label_at: dict[str, Any] = {"color": palette.ink, "ha": "right", "va": "center"}
    ax.text(tokens[-1] * 0.97, weights[0] / 2, words("against_context.weights"), **label_at)
    place = round(0.72 * (len(tokens) - 1))
    edge = weights[place] + cache[place]
    ax.text(tokens[place], edge + top * 0.03, words("against_context.cache"), color=palette.series[0], ha="right")
    ax.set_xlim(tokens[0], tokens[-1])
    ax.set_ylim(0, top)
    thousands = (32, 64, 96, 128)
    ax.set_xticks([k * 1024 for k in thousands], [f"{k}k" for k in thousands])
    ax.set_xlabel(words("against_context.x"))
    ax.set_ylabel("GB")
    return figure
