"""Fields: what the reader fills in. The page carries what is right, and what usual mistakes give; lab.js compares.

Without the script each is a line to write on, on the screen and on paper.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable

from figures_src.declared.page import Field, Page
from figures_src.words import Words
from kvlab.units.quantity import LONGEST

# What the script says, next to a sentence for each mistake that the page's fields know.
FAULTS = ("unreadable", "unit", "two_units", "plain")
VERDICTS = ("right", "mark_it", "unmark_it", "few", "inexact", "uncounted", "wrong", "unexplained")
AROUND = ("if", "also", "or", "hypothetical", "progress", "not_kept", "sure")
WORDS = (*FAULTS, *VERDICTS, *AROUND)


def blank(name: str, field: Field, words: Words) -> Callable[[str], str]:
    """Return what makes a field's HTML of its label; one that stands in a page's text has its label next to it."""
    # Its label and the tick next to it are not what anybody searches for.
    return lambda label: (
        f'<span class="kv-field" data-search-exclude{_attributes({"data-name": name, **_answers(field)})}>'
        f"{_entry(name, field, label)}{_tick(field, label, words)}</span>"
    )


def words_of(page: Page, words: Words) -> str:
    """Return the element from which the script takes its words; nothing for a page without fields."""
    if not page.fields:
        return ""
    mistakes = dict.fromkeys(name for field in page.fields.values() if field.mistaken for name in field.mistaken.result)
    said = {f"data-{word}": words(f"lab.{word}") for word in (*WORDS, *(f"mistake_{name}" for name in mistakes))}
    return f'<template id="kv-lab"{_attributes(said)}></template>'


def _entry(name: str, field: Field, label: str) -> str:
    names = {"id": f"field-{name.replace('_', '-')}", "name": name, **({"aria-label": label} if label else {})}
    if field.expected is None:
        return f'<textarea{_attributes(names)} rows="5"></textarea>'
    told = f"{names['id']}-told"
    entry = {**names, "maxlength": str(LONGEST), "autocomplete": "off", "spellcheck": "false", "aria-describedby": told}
    return f'<input type="text"{_attributes(entry)}><output{_attributes({"id": told, "for": names["id"]})}></output>'


def _tick(field: Field, label: str, words: Words) -> str:
    if field.beyond is None:
        return ""
    word = words("lab.hypothetical")
    return (
        f'<label><input type="checkbox"{_attributes({"aria-label": f"{word}: {label}"})}> {html.escape(word)}</label>'
    )


def _answers(field: Field) -> dict[str, str]:
    """Return the exact number and those of mistakes as attributes: as text, since a script's numbers would round."""
    if field.expected is None:
        return {}
    mistaken = field.mistaken.result if field.mistaken else {}
    answers = {
        "data-expected": str(field.expected.result),
        "data-mistaken": json.dumps({name: str(number) for name, number in mistaken.items()}),
    }
    if field.counted:
        answers["data-counted"] = "yes"
    if field.beyond is not None:
        answers["data-beyond"] = "yes" if field.beyond.result else "no"
    return answers


def _attributes(named: dict[str, str]) -> str:
    return "".join(f' {name}="{html.escape(text)}"' for name, text in named.items())
