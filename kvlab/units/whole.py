"""The one check of counts: a whole number, of Python's own kind, which has no largest."""

from __future__ import annotations

import operator

from kvlab.errors import KvlabError


def whole_number(name: str, value: object, least: int = 0) -> int:
    """Return `value` as Python's integer; one of NumPy's, which would wrap around, is taken as the number that it is.

    Raises:
        KvlabError: it is not a whole number, or below `least`; it is named.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # what has no index is what is refused
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:  # bool is an int to Python, but True is no count
        raise KvlabError(f"{name} is {value!r:.60}, and must be a whole number from {least} on")
    return number
