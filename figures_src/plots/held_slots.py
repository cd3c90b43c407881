"""What the slots of a run hold: every entry of K and V, a shade each, layer by head."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 2.0  # between heads, in elements
CELL = 0.94  # of its place that a cell fills


class Row(NamedTuple):
    """An entry of a tensor, and the largest magnitude there."""

    tensor: str
    layer: int
    head: int
    slot: int
    token: str
    marked: bool
    element: int
    entry: float
    most: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw a strip of heads for each tensor and layer, a row a slot, with the marked slot framed."""
    strips = sorted({(row.tensor, row.layer) for row in rows})
    figure, axes = new_figure(palette, height_points=520, rows=len(strips))
    for ax, (tensor, layer) in zip(axes, strips, strict=True):
        _draw_strip(ax, [row for row in rows if (row.tensor, row.layer) == (tensor, layer)], palette)
        title = words("held_slots.strip").format(tensor=tensor, layer=layer)
        ax.set_title(title, loc="left", fontsize=12, color=palette.ink)
    width = _head_width(rows)
    n_heads = max(row.head for row in rows) + 1
    middles = [head * width + (width - GAP) / 2 for head in range(n_heads)]
    axes[-1].set_xticks(middles, [words("held_slots.head").format(head=head) for head in range(n_heads)])
    _explain(figure, rows, words, palette)
    return figure


def _head_width(rows: Sequence[Row]) -> float:
    return max(row.element for row in rows) + 1 + GAP


def _draw_strip(ax: Axes, rows: Sequence[Row], palette: Palette) -> None:
    from matplotlib.patches import PathPatch, Rectangle

    width = _head_width(rows)
    shades: dict[float, list[tuple[float, int]]] = defaultdict(list)
    for row in rows:
        if row.entry:
            shades[row.entry / row.most].append((row.head * width + row.element, row.slot))
    # One path a shade, not one an entry: a tenth of the bytes.
    for shade, places in sorted(shades.items()):
        colour = palette.series[0 if shade > 0 else 1]
        ax.add_patch(PathPatch(_cells(places), facecolor=colour, alpha=abs(shade), linewidth=0))
    tokens = dict(sorted({(row.slot, row.token) for row in rows}))
    heads = {row.head for row in rows}
    for head in heads:
        ax.add_patch(Rectangle((head * width, -0.5), width - GAP, len(tokens), fill=False, edgecolor=palette.grid))
        for slot in {row.slot for row in rows if row.marked}:
            frame = (head * width - 0.5, slot - 0.5)
            ax.add_patch(Rectangle(frame, width - GAP + 1, 1, fill=False, edgecolor=palette.ink, linewidth=1.4))
    ax.set_xlim(-1, max(heads) * width + width - GAP + 1)
    ax.set_ylim(len(tokens) - 0.3, -0.7)
    ax.set_yticks(list(tokens), [token.strip() for token in tokens.values()])
    ax.set_xticks([])
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _cells(places: list[tuple[float, int]]) -> Any:
    """Return one path of a rectangle at each place."""
    from matplotlib.path import Path

    corners, codes = [], []
    for left, slot in places:
        right, top, bottom = left + CELL, slot - CELL / 2, slot + CELL / 2
        corners += [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        codes += [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
    return Path(corners, codes)


def _explain(figure: Figure, rows: Sequence[Row], words: Words, palette: Palette) -> None:
    from matplotlib.patches import Patch

    most = {row.tensor: numbers.show(row.most, "fixed1", words.language) for row in rows}
    full = ", ".join(words("held_slots.full").format(tensor=tensor, entry=entry) for tensor, entry in most.items())
    keys = [
        Patch(color=palette.series[0], label=words("held_slots.positive").format(full=full)),
        Patch(color=palette.series[1], label=words("held_slots.negative")),
        Patch(facecolor="none", edgecolor=palette.ink, label=words("held_slots.marked")),
    ]
    figure.legend(handles=keys, loc="outside lower left", ncols=1, frameon=False, labelcolor=palette.ink)
