"""The weights of one query over the slots that it reads, by layer and head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figures_src.plots.style import Data, Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALE = 0.6  # of the colour that a whole weight would have: what is written on it stays legible


def draw(data: Data, words: Words, palette: Palette) -> Figure:
    """Draw a row a head and a column a slot, each weight as a shade and in percent."""
    figure, axes = new_figure(palette, height_points=340, rows=max(data["layer"]) + 1)
    rows = list(zip(*data.values(), strict=True))
    tokens = dict(sorted({(slot, token.strip()) for _, _, slot, token, _ in rows}))
    heads = sorted(set(data["head"]))
    for layer, ax in enumerate(axes):
        for _, head, slot, _, weight in (row for row in rows if row[0] == layer):
            ax.barh(head, 0.94, left=slot - 0.47, height=0.9, color=palette.series[0], alpha=PALE * weight, linewidth=0)
            shown = numbers.show(weight, "percent", words.language).split(numbers.NBSP)[0].rstrip("%")
            ax.text(slot, head, shown, color=palette.ink, ha="center", va="center")
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
