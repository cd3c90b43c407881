"""Bytes and their multiples: the only place that divides by 10^9 or by 2^30.

A size stays an integer number of bytes until it is shown. GB and GiB are two units, 7.4 % apart, and are never
mixed: `1 GB = 10^9 B` (SI), `1 GiB = 2^30 B` (IEC 80000-13).
"""

from __future__ import annotations

from fractions import Fraction

from kvlab.errors import KvlabError

DECIMAL = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BINARY = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

# Bytes of one stored element.
BYTES_PER_ELEMENT = {"fp32": 4, "fp16": 2, "bf16": 2}


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


def both_units(size_bytes: int) -> str:
    """Return a size for people, in decimal and binary units from one value: `1.07 GB (1 GiB)`."""
    decimal, binary = natural_unit(size_bytes, DECIMAL), natural_unit(size_bytes, BINARY)
    if binary == "B":
        return f"{size_bytes:,} B"
    return f"{_shown_in(size_bytes, decimal)} ({_shown_in(size_bytes, binary)})"


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


def given(quantity: int) -> int:
    """Return `quantity` as it is: an input that a page chose (a batch, a context), not a result."""
    return quantity


def _shown_in(size_bytes: int, unit: str) -> str:
    # By integers: a float would overflow, and round a second time.
    whole, hundredths = divmod(round(in_unit(size_bytes, unit) * 100), 100)
    return f"{f'{whole:,}.{hundredths:02d}'.rstrip('0').rstrip('.')} {unit}"
