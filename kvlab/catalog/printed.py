"""What others have printed, word for word, with its source: figures that a formula or a simulation is held against."""

from __future__ import annotations

from kvlab.catalog.entries import read_data
from kvlab.errors import KvlabError


def printed(figure_name: str) -> str:
    """Return a published figure as it was printed. Raises `KvlabError` for one that is not known."""
    figures: dict[str, str] = {entry["name"]: entry["published"] for entry in read_data("published_figures.json")}
    if figure_name not in figures:
        raise KvlabError(f"unknown figure {figure_name!r:.60}; known are {', '.join(figures)}")
    return figures[figure_name]
