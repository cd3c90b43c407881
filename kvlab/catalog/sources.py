"""The address of each source of the catalog."""

from __future__ import annotations

from typing import NamedTuple

from kvlab.catalog.entries import read_data
from kvlab.errors import KvlabError


class Link(NamedTuple):
    """What to call a source, and its address; no address where it has none of its own."""

    title: str
    url: str


def links(source: str) -> tuple[Link, ...]:
    """Return what a source of the catalog consists of; nothing for this project itself. Raises `KvlabError`."""
    known: dict[str, list[dict[str, str]]] = read_data("sources.json")
    if source not in known:
        raise KvlabError(f"kvlab/catalog/sources.json has no address for {source!r:.80}")
    return tuple(Link(**entry) for entry in known[source])
