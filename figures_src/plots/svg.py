"""A figure, drawn now or kept from when its data, its drawing and its words were the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from figures_src import store
from figures_src.plots.style import LIGHT, columns_of, to_svg
from figures_src.words import Words


def svg_of(
    rows: Sequence[Any], draw: Callable[..., Any], words: Words, begin: Callable[[], None] = lambda: None
) -> str:
    """Return a figure in the light palette; `begin` is called when it has to be drawn."""

    def draw_now() -> str:
        begin()
        return to_svg(draw(rows, words, LIGHT))

    key = store.key_of(json.dumps([columns_of(rows), rows]), store.sources_of(draw.__module__), repr(words))
    return store.keep("figures", key, draw_now)
