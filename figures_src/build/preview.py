"""The picture that others show next to a link to the book, one a language."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from figures_src import store
from figures_src.plots.style import LIGHT, settings
from figures_src.words import LANGUAGES, Words

WIDTH, HEIGHT = 1200, 630  # what those who show such pictures ask for
PAPER = "#fdfcf9"
STEPS = 9


def write(site: Path) -> None:
    """Write each language's picture to the site."""
    for language in LANGUAGES:
        path = site / f"assets/preview-{language}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_png(Words(language)))


def _png(words: Words) -> bytes:
    key = store.key_of(store.sources_of(__name__), repr(words))
    # The store keeps text.
    return base64.b64decode(store.keep("preview", key, lambda: base64.b64encode(_drawn(words)).decode()))


def _drawn(words: Words) -> bytes:
    """Return the two titles above the book's picture: what a cache spares, step by step."""
    from matplotlib.figure import Figure

    with settings():
        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAPER)
        figure.text(0.06, 0.8, words("preview.title"), fontsize=44, family="DejaVu Serif", color=LIGHT.ink)
        figure.text(0.06, 0.69, words("preview.subtitle"), fontsize=20, family="DejaVu Serif", color=LIGHT.muted)
        for left, cached in ((0.06, False), (0.53, True)):
            ax = figure.add_axes((left, 0.08, 0.41, 0.48))
            ax.set_axis_off()
            for step in range(STEPS):
                for position in range(step + 1):
                    again = LIGHT.grid if cached else LIGHT.series[1]
                    ax.barh(
                        -step, 0.9, left=position, height=0.84, color=LIGHT.series[0] if position == step else again
                    )
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", facecolor=PAPER, metadata={"Software": None})
    return buffer.getvalue()
