"""The words that stand in figures and generated tables: one TOML file a language, the same keys in each."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from figures_src.errors import BookError, nearest

LANGUAGES = ("en", "es")


class Words:
    """The words of one language, or of one section of it such as `cache_levels.`, asked for by a dotted key."""

    def __init__(self, language: str, section: str = "") -> None:
        self.language = language
        known = _load(language)
        self._words = {key: known[key] for key in known if key.startswith(section)} if section else known

    def __call__(self, key: str) -> str:
        """Return a word. Raises `BookError` that names the file and the nearest known key."""
        if key not in self._words:
            raise BookError(f"figures_src/words/{self.language}.toml: no word {key!r}; {nearest(key, self._words)}")
        return self._words[key]

    def __repr__(self) -> str:
        """Return all of them as one text: what a figure's drawing depends on."""
        return f"{self.language} {sorted(self._words.items())!r}"


@cache
def _load(language: str) -> dict[str, str]:
    path = Path(__file__).with_name(f"{language}.toml")
    try:
        return _flat(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise BookError(f"figures_src/words/{path.name}: {error}") from None


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    words: dict[str, str] = {}
    for key, entry in table.items():
        words |= _flat(entry, f"{prefix}{key}.") if isinstance(entry, dict) else {prefix + key: entry}
    return words
