"""Lab 03's CSV: a header that names columns and their units, and a row for each context and round, read line by line.

    context_tokens,memory_B,cached_us,uncached_us
    32,32768,131.4,742.0
    64,65536,135.9,1288.7

The columns stand in any order. Rows of the same context are rounds of one measurement, in the order they were taken.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from kvlab.labs.lab import Finding
from kvlab.units import BINARY, DECIMAL

QUANTITIES = ("context", "memory", "cached", "uncached")
# What one of each unit is: tokens, bytes, and for times nanoseconds, so that all of them are whole numbers.
TIMES = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
SIZES = {**DECIMAL, **BINARY}
UNITS = {"context": {"tokens": 1}, "memory": SIZES, "cached": TIMES, "uncached": TIMES}

NUMBER = re.compile(r"([0-9]{1,30})(?:\.([0-9]{1,30}))?(?:[eE]([+-]?[0-9]{1,2}))?", re.ASCII)


def seen(name: str, **given: str | int | float) -> Finding:
    """Return what was seen, to be said in the words of this lab."""
    return Finding(f"lab_03.seen.{name}", given)


class MalformedError(Exception):
    """A file that cannot be read as measurements.

    Attributes:
        finding: which line, and what is wrong with it.
    """

    def __init__(self, name: str, **given: str | int | float) -> None:
        super().__init__(name)
        self.finding = seen(name, **given)


class Written(NamedTuple):
    """A number as it was written: its value, and half a unit of its last digit."""

    value: Fraction
    half_digit: Fraction


@dataclass(frozen=True)
class Column:
    """One quantity as the file gives it.

    Attributes:
        unit: as its header says.
        cells: one a row.
    """

    unit: str
    cells: tuple[Written, ...]

    def scaled(self, quantity: str) -> tuple[Fraction, ...]:
        """Return the values in tokens, bytes or nanoseconds."""
        return tuple(cell.value * UNITS[quantity][self.unit] for cell in self.cells)


@dataclass(frozen=True)
class Measurements:
    """The columns of the file, by quantity.

    Attributes:
        columns: for each of `QUANTITIES`.
        lines: the line of each row in the file.
    """

    columns: dict[str, Column]
    lines: tuple[int, ...]

    @property
    def contexts(self) -> tuple[int, ...]:
        """Tokens, ascending, each once."""
        return tuple(sorted({int(value) for value in self.columns["context"].scaled("context")}))

    def rounds(self, quantity: str) -> dict[int, tuple[Fraction, ...]]:
        """Return the values of each context, ascending, in bytes or nanoseconds."""
        values = self.columns[quantity].scaled(quantity)
        rows = list(zip(self.columns["context"].scaled("context"), values, strict=True))
        return {context: tuple(value for at, value in rows if at == context) for context in self.contexts}

    def with_unit(self, quantity: str, unit: str) -> Measurements:
        """Return the same numbers, one column of them read in another unit."""
        return replace(self, columns={**self.columns, quantity: replace(self.columns[quantity], unit=unit)})

    def with_exchanged(self, one: str, other: str) -> Measurements:
        """Return the same file with the headers of two columns exchanged, units included."""
        first, second = self.columns[one], self.columns[other]
        if UNITS[one] is UNITS[other]:
            return replace(self, columns={**self.columns, one: second, other: first})
        cells = {one: replace(first, cells=second.cells), other: replace(second, cells=first.cells)}
        return replace(self, columns={**self.columns, **cells})


def read(content: bytes) -> Measurements:
    """Return what a file says.

    Raises:
        MalformedError: no text, no header, a column that is missing, twice there or unknown, or without a known unit,
            a row of another length, or a cell that is not a number above 0.
    """
    rows = _rows(_text(content))
    if not rows:
        raise MalformedError("empty")
    (header_line, header), *body = rows
    if len(header) == 1:
        raise MalformedError("separator", line=header_line)
    places = _places(header_line, header)
    if not body:
        raise MalformedError("no_rows")
    for line, cells in body:
        if len(cells) != len(header):
            raise MalformedError("cells", line=line, found=len(cells), expected=len(header))
    columns = {
        quantity: Column(unit, tuple(_number(line, header[place], cells[place]) for line, cells in body))
        for quantity, (place, unit) in places.items()
    }
    return Measurements(columns, tuple(line for line, _ in body))


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")  # a spreadsheet writes a mark of its own in front
    except UnicodeDecodeError as error:
        raise MalformedError("encoding", line=content.count(b"\n", 0, error.start) + 1) from None


def _rows(text: str) -> list[tuple[int, list[str]]]:
    """Return the lines that say something, with their numbers, cut into cells."""
    rows = []
    for line, written in enumerate(re.split("\r\n|\n|\r", text), start=1):
        if written.strip():
            try:
                rows.append((line, [cell.strip() for cell in next(csv.reader([written], strict=True))]))
            except csv.Error:
                raise MalformedError("quotes", line=line) from None
    return rows


def _places(line: int, header: list[str]) -> dict[str, tuple[int, str]]:
    """Return where each quantity stands, and in which unit."""
    places: dict[str, tuple[int, str]] = {}
    for place, name in enumerate(header):
        quantity, _, unit = name.replace("µ", "u").replace("μ", "u").partition("_")
        if quantity not in QUANTITIES:
            raise MalformedError("unknown_column", line=line, column=_short(name))
        known = ", ".join(f"{quantity}_{each}" for each in UNITS[quantity])
        if unit not in UNITS[quantity]:
            raise MalformedError("unknown_unit", line=line, column=_short(name), known=known)
        if quantity in places:
            raise MalformedError("twice", line=line, quantity=quantity)
        places[quantity] = (place, unit)
    for quantity in QUANTITIES:
        if quantity not in places:
            known = ", ".join(f"{quantity}_{each}" for each in UNITS[quantity])
            raise MalformedError("missing_column", line=line, quantity=quantity, known=known)
    return places


def _number(line: int, column: str, cell: str) -> Written:
    match = NUMBER.fullmatch(cell)
    digits = match and match[1] + (match[2] or "")
    if match is None or not digits or not int(digits):
        raise MalformedError("no_number", line=line, column=column, cell=_short(cell))
    digit = Fraction(10) ** (int(match[3] or 0) - len(match[2] or ""))
    return Written(int(digits) * digit, digit / 2)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
