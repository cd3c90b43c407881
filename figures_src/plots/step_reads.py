"""What a decode step reads, weights and cache, against the tokens in reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from figures_src.plots.style import Palette, new_figure
from figures_src.words import Words, numbers
from kvlab import units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """What a step reads with so many tokens in reach."""

    context_tokens: int
    weight_bytes_read: int
    cache_bytes_read: int
    cache_share: float


def draw(rows: Sequence[Row], words: Words, palette: Palette) -> Figure:
    """Draw the two parts on each other, with the share of the cache at the full context."""
    figure, [ax] = new_figure(palette, height_points=240)
    contexts = [row.context_tokens for row in rows]
    weights_kib = [float(units.in_unit(row.weight_bytes_read, "KiB")) for row in rows]
    cache_kib = [float(units.in_unit(row.cache_bytes_read, "KiB")) for row in rows]
    ax.stackplot(contexts, weights_kib, cache_kib, colors=[palette.grid, palette.series[0]])
    ax.text(contexts[-1] / 2, weights_kib[0] / 2, words("step_reads.weights"), color=palette.ink, ha="center")
    share = numbers.show(rows[-1].cache_share, "percent1", words.language)
    label = words("step_reads.cache").format(share=share)
    ax.text(contexts[-1] * 0.98, weights_kib[0] + cache_kib[-1] * 1.12, label, color=palette.ink, ha="right")
    ax.set_xlim(contexts[0], contexts[-1])
    ax.set_ylim(0, (weights_kib[-1] + cache_kib[-1]) * 1.12)
    ax.set_xticks([contexts[0], *range(32, contexts[-1] + 1, 32)])
    ax.set_xlabel(words("step_reads.x"))
    ax.set_ylabel("KiB")
    return figure
