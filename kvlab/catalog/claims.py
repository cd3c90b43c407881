"""Claims that are easily made, each with the number that it names, and the rule by which a computed answer judges it.

A number *holds* when it is the computed one, and holds *rounded* when it misses it by a twentieth at most. A bound
holds when the computed number keeps it, and a word when it is the computed one. A claim of several parts that are all
asserted at once holds as far as its worst part does; one that is made without a condition, and looked at in several
cases, *depends* where it holds in some of them and in others not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from kvlab.catalog.entries import read_data
from kvlab.errors import KvlabError
from kvlab.units import BINARY, DECIMAL

ROUNDING = Fraction(1, 20)
HOLDS, ROUNDED, FALSE, DEPENDS = "holds", "rounded", "false", "depends"

Answer = int | float | str


@dataclass(frozen=True)
class Claim:
    """A claim.

    Attributes:
        name: by which pages ask for it.
        claimed: what it says, as it is said: a number with its unit, or a word; one for all parts, or one for each.
        compare: `"equal"`, `"at least"`, `"at most"` (of numbers), or `"same word"`.
        parts: `"all"` where every part is asserted, or `"cases"` where these are circumstances that it leaves open.
    """

    name: str
    claimed: tuple[str, ...]
    compare: str
    parts: str

    def said(self, part: int) -> str:
        """Return what is said of a part."""
        return self.claimed[0] if len(self.claimed) == 1 else self.claimed[part]


@cache
def claims() -> dict[str, Claim]:
    """Return the claims by name."""
    entries = (Claim(**(entry | {"claimed": tuple(entry["claimed"])})) for entry in read_data("claims.json"))
    return {claim.name: claim for claim in entries}


def claimed(claim: str, part: int) -> Answer:
    """Return what a claim says of one of its parts: a size in bytes, a share, a number or a word.

    Raises:
        KvlabError: no such claim.
    """
    said = _claim(claim).said(part)
    if _claim(claim).compare == "same word":
        return said
    number = _number(said)
    return int(number) if number.denominator == 1 else float(number)


def said(claim: str, part: int) -> str:
    """Return what a claim says of one of its parts as it says it. Raises `KvlabError` where there is no such claim."""
    return _claim(claim).said(part)


def part_verdict(claim: str, part: int, computed: Answer) -> str:
    """Return how one part of a claim stands: `"holds"`, `"rounded"` or `"false"`.

    Raises:
        KvlabError: no such claim, or a number is compared with a word.
    """
    said, compare = _claim(claim).said(part), _claim(claim).compare
    if isinstance(computed, str) != (compare == "same word"):
        raise KvlabError(f"{claim!r} says {said!r}, which cannot be compared with {computed!r}")
    if isinstance(computed, str):
        return HOLDS if computed == said else FALSE
    number, answer = _number(said), Fraction(computed)
    if compare == "equal" and number != answer:
        return ROUNDED if abs(number - answer) <= ROUNDING * abs(answer) else FALSE
    holds = {"equal": number == answer, "at least": answer >= number, "at most": answer <= number}
    return HOLDS if holds[compare] else FALSE


def verdict(claim: str, computed: Sequence[Answer]) -> str:
    """Return how a claim stands: `"holds"`, `"rounded"`, `"false"`, or `"depends"`.

    Raises:
        KvlabError: as of `part_verdict`, or there are not as many answers as the claim has parts.
    """
    n_claimed = len(_claim(claim).claimed)
    if not computed or n_claimed not in (1, len(computed)):
        raise KvlabError(f"{claim!r} says {n_claimed} things, and {len(computed)} are computed")
    found = [part_verdict(claim, part, answer) for part, answer in enumerate(computed)]
    if FALSE not in found:
        return ROUNDED if ROUNDED in found else HOLDS
    some_hold = found.count(FALSE) < len(found)
    return DEPENDS if some_hold and _claim(claim).parts == "cases" else FALSE


def exponent(count: int, count_at_twice: int) -> float:
    """Return the power with which a count grows: the binary logarithm of what doubling its argument multiplies it by.

    Raises `KvlabError` where a count is not above 0.
    """
    if min(count, count_at_twice) <= 0:
        raise KvlabError(f"from {count} to {count_at_twice} nothing grows with a power")
    return math.log2(count_at_twice / count)


def tally(verdicts: Sequence[str], verdict: str) -> int:
    """Return how many of the verdicts are this one."""
    return list(verdicts).count(verdict)


def rounding() -> float:
    """Return the share by which a number may miss what is computed and still hold, rounded."""
    return float(ROUNDING)


def _claim(name: str) -> Claim:
    if name not in claims():
        raise KvlabError(f"unknown claim {name!r:.60}; known are {', '.join(claims())}")
    return claims()[name]


def _number(said: str) -> Fraction:
    """Return a number as it is said, a size in bytes: `"0.5 MB"` is 500,000, `"32 %"` is 0.32."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?: (\S+))?", said)
    sizes = {unit: Fraction(size) for unit, size in {**DECIMAL, **BINARY}.items()}
    units = {"": Fraction(1), "%": Fraction(1, 100)} | sizes
    if match is None or (match[2] or "") not in units:
        raise KvlabError(f"{said!r} is not a number with a known unit")
    return Fraction(match[1]) * units[match[2] or ""]
