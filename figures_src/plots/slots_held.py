"""Which token each slot holds, in a cache that is right and in some that are not: a strip of slots for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EMPTY = "empty"
FILL = 0.45  # of its colour, so that a number can be read on it in both palettes


class Row(NamedTuple):
    """A slot of a cache, and the token that it holds."""

    cache: str
    slot: int
    token: int
    kind: str


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a strip for each cache: the token's number in its slot, and a hollow slot where there is none."""
    from matplotlib.patches import Patch

    caches = list(dict.fromkeys(row.cache for row in rows))
    figure, axes = new_figure(palette, height_points=400, rows=len(caches))
    colours = {"prompt": palette.series[0], "decoded": palette.series[1]}
    for ax, cache in zip(axes, caches, strict=True):
        slots = [row for row in rows if row.cache == cache]
        for row in slots:
            _draw_slot(ax, row.slot, row.token, colours.get(row.kind, "none"), palette)
        ax.set_title(words(f"slots_held.{cache}"), loc="left", fontsize=12, color=palette.ink)
        ax.set_xlim(-0.1, len(slots) + 0.1)
        ax.set_ylim(-0.1, 1.1)
        ax.set_axis_off()
    keys = [Patch(facecolor=colour, alpha=FILL, label=words(f"slots_held.{kind}")) for kind, colour in colours.items()]
    keys.append(Patch(facecolor="none", edgecolor=palette.muted, label=words(f"slots_held.{EMPTY}")))
    figure.legend(handles=keys, loc="outside lower left", ncols=1, frameon=False, labelcolor=palette.ink)
    return figure


def _draw_slot(ax: Axes, slot: int, token: int, colour: str, palette: Palette) -> None:
    hollow = colour == "none"
    edge = palette.muted if hollow else colour
    ax.bar(slot + 0.5, 1, width=0.86, facecolor=colour, edgecolor=edge, linewidth=1, alpha=1 if hollow else FILL)
    if not hollow:
        ax.text(slot + 0.5, 0.5, str(token), color=palette.ink, ha="center", va="center")
