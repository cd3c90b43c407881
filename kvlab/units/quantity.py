"""A figure as somebody wrote it, and what it says: `131072`, `128 KiB`, `0.131 MB`, `0,131 MB`, `128Ki`.

The rules, which the script of the pages keeps as well (tests run both):

- `.` and `,` may each be the decimal mark or separate groups of three digits; a figure that can be read both ways has
  both readings. Spaces, apostrophes and low lines separate groups only.
- A figure says a number to within half a unit of its last digit; every digit written counts.
- It is right where the exact number is what it says, or comes to it by rounding and three digits are given. Without a
  unit, or with bytes as the unit, it must be exact; there zeros at its end may stand for digits that were left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from kvlab.errors import KvlabError
from kvlab.units import BINARY, DECIMAL

ENOUGH = 3  # significant digits
WRITTEN = re.compile(r"\s*[≈~]?\s*([.,]?[0-9](?:[0-9.,'’_\s]*[0-9])?)\s*([A-Za-z]*)\s*")
DECIMALS = re.compile(r"([0-9]*)(?:[.,]([0-9]+))?")
GROUPS = re.compile(r"([1-9][0-9]{0,2}([.,'’_\s])[0-9]{3}(?:\2[0-9]{3})*)(?:(?!\2)[.,]([0-9]+))?")
LONGEST = 60  # characters

# The power of 1000 or 1024 that a unit stands for, by its letters in lower case.
_BYTES = dict.fromkeys(("", "b", "byte", "bytes"), ("decimal", 0))
_DECIMAL = {unit.lower(): ("decimal", power) for power, unit in enumerate(DECIMAL) if power}
_BINARY = {unit.lower(): ("binary", power) for power, unit in enumerate(BINARY) if power}
UNITS = _BYTES | _DECIMAL | _BINARY | {unit.removesuffix("b"): meant for unit, meant in _BINARY.items()}
COUNTED = ("", "token", "tokens")


class Reading(NamedTuple):
    """One way to read a figure: `mantissa / 10^decimals`, of so many significant digits."""

    mantissa: int
    decimals: int
    digits: int


class Figure(NamedTuple):
    """A figure that has been read: its readings, and its unit as a power of a base, 1000 or 1024; of 1 for a count."""

    readings: tuple[Reading, ...]
    base: int
    power: int


class Verdict(NamedTuple):
    """What a figure is: `"right"`, `"few"` or `"inexact"` (right as far as it goes), `"wrong"`; mistakes that fit."""

    kind: str
    mistakes: tuple[str, ...] = ()


def read_figure(text: str, counted: bool = False) -> Figure:
    """Return the figure that a text spells out.

    Args:
        text: a number, and perhaps a unit.
        counted: whether it counts tokens or devices, and not bytes.

    Raises:
        KvlabError: it is not a number above 0, or its unit is unknown or could be two.
    """
    quoted = text if len(text) <= 40 else f"{text[:40]}…"
    match = WRITTEN.fullmatch(text) if len(text) <= LONGEST else None
    readings = _readings(match[1]) if match else ()
    if match is None or not readings:
        raise KvlabError(f"{quoted!r} is not a number above 0; write it like 131072 or 128 KiB")
    unit = match[2].lower()
    if counted:
        if unit not in COUNTED:
            raise KvlabError(f"{quoted!r} has the unit {match[2]!r}; write a plain number")
        return Figure(readings, 1, 0)
    if unit not in UNITS:
        candidates = [name for scale in (DECIMAL, BINARY) for name in scale if name != "B" and name[0].lower() == unit]
        choice = " or ".join(candidates) if candidates else ", ".join([*DECIMAL, *list(BINARY)[1:]])
        raise KvlabError(f"{quoted!r} has the unit {match[2]!r}; write {choice}{': they differ' if candidates else ''}")
    kind, power = UNITS[unit]
    return Figure(readings, 1024 if kind == "binary" else 1000, power)


def judge(figure: Figure, expected: int, mistaken: Mapping[str, int]) -> Verdict:
    """Return how a figure compares with the exact number.

    Args:
        figure: what was written.
        expected: the exact number.
        mistaken: what mistakes would give, by name. `"units"`, one unit's number with the other's name, is added.
    """
    judged = [_judged(reading, figure, expected, mistaken) for reading in figure.readings]
    kinds = [verdict.kind for verdict in judged]
    kind = next((kind for kind in ("right", "few", "inexact") if kind in kinds), "wrong")
    if kind == "right":
        return Verdict(kind)
    found = {name for verdict in judged for name in verdict.mistakes}
    return Verdict(kind, tuple(name for name in dict.fromkeys([*mistaken, "units"]) if name in found))


def _readings(number: str) -> tuple[Reading, ...]:
    found = []
    decimal = DECIMALS.fullmatch(number)
    if decimal:
        found.append(_reading(decimal[1], decimal[2] or ""))
    grouped = GROUPS.fullmatch(number)
    if grouped:
        found.append(_reading(re.sub(r"[^0-9]", "", grouped[1]), grouped[3] or ""))
    return tuple(reading for reading in found if reading.mantissa)


def _reading(whole: str, fraction: str) -> Reading:
    return Reading(int(whole + fraction), len(fraction), len((whole + fraction).lstrip("0")))


def _judged(reading: Reading, figure: Figure, expected: int, mistaken: Mapping[str, int]) -> Verdict:
    scale, is_plain = figure.base**figure.power, figure.power == 0
    last = _last_digit(reading) if is_plain else 1
    if reading.mantissa * scale == expected * 10**reading.decimals:
        return Verdict("right")
    mistakes = [name for name, value in mistaken.items() if _fits(reading, scale, value, last)]
    if any(_fits(reading, scale * up, expected * down, last) for up, down in _exchanged(figure, expected)):
        mistakes.append("units")
    if not _fits(reading, scale, expected, last):
        return Verdict("wrong", tuple(mistakes))
    if is_plain:
        return Verdict("inexact", tuple(mistakes))
    return Verdict("right") if reading.digits >= ENOUGH else Verdict("few", tuple(mistakes))


def _fits(reading: Reading, scale: int, value: int, last: int) -> bool:
    """Return whether a value comes to the reading by rounding at a digit that stands for `last` of its units."""
    return 2 * abs(value * 10**reading.decimals - reading.mantissa * scale) <= last * scale


def _last_digit(reading: Reading) -> int:
    """Return what the last nonzero digit stands for, in a figure without a unit."""
    written = str(reading.mantissa)
    return 1 if reading.decimals else 10 ** (len(written) - len(written.rstrip("0")))


def _exchanged(figure: Figure, expected: int) -> list[tuple[int, int]]:
    """Return by what a figure would have to be multiplied, and what it is compared with, had its unit been the other.

    Without a unit, it may be one of those in which the exact number is natural, written out with the other's factor.
    """
    if figure.base == 1:
        return []
    if figure.power:
        thousands, kibis = 1000**figure.power, 1024**figure.power
        return [(kibis, thousands) if figure.base == 1000 else (thousands, kibis)]
    power = max(power for power in range(len(BINARY)) if 1024**power <= max(expected, 1))
    return [(1024**power, 1000**power), (1000**power, 1024**power)] if power else []
