"""No number is typed: what a page says in digits, or in words of a quantity, comes from a token, or the build fails.

Looked at is all that a reader reads, mathematics included. Left out is what states nothing: code, link targets, ids,
the numbers of a list. Names with digits in them are allowed one by one, those of models and processors by the catalog.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from figures_src.markup.directives import DIRECTIVE
from figures_src.markup.tokens import TOKEN
from kvlab import catalog

_UNSAID = (
    re.compile(r"^(`{3,}|~{3,}).*?^\1 *$", re.MULTILINE | re.DOTALL),  # fenced code
    re.compile(r"`[^`\n]+`"),  # inline code
    re.compile(r"(?<=\]\()[^)\s]*"),  # the target of a link; its text and its title stay
    re.compile(r"[#.][a-z][\w-]*(?=[^{}\n]*\})"),  # ids and classes, as attribute lists write them
    re.compile(r"\b(?:href|src|id|class)=(?:\"[^\"\n]*\"|'[^'\n]*')"),  # the same in HTML; what is read stays
    re.compile(r"</?h[1-6]\b"),  # names of tags
    TOKEN,
    DIRECTIVE,
    re.compile(r"^ *\d{1,2}\. ", re.MULTILINE),  # the number of an item in a list
)

# Names that are written with a digit. Each is matched whole, so that no figure slips in after one.
_NAMES = (
    r"GPT-[23]|Mistral-7B",
    r"fp(?:8|16|32)|bf16|int8|float(?:16|32|64)",
    r"L[123]|L1d",
    r"q[48]_0",
    r"UTF-8|SHA-256",
    r"arXiv[ :]\d{4}\.\d{5}",
    r"et al\.,? \(?(?:19|20)\d\d\)?",
)


# Numbers in words, and the nouns of what is counted or measured here: "two layers" is a result as "2 layers" is.
_IN_WORDS = {
    "en": (
        "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|"
        "ninety|hundreds?|thousands?|million|billion",
        "tokens?|layers?|heads?|slots?|bytes?|sequences?|prompts?|steps?|devices?|nats?|requests?|texts?|times|passes|"
        "flops?|elements?|models?|positions?|rounds?|seconds|minutes|parameters",
    ),
    "es": (
        "dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|veinte|treinta|cuarenta|cincuenta|sesenta|setenta|"
        "ochenta|noventa|cien|cientos|mil|miles|mill[oó]n|millones",
        "tokens?|capas?|cabezas?|huecos?|bytes?|secuencias?|prompts?|pasos?|dispositivos?|nats?|peticiones|textos?|"
        "veces|pases|flops?|elementos?|modelos?|posiciones|rondas?|segundos|minutos|par[aá]metros",
    ),
}
# What no result can change: definitions, factors of a formula, Spanish for "twice", the size by which people call a
# model, and what is only asked or quoted: headings, questions, sentences of others.
_BY_DEFINITION = re.compile(
    r"\b(?:two|four|dos|cuatro) FLOPs?\b|\btwo (?:bytes|texts|elements)\b|\bdos (?:bytes|textos|elementos|veces)\b|"
    r"\bpower of two\b|\bpotencia de dos\b|\bbillion parameters\b|\bmillones de par|"
    r"\w+ (?:times|veces) (?:\$|its\b|su\b)|^#.*$|^ *[?!]{3}\+? .*$|“[^”\n]*”|«[^»\n]*»|\"[^\"\n]*\"",
    re.MULTILINE | re.IGNORECASE,
)


class Typed(NamedTuple):
    """A typed number: the line on which it stands, and the word that holds it."""

    line: int
    word: str


_DIGITS = re.compile(r"[^\s]*[\d\u00b2\u00b3\u00b9\u2070-\u2089\u00bc-\u00be\u2150-\u215e]\S*")


def typed_numbers(text: str, language: str) -> list[Typed]:
    """Return the numbers that are typed in a page's Markdown, its front matter included."""
    said = text
    for pattern in (*_UNSAID, _known_names()):
        said = pattern.sub(_blank, said)
    numbers, nouns = _IN_WORDS[language]
    words = re.compile(rf"\b(?:{numbers})\s+(?:[^\s\d.,;:]+\s+)?(?:{nouns})\b", re.IGNORECASE)
    stated = _BY_DEFINITION.sub(_blank, said)
    return [
        Typed(text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()))
        for text, pattern in ((said, _DIGITS), (stated, words))
        for match in pattern.finditer(text)
    ]


def _known_names() -> re.Pattern[str]:
    entries = [model.name for model in catalog.all_models()]
    entries += [processor.name for processor in catalog.processors()]
    entries += [accelerator.name for accelerator in catalog.accelerators()]
    names = "|".join([*(re.escape(name) for name in sorted(entries, key=len, reverse=True)), *_NAMES])
    return re.compile(rf"(?<![\w.,])(?:{names})(?![\w]|[.,]\d)")


def _blank(match: re.Match[str]) -> str:
    """Return as many lines as the match had, so that line numbers stay."""
    return "\n" * match[0].count("\n") or " "
