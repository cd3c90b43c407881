"""The `<data>` element: a computed number, with its exact result and the call that gave it."""

from __future__ import annotations

from figures_src.declared.page import Shown
from figures_src.declared.values import Value
from figures_src.markup.renderer import Cell
from figures_src.words import Words, numbers


def data_attributes(value: Value, format: str, language: str) -> dict[str, str]:
    """Return the attributes of a `<data>` element: the exact result, where it comes from, its formula, its format."""
    origin = Words(language)("book.chosen") if value.chosen else value.origin
    attributes = {"class": "kv kv-chosen" if value.chosen else "kv", "value": repr(value.result), "data-from": origin}
    if value.formula is not None:
        attributes["data-formula"] = value.formula
    if format:
        attributes["data-format"] = format
    return attributes


def table_cell(cell: str | Shown, language: str) -> Cell:
    """Return a table's cell in a language: text as it is, or a value in its format."""
    if isinstance(cell, str):
        return Cell(cell)
    result = cell.value.result
    text = cell.word or numbers.show(result, cell.format, language)
    attributes = data_attributes(cell.value, "named" if cell.word else cell.format, language)
    return Cell(text, attributes, not isinstance(result, str), cell.mark)
