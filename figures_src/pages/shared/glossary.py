"""The glossary: the terms of the book in both languages, read from `words/glossary.toml`, and as entries of a page."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from figures_src.declared.page import Detail, Entry, Foreign
from figures_src.words import LANGUAGES, Words
from figures_src.words.addresses import twin_language

PATH = Path(__file__).parents[2] / "words" / "glossary.toml"


@dataclass(frozen=True)
class Term:
    """A term.

    Attributes:
        id: by which the page of either language links to it.
        names: by language.
        meanings: one sentence in each language.
        gender: of the Spanish noun, `"f"` or `"m"`; empty where no writer would doubt.
        avoided: what Spanish pages do not say instead.
        reasons: why, by language; empty where it goes without saying.
        patterns: by language, by which a text without accents is searched for it.
    """

    id: str
    names: dict[str, str]
    meanings: dict[str, str]
    gender: str
    avoided: tuple[str, ...]
    reasons: dict[str, str]
    patterns: dict[str, str]

    def stands_in(self, text: str, language: str) -> bool:
        """Tell whether a text of a language uses the term, in singular or plural."""
        return re.search(rf"\b(?:{self.patterns[language]})\b", plain(text), re.IGNORECASE) is not None


@dataclass(frozen=True)
class Avoided:
    """Words that no Spanish page uses, and why."""

    words: tuple[str, ...]
    reasons: dict[str, str]

    def found_in(self, text: str) -> list[str]:
        """Return those of them that a text uses."""
        return [word for word in self.words if re.search(rf"\b{re.escape(plain(word))}\b", plain(text), re.IGNORECASE)]


@cache
def terms() -> tuple[Term, ...]:
    """Return the terms, in the order of the file."""
    return tuple(_term(id, entry) for id, entry in _data().items() if isinstance(entry, dict))


@cache
def avoided() -> tuple[Avoided, ...]:
    """Return what Spanish pages avoid: what stands for a term, and other words."""
    others = (Avoided(tuple(entry["es"]), _by_language(entry, "why")) for entry in _data()["avoid"])
    return (*(Avoided(term.avoided, term.reasons) for term in terms() if term.avoided), *others)


def entries(words: Words) -> list[Entry]:
    """Return the terms as entries of a page, in the alphabetical order of its language."""
    ordered = sorted(terms(), key=lambda term: plain(term.names[words.language]).casefold())
    return [Entry(term.id, term.names[words.language], _details(term, words)) for term in ordered]


def plain(text: str) -> str:
    """Return a text without accents: a plural may lose one (*normalización*, *normalizaciones*)."""
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


def _details(term: Term, words: Words) -> list[Detail]:
    other = twin_language(words.language)
    gender = f", {words(f'glossary.{term.gender}')}" if term.gender else ""
    translation: Detail = [Foreign(term.names[other], other), gender]
    details = [translation, [term.meanings[words.language]]]
    if term.avoided:
        details.append(_not(term, words))
    return details


def _not(term: Term, words: Words) -> Detail:
    """Return what is not said instead, and why."""
    said: list[str | Foreign] = [words("glossary.not")]
    for place, word in enumerate(term.avoided):
        said += [", " if place else " ", Foreign(word, "es")]
    reason = term.reasons[words.language]
    return [*said, f". {reason}" if reason else "."]


def _term(id: str, entry: dict[str, Any]) -> Term:
    names = _by_language(entry, "")
    return Term(
        id=id,
        names=names,
        meanings=_by_language(entry, "means"),
        gender=entry.get("gender", ""),
        avoided=tuple(entry.get("avoid_es", ())),
        reasons=_by_language(entry, "why"),
        patterns={lang: entry.get(f"find_{lang}", _inflected(names[lang])) for lang in LANGUAGES},
    )


def _by_language(entry: dict[str, Any], field: str) -> dict[str, str]:
    return {language: entry.get(f"{field}_{language}".lstrip("_"), "") for language in LANGUAGES}


def _inflected(name: str) -> str:
    """Return the pattern of a term each of whose words may stand in the plural."""
    return " ".join(rf"{re.escape(word.removesuffix('s'))}(?:e?s)?" for word in plain(name).split())


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))
