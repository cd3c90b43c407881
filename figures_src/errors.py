"""The error that fails a build: one sentence with file and line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import TypeVar

from kvlab.errors import KvlabError

T = TypeVar("T")


class BookError(KvlabError):
    """A page, a page module or a words file is wrong; the message says where and what would be right."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name that looks most like `name`, to end a sentence with."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return f"the nearest known name is {close[0]!r}" if close else "no name is known there yet"


def guarded(work: Callable[[], T], failure: type[Exception]) -> T:
    """Run `work`; an error of ours becomes a `failure`, which a site generator prints as a sentence."""
    try:
        return work()
    except SyntaxError as error:
        raise failure(f"{error.filename}:{error.lineno}: {error.msg}") from None
    except KvlabError as error:
        raise failure(str(error)) from None
