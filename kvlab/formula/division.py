"""Which whole-number divisions leave no rest, whatever the numbers are; they need no sign that rounds."""

from __future__ import annotations

from math import factorial

from kvlab.formula.language import Node, Number, Operation


def comes_out_even(above: Node, below: Node) -> bool:
    """Return whether it can be seen that a product is a multiple of what divides it.

    Seen are consecutive factors alone: of two neighbouring numbers one is even, and of `k` such in a row the product
    is a multiple of `k!`.
    """
    factors = _factors(above)
    shifts = sorted(shift for _, shift in factors)
    in_a_row = all(base == factors[0][0] for base, _ in factors) and shifts == [
        *range(shifts[0], shifts[0] + len(shifts))
    ]
    return in_a_row and isinstance(below, Number) and below.value > 0 and factorial(len(factors)) % below.value == 0


def _factors(node: Node) -> list[tuple[Node, int]]:
    """Return the factors of a product, each as something and the whole number that is added to it."""
    match node:
        case Operation("*", left, right):
            return _factors(left) + _factors(right)
        case Operation("+", base, Number(shift)):
            return [(base, shift)]
        case Operation("-", base, Number(shift)):
            return [(base, -shift)]
    return [(node, 0)]
