"""Figures that others have published, as numbers."""

from __future__ import annotations

from typing import Any

from kvlab.catalog.entries import read_data
from kvlab.errors import KvlabError


def published(figure: str, value: str) -> int | float:
    """Return one number of a published figure, its unit in its name.

    Raises:
        KvlabError: there is no such figure, or it has no such number.
    """
    entries: list[dict[str, Any]] = read_data("published_figures.json")
    found = {entry["name"]: entry.get("values", {}) for entry in entries}.get(figure, {}).get(value)
    if not isinstance(found, int | float):
        raise KvlabError(f"no published figure {figure!r:.60} has a number {value!r:.60}")
    return found
