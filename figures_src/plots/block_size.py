"""How much of a pool holds tokens, against the size of a block; and without blocks, for reservations of three kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """The share of the pool that holds tokens, for `paged` by the size of a block."""

    way: str
    block_tokens: int
    token_share: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the share of pages as a line over the size of a block, and each other way as a line across."""
    figure, [ax] = new_figure(palette, height_points=280)
    pages = [row for row in rows if row.way == "paged"]
    sizes = [row.block_tokens for row in pages]
    ax.plot(sizes, [row.token_share for row in pages], marker="o", color=palette.series[0])
    ax.text(sizes[0], 0.93, words("block_size.paged"), color=palette.ink, va="top")
    for row in (row for row in rows if row.way != "paged"):
        ax.axhline(row.token_share, color=palette.series[1], linestyle="--", linewidth=1.2)
        ax.text(
            row.block_tokens, row.token_share + 0.01, words(f"block_size.{row.way}"), color=palette.ink, va="bottom"
        )
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.set_xlim(sizes[0] * 0.9, sizes[-1] * 1.1)
    ax.set_ylim(0, 1.03)
    shares = (0, 0.2, 0.4, 0.6, 0.8, 1)
    ax.set_yticks(shares, [numbers.show(share, "percent", words.language) for share in shares])
    ax.set_xlabel(words("block_size.x"))
    ax.set_ylabel(words("block_size.y"))
    return figure
