"""Bytes and their multiples: the only place that divides by 10^9 or by 2^30.

A size stays an integer number of bytes until it is shown. GB and GiB are two units, 7.4 % apart, and are never
mixed: `1 GB = 10^9 B` (SI), `1 GiB = 2^30 B` (IEC 80000-13).
"""

from __future__ import annotations

import re
from fractions import Fraction

from kvlab.errors import KvlabError

DECIMAL = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BINARY = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

# Bytes of one stored element, of those formats that store each by itself.
BYTES_PER_ELEMENT = {"fp32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int8": 1}


def rounded(number: Fraction) -> int:
    """Return the nearest integer; of two as near, the one further from zero, as people round."""
    nearest = (2 * abs(number) + 1) // 2
    return nearest if number >= 0 else -nearest


def in_unit(size_bytes: int, unit: str) -> Fraction:
    """Return `size_bytes` in `unit`, exactly. Raises `KvlabError` for a unit that is not in `DECIMAL` or `BINARY`."""
    scale = {**DECIMAL, **BINARY}.get(unit)
    if scale is None:
        raise KvlabError(f"unknown unit {unit!r}; known are {', '.join([*DECIMAL, *list(BINARY)[1:]])}")
    return Fraction(size_bytes, scale)


def natural_unit(size_bytes: int, scale: dict[str, int]) -> str:
    """Return the largest unit of `scale` (`DECIMAL` or `BINARY`) in which the size is at least one."""
    fitting = [unit for unit, factor in scale.items() if abs(size_bytes) >= factor]
    return fitting[-1] if fitting else "B"


def parse_size(written: str) -> int:
    """Return the bytes of a size as people type it: `"24GB"`, `"24 GiB"`, `"1.5TiB"`, `"4096B"`.

    Raises:
        KvlabError: no unit, one that could mean either of two (`24G`), no positive number, or no whole bytes.
    """
    match = re.fullmatch(r"\s*([0-9]{1,30}(?:\.[0-9]{1,30})?)\s*([A-Za-z]*)\s*", written, re.ASCII)
    quoted = written if len(written) <= 40 else f"{written[:40]}…"
    if match is None:
        raise KvlabError(f"{quoted!r} is not a size; write a number and its unit, such as 24GB or 24GiB")
    number, unit = match.groups()
    known = {**DECIMAL, **BINARY}
    if unit not in known:
        prefix = unit[:1].upper() if unit[:1].upper() in ("K", "M", "G", "T") else "G"
        candidates = [name for name in known if len(name) > 1 and name[0].upper() == prefix]
        choice = " or ".join(f"{number}{name}" for name in candidates)
        raise KvlabError(f"{quoted!r} has {f'the unit {unit!r}' if unit else 'no unit'}; write {choice}: they differ")
    size = Fraction(number) * known[unit]
    if size.denominator != 1 or size < 1:
        raise KvlabError(f"{quoted!r} is not a whole number of bytes, at least 1")
    return int(size)


def both_units(size_bytes: int) -> str:
    """Return a size for people, in decimal and binary units from one value: `1.07 GB (1 GiB)`."""
    decimal, binary = natural_unit(size_bytes, DECIMAL), natural_unit(size_bytes, BINARY)
    if binary == "B":
        return f"{size_bytes:,} B"
    return f"{_shown_in(size_bytes, decimal)} ({_shown_in(size_bytes, binary)})"


def in_decimal(quantity: int, unit: str) -> str:
    """Return a quantity for people in a unit with a decimal prefix: `1,555 GB`, `165.15 TFLOP`."""
    scale = DECIMAL[f"{unit[0]}B"]
    return f"{float(Fraction(quantity, scale)):,.10g} {unit}"


def bytes_per_element(dtype: str) -> int:
    """Return the bytes of one element of `dtype`. Raises `KvlabError` that lists the known ones."""
    if dtype not in BYTES_PER_ELEMENT:
        raise KvlabError(f"unknown dtype {dtype!r}; known are {', '.join(BYTES_PER_ELEMENT)}")
    return BYTES_PER_ELEMENT[dtype]


def ratio(numerator: int, denominator: int) -> int | float:
    """Return `numerator / denominator`: an integer where the division leaves no rest, else the nearest float.

    Raises `KvlabError` when the denominator is zero.
    """
    if denominator == 0:
        raise KvlabError("a ratio needs a denominator other than 0")
    quotient, rest = divmod(numerator, denominator)
    return quotient if rest == 0 else numerator / denominator


def nearest(quantity: float) -> int:
    """Return the whole number nearest to a measured or published quantity, so that it can be shown in a unit."""
    return rounded(Fraction(quantity))


def _shown_in(size_bytes: int, unit: str) -> str:
    # By integers: a float would overflow, and round a second time.
    whole, hundredths = divmod(rounded(in_unit(size_bytes, unit) * 100), 100)
    return f"{f'{whole:,}.{hundredths:02d}'.rstrip('0').rstrip('.')} {unit}"
