"""Where the catalog's facts were read: the published figures as they were printed, and the address of each source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from kvlab.catalog.entries import read_data
from kvlab.errors import KvlabError


class Link(NamedTuple):
    """What to call a source, and its address; no address where it has none of its own."""

    title: str
    url: str


@dataclass(frozen=True)
class PublishedFigure:
    """A figure that others have published.

    Attributes:
        name: by which it is found.
        published: as it was printed, unit included.
        from_formula: whether it follows from a formula, or was measured.
        source: where it was read.
        read: when, as an ISO date.
    """

    name: str
    published: str
    from_formula: bool
    source: str
    read: str


@cache
def published_figures() -> tuple[PublishedFigure, ...]:
    """Return the published figures."""
    entries: list[dict[str, Any]] = read_data("published_figures.json")
    fields = ("name", "published", "from_formula", "source", "read")
    return tuple(PublishedFigure(*(entry[field] for field in fields)) for entry in entries)


def links(source: str) -> tuple[Link, ...]:
    """Return what a source of the catalog consists of; nothing for this project itself. Raises `KvlabError`."""
    known: dict[str, list[dict[str, str]]] = read_data("sources.json")
    if source not in known:
        raise KvlabError(f"kvlab/catalog/sources.json has no address for {source!r:.80}")
    return tuple(Link(**entry) for entry in known[source])
