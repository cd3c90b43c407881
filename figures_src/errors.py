"""The error that fails a build: one sentence with file and line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from kvlab.errors import KvlabError


class BookError(KvlabError):
    """A page, a page module or a words file is wrong; the message says where and what would be right."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that looks most like `name`, to end a sentence with."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return f"the nearest known name is {close[0]!r}" if close else "no name is known there yet"
