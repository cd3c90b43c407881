"""What models and devices have in common: names that people spell in many ways, and numbers looked up by field."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kvlab.errors import KvlabError

HERE = Path(__file__).parent


def read_data(name: str) -> Any:
    """Return the contents of a data file of the catalog."""
    return json.loads((HERE / name).read_text(encoding="utf-8"))


def folded(name: str) -> str:
    """Return a name without what people write or leave out: case, spaces, hyphens, underscores."""
    return name.casefold().translate(str.maketrans("", "", " -_"))


def unknown(what: str, name: str, known: Iterable[str], lister: str) -> KvlabError:
    """Return the error for a name that is not known: with those that are close, or else the first few."""
    names, spelled = {folded(one): one for one in known}, folded(name[:100])
    close = [one for one in names if spelled and one.startswith(spelled)]
    close = close or difflib.get_close_matches(spelled, names, n=3, cutoff=0.5)
    nearest = [names[one] for one in close[:3]] or list(names.values())[:3]
    return KvlabError(f"unknown {what} {name[:100]!r}; known are {', '.join(nearest)} and others: see {lister}")
