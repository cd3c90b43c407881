"""Bytes of a real cache that grows with its tokens, against the formula; in all layers and in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words
from kvlab import units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw the arrays' bytes as points, and the formula's as lines."""
    figure, [ax] = new_figure(palette, height_points=240)
    tokens = data["tokens"]
    kib = {
        name: [float(units.in_unit(size, "KiB")) for size in sizes] for name, sizes in data.items() if name != "tokens"
    }
    ax.plot(tokens, kib["formula_bytes"], color=palette.series[0])
    ax.plot(tokens, kib["layer_bytes"], color=palette.series[0], linestyle="--")
    ax.plot(tokens[3::4], kib["array_bytes"][3::4], "o", color=palette.series[1], markersize=5)
    last = kib["formula_bytes"][-1]
    for name, place, side in (("arrays", 0.76, "right"), ("layer", 0.98, "right")):
        at = round(place * (len(tokens) - 1))
        line = kib["formula_bytes" if name == "arrays" else "layer_bytes"]
        down = name == "layer"
        ax.text(
            tokens[at],
            line[at] + last * (-0.14 if down else 0.06),
            words(f"cache_growth.{name}"),
            color=palette.ink,
            ha=side,
            va="top" if down else "bottom",
        )
    ax.set_xlim(0, tokens[-1] * 1.02)
    ax.set_ylim(0, last * 1.08)
    ax.set_xticks([1, *range(16, tokens[-1] + 1, 16)])
    ax.set_xlabel(words("cache_growth.x"))
    ax.set_ylabel("KiB")
    return figure
