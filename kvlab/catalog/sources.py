"""Where the numbers of the catalog were read: a file, which entry of it, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from kvlab.catalog.entries import read_data
from kvlab.errors import KvlabError


class Link(NamedTuple):
    """What to call a source, and its address."""

    title: str
    url: str


@dataclass(frozen=True)
class Source:
    """A file in which numbers of one entry of the catalog were read.

    Attributes:
        file: its name in `sources.json`.
        read: when it was read, as an ISO date.
        part: which entry, table or section of it.
        holds: the numbers that it holds, by their keys; all numbers of the entry where it names none.
    """

    file: str
    read: str
    part: str = ""
    holds: tuple[str, ...] = ()

    @property
    def link(self) -> Link:
        """Its title and address; no address for this project itself. Raises `KvlabError` for an unknown file."""
        known: dict[str, dict[str, str]] = read_data("sources.json")
        if self.file not in known:
            raise KvlabError(f"kvlab/catalog/sources.json has no address for {self.file!r:.80}")
        return Link(**{name: text.format(part=self.part) for name, text in known[self.file].items()})


def source(entry: Mapping[str, Any]) -> Source:
    """Return a source as a data file of the catalog writes it."""
    return Source(**{**entry, "holds": tuple(entry.get("holds", ()))})
