"""Files written whole or not at all, and tables of words read from TOML."""

from __future__ import annotations

import os
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_atomically(path: Path, text: str, overwrite: bool = True) -> None:
    """Write a file so that nobody ever reads half of it; its folder is made if need be.

    Raises:
        FileExistsError: the file is there already, and `overwrite` is false.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).chmod(0o644)  # mkstemp makes it private
        if not overwrite:
            path.open("x").close()  # one step: nobody can create it between a look and the move
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def flat_toml(text: str, prefix: str = "") -> dict[str, str]:
    """Return the entries of a TOML text by dotted key, each with `prefix`. Raises `tomllib.TOMLDecodeError`."""
    return dict(_flat(tomllib.loads(text), prefix))


def _flat(table: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, entry in table.items():
        pairs += _flat(entry, f"{prefix}{key}.") if isinstance(entry, dict) else [(prefix + key, entry)]
    return pairs
