"""Whole numbers only: a count that is a float rounds from 2^53 on, and one of NumPy's wraps around at 2^31 or 2^63."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

from kvlab.units.whole import whole_number

# What formulas divide by, and what there is none of only by mistake: a generation without a prompt or a token.
AT_LEAST_ONE = ("block", "bytes_per_second", "flops_per_second", "n_devices", "new_tokens", "page", "prompt")

P = ParamSpec("P")
R = TypeVar("R")


def exact(formula: Callable[P, R]) -> Callable[P, R]:
    """Return the formula with its `int` arguments, and lists of them, made Python's own, which have no largest.

    An integer of NumPy is taken as the number that it is, so that a sweep over an array's elements is exact too.

    Raises:
        KvlabError: from the formula returned, an argument is not a whole number, or is negative; it is named.
    """
    signature = inspect.signature(formula)
    counts, lists = (_annotated(signature, *kinds) for kinds in ((int, "int"), (Sequence[int], "Sequence[int]")))

    @wraps(formula)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in counts:
                bound.arguments[name] = _count(formula.__name__, name, value)
            elif name in lists:
                bound.arguments[name] = [_count(formula.__name__, name, one) for one in value]
        return formula(*bound.args, **bound.kwargs)

    return checked


def _count(formula_name: str, name: str, value: object) -> int:
    return whole_number(f"{formula_name}: {name}", value, least=1 if name in AT_LEAST_ONE else 0)


def _annotated(signature: inspect.Signature, *kinds: object) -> set[str]:
    return {name for name, parameter in signature.parameters.items() if parameter.annotation in kinds}
