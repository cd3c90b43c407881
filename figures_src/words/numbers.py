"""A result as text in a page's language: `131,072 B` in English, `131 072 B` in Spanish.

English groups thousands from four digits on with a comma. Spanish groups from five digits on with a narrow no-break
space and writes a decimal comma (RAE, Ortografía 2010). Both join number and unit by a no-break space.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from figures_src.errors import BookError, nearest
from kvlab.units import BINARY, DECIMAL, in_unit, natural_unit, rounded

NBSP, NARROW_NBSP, MINUS = "\u00a0", "\u202f", "\u2212"


class Style(NamedTuple):
    """How a language writes numbers: separators, the digits from which it groups, what stands before a percent sign.

    Attributes:
        words: the numbers from 0 to 12; `feminine` is that for 1 with a feminine noun.
        shares: the word for a share, such as a third.
    """

    group: str
    decimal: str
    group_from: int
    before_percent: str
    words: tuple[str, ...]
    feminine: str
    shares: dict[Fraction, str]


def _shares(written: str) -> dict[Fraction, str]:
    return {Fraction(share): name for share, _, name in (one.partition(" ") for one in written.split(", "))}


NUMBERS_EN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBERS_ES = ("cero", "un", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce")
SHARES_EN = _shares(
    "1/2 half, 1/3 a third, 2/3 two thirds, 1/4 a quarter, 3/4 three quarters, 1/5 a fifth, 1/6 a sixth, "
    "1/7 a seventh, 1/8 an eighth, 1/9 a ninth, 1/10 a tenth"
)
SHARES_ES = _shares(
    "1/2 la mitad, 1/3 un tercio, 2/3 dos tercios, 1/4 un cuarto, 3/4 tres cuartos, 1/5 un quinto, 1/6 un sexto, "
    "1/7 un séptimo, 1/8 un octavo, 1/9 un noveno, 1/10 un décimo"
)
STYLES = {
    "en": Style(",", ".", 4, "", NUMBERS_EN, "one", SHARES_EN),
    "es": Style(NARROW_NBSP, ",", 5, NBSP, NUMBERS_ES, "una", SHARES_ES),
}


def show(result: object, style_of: str, language: str) -> str:
    """Return `result` as text.

    Args:
        result: what a function of kvlab returned: an integer, a float, a text.
        style_of: a key of `FORMATS`; empty for a number or a text as it is.
        language: a key of `STYLES`.

    Raises:
        BookError: an unknown format, or one that does not fit the result.
    """
    if style_of not in FORMATS:
        raise BookError(f"unknown format {style_of!r}; {nearest(style_of, FORMATS)}")
    try:
        return FORMATS[style_of](result, STYLES[language])
    except TypeError:
        raise BookError(f"the format {style_of!r} does not fit {result!r}") from None


def to_latex(shown: str) -> str:
    r"""Return a shown number as LaTeX: `131,072 B` as `\text{131,072}\ \text{B}`.

    As text, so that it stays one number: as mathematics, a comma in it would be punctuation between two.
    """
    return r"\ ".join(rf"\text{{{part.replace('%', chr(92) + '%')}}}" for part in shown.split(NBSP))


def _grouped(digits: str, style: Style) -> str:
    if len(digits) < style.group_from:
        return digits
    return re.sub(r"(?<=\d)(?=(\d{3})+$)", style.group, digits)


def _decimal(number: Fraction, places: int, style: Style) -> str:
    """Return a number rounded at `places` decimals."""
    scaled = rounded(abs(number) * 10**places)
    whole, rest = divmod(scaled, 10**places)
    sign = MINUS if number < 0 and scaled else ""
    fraction = f"{style.decimal}{rest:0{places}d}" if places else ""
    return sign + _grouped(str(whole), style) + fraction


def _at_most_two(number: Fraction, style: Style) -> str:
    """Return a number with two decimals at most; below 1, with three significant digits. Trailing zeros go."""
    places = 2
    while 0 < abs(number) * 10**places < 100 and places < 12:
        places += 1
    text = _decimal(number, places, style)
    return text.rstrip("0").rstrip(style.decimal)


def _as_it_is(result: object, style: Style) -> str:
    # A number that is whole today may be a fraction of another model: then it has two decimals at most.
    return result if isinstance(result, str) else _at_most_two(_number(result), style)


def _number(result: object) -> Fraction:
    if isinstance(result, bool) or not isinstance(result, int | float):
        raise TypeError
    return Fraction(result)


def _size(result: object) -> int:
    # Bytes are integers until here; a float among them has lost exactness somewhere.
    if isinstance(result, bool) or not isinstance(result, int):
        raise TypeError
    return result


def _fixed(places: int) -> Callable[[object, Style], str]:
    return lambda result, style: _decimal(_number(result), places, style)


def _percent(places: int) -> Callable[[object, Style], str]:
    return lambda result, style: f"{_decimal(_number(result) * 100, places, style)}{style.before_percent}%"


def _unit(unit: str) -> Callable[[object, Style], str]:
    return lambda result, style: f"{_at_most_two(in_unit(_size(result), unit), style)}{NBSP}{unit}"


def _rate(prefix: str, unit: str) -> Callable[[object, Style], str]:
    # What devices do in a second is decimal, bytes and FLOPs alike.
    scale = f"{prefix}B"
    return lambda result, style: f"{_at_most_two(in_unit(_size(result), scale), style)}{NBSP}{prefix}{unit}/s"


def _flops(result: object, style: Style) -> str:
    # Three digits, as a table of many has room for; exact counts are shown as they are.
    unit = natural_unit(_size(result), DECIMAL)
    number = in_unit(_size(result), unit)
    places = 0 if unit == "B" or number >= 100 else 1 if number >= 10 else 2
    return f"{_decimal(number, places, style)}{NBSP}{unit.removesuffix('B')}FLOP"


def _natural(scale: dict[str, int]) -> Callable[[object, Style], str]:
    return lambda result, style: _unit(natural_unit(_size(result), scale))(result, style)


def _both(result: object, style: Style) -> str:
    return f"{_natural(DECIMAL)(result, style)} ({_natural(BINARY)(result, style)})"


def _quoted(result: object, _style: Style) -> str:
    if not isinstance(result, str):
        raise TypeError
    return f'"{result}"'


def _in_groups(result: object, _style: Style) -> str:
    # Of eight, as long hashes are read aloud; and a line may break between them.
    if not isinstance(result, str):
        raise TypeError
    return " ".join(re.findall(".{1,8}", result))


def _word(result: object, style: Style) -> str:
    # In words to twelve, as people write them in a sentence.
    number = _size(result)
    return style.words[number] if 0 <= number < len(style.words) else _as_it_is(result, style)


def _feminine(result: object, style: Style) -> str:
    return style.feminine if result == 1 else _word(result, style)


def _about(result: object, style: Style) -> str:
    return _word(rounded(_number(result)), style)


def _share(result: object, style: Style) -> str:
    """Return the word for the nearest share. A number that is a tenth of it or more away is no such share."""
    number = _number(result)
    nearest_share = min(style.shares, key=lambda share: abs(share - number))
    if abs(nearest_share - number) * 10 > nearest_share:
        raise TypeError
    return style.shares[nearest_share]


FORMATS: dict[str, Callable[[object, Style], str]] = {
    "": _as_it_is,
    "quoted": _quoted,
    "groups": _in_groups,
    "word": _word,
    "wordf": _feminine,
    "about": _about,
    "share": _share,
    "percent": _percent(0),
    "percent1": _percent(1),
    "percent3": _percent(3),
    "both": _both,
    "decimal": _natural(DECIMAL),
    "binary": _natural(BINARY),
    **{f"fixed{places}": _fixed(places) for places in range(5)},
    **{unit: _unit(unit) for unit in {**DECIMAL, **BINARY}},
    "GB_s": _rate("G", "B"),
    "TFLOP_s": _rate("T", "FLOP"),
    "FLOP": _flops,
}
