"""The words of the labs: `common.LANGUAGE.toml`, and a file for each lab; each language has the same keys."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from kvlab.files import flat_toml

LANGUAGES = ("en", "es")
# Which variables of the environment say a language, the first that is set; `es_MX.UTF-8` is Spanish.
VARIABLES = ("KVLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


class Words:
    """The words of one language, asked for by a dotted key that begins with the name of its file."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **given: str | int | float) -> str:
        """Return a sentence with what is given put in at its braces."""
        return _load(self.language)[key].format(**given)


def language_of(environment: Mapping[str, str]) -> str:
    """Return the language that an environment asks for; English where it names none that is here."""
    named = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    spoken = named[:2].lower()
    return spoken if spoken in LANGUAGES else "en"


@cache
def _load(language: str) -> dict[str, str]:
    words: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob(f"*.{language}.toml")):
        words |= flat_toml(path.read_text(encoding="utf-8"), f"{path.name.split('.')[0]}.")
    return words
