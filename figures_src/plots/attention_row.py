"""The weights of one query over the slots that it reads, by layer and head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALE = 0.6  # of the colour that a whole weight would have: what is written on it stays legible


class Row(NamedTuple):
    """The weight of a slot in one head of a layer."""

    layer: int
    head: int
    slot: int
    token: str
    weight: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a row a head and a column a slot, each weight as a shade and in percent."""
    figure, axes = new_figure(palette, height_points=340, rows=max(row.layer for row in rows) + 1)
    tokens = dict(sorted({(row.slot, row.token.strip()) for row in rows}))
    heads = sorted({row.head for row in rows})
    for layer, ax in enumerate(axes):
        for row in (row for row in rows if row.layer == layer):
            shade: dict[str, Any] = {"color": palette.series[0], "alpha": PALE * row.weight, "linewidth": 0}
            ax.barh(row.head, 0.94, left=row.slot - 0.47, height=0.9, **shade)
            shown = numbers.show(row.weight, "percent", words.language).split(numbers.NBSP)[0].rstrip("%")
            ax.text(row.slot, row.head, shown, color=palette.ink, ha="center", va="center")
        ax.set_title(words("attention_row.layer").format(layer=layer), loc="left", fontsize=12, color=palette.ink)
        ax.set_yticks(heads, [words("attention_row.head").format(head=head) for head in heads])
        ax.set_xticks([])
        ax.set_xlim(-0.5, len(tokens) - 0.5)
        ax.set_ylim(len(heads) - 0.5, -0.5)
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
    axes[-1].set_xticks(list(tokens), list(tokens.values()))
    axes[-1].tick_params(axis="x", rotation=35)
    axes[-1].set_xlabel(words("attention_row.x"))
    return figure
