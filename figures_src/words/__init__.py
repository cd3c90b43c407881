"""The words that stand in figures and generated tables: one TOML file a language, the same keys in each."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from figures_src.errors import BookError, nearest
from kvlab.files import flat_toml

LANGUAGES = ("en", "es")
# The words asked for since it was last emptied, by language and key: what the page being rendered depends on.
asked: dict[tuple[str, str], str] = {}


class Words:
    """The words of one language, or of one section of it such as `cache_levels.`, asked for by a dotted key."""

    def __init__(self, language: str, section: str = "") -> None:
        self.language = language
        known = _load(language)
        self._words = {key: known[key] for key in known if key.startswith(section)} if section else known
        if section:  # its reader depends on all of it, by the text below
            asked.update({(language, key): word for key, word in self._words.items()})

    def __call__(self, key: str) -> str:
        """Return a word. Raises `BookError` that names the file and the nearest known key."""
        if key not in self._words:
            raise BookError(f"figures_src/words/{self.language}.toml: no word {key!r}; {nearest(key, self._words)}")
        word = asked[self.language, key] = self._words[key]
        return word

    def __repr__(self) -> str:
        """Return all of them as one text: what a figure's drawing depends on."""
        return f"{self.language} {sorted(self._words.items())!r}"


def are_still(words: dict[tuple[str, str], str]) -> bool:
    """Return whether words that were asked for, by language and key, are what they were."""
    return all(_load(language).get(key) == word for (language, key), word in words.items())


@cache
def _load(language: str) -> dict[str, str]:
    path = Path(__file__).with_name(f"{language}.toml")
    try:
        claims = flat_toml(path.with_name("claims.toml").read_text(encoding="utf-8"), "claim.")
        own = {key.removesuffix(f".{language}"): said for key, said in claims.items() if key.endswith(f".{language}")}
        return flat_toml(path.read_text(encoding="utf-8")) | own
    except tomllib.TOMLDecodeError as error:
        raise BookError(f"figures_src/words/{path.name}: {error}") from None
