"""Figures that others have published, as they were printed: a formula or a simulation is compared with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from kvlab.catalog.entries import read_data
from kvlab.catalog.sources import Source, source
from kvlab.errors import KvlabError


@dataclass(frozen=True)
class PublishedFigure:
    """A figure that others have published.

    Attributes:
        name: by which it is found.
        published: as it was printed, unit included.
        from_formula: whether it follows from a formula, or was measured.
        source: where it was read.
        values: its numbers, where it has any that are compared with; a unit is in the name.
    """

    name: str
    published: str
    from_formula: bool
    source: Source
    values: Mapping[str, Any]


@cache
def published_figures() -> tuple[PublishedFigure, ...]:
    """Return the published figures."""
    entries: list[dict[str, Any]] = read_data("published_figures.json")
    fields = ("name", "published", "from_formula")
    return tuple(
        PublishedFigure(
            **{field: entry[field] for field in fields},
            source=source(entry["source"]),
            values=entry.get("values", {}),
        )
        for entry in entries
    )


def published_figure(name: str) -> PublishedFigure:
    """Return a published figure. Raises `KvlabError` for one that is not known."""
    figures = {figure.name: figure for figure in published_figures()}
    if name not in figures:
        raise KvlabError(f"unknown figure {name!r:.60}; known are {', '.join(figures)}")
    return figures[name]
