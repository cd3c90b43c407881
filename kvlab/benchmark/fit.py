"""A formula whose constants are fitted on half of the points of a curve, and judged on the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kvlab.errors import KvlabError

PROMISE = 0.1  # the share by which a formula may miss a measurement

Terms = list[NDArray[np.float64]]  # one array a constant, one value a point


@dataclass(frozen=True)
class Curve:
    """A measured quantity, and the formula that should predict it.

    Attributes:
        contexts: tokens, ascending.
        measured: bytes or seconds, for each context.
        predicted: what the formula gives.
        held_out: which of the contexts its constants were not fitted on.
    """

    contexts: tuple[int, ...]
    measured: tuple[float, ...]
    predicted: tuple[float, ...]
    held_out: tuple[bool, ...]

    @property
    def held_out_error(self) -> float:
        """The largest relative error on the contexts that the fit has not seen."""
        points = zip(self.measured, self.predicted, self.held_out, strict=True)
        return max(abs(predicted - measured) / measured for measured, predicted, held_out in points if held_out)


def fitted(
    contexts: tuple[int, ...],
    measured: tuple[float, ...],
    terms: Terms,
    held_out: tuple[bool, ...],
) -> Curve:
    """Return the curve whose formula is a sum of `terms`, each times a constant that the points not held out fix.

    Args:
        contexts: tokens.
        measured: what was measured at each, above 0.
        terms: one value a context each.
        held_out: which of the contexts the fit does not see.

    Raises:
        KvlabError: what is left to fit has fewer different points than there are constants, or a point is not above 0.
    """
    design, observed, seen = np.stack(terms, axis=1), np.array(measured), ~np.array(held_out)
    n_points = len(np.unique(design[seen], axis=0))
    if n_points < len(terms):
        raise KvlabError(f"{n_points} different points cannot fix {len(terms)} constants; fit on more contexts")
    if not (observed > 0).all():
        raise KvlabError(f"the least measurement is {observed.min()}, and a relative error needs one above 0")
    # Relative errors are what is judged, so they are what the fit makes small: each equation is divided by its point.
    weights = 1 / observed[seen, None]
    constants, *_ = np.linalg.lstsq(design[seen] * weights, np.ones(len(weights)), rcond=None)
    return Curve(contexts, measured, tuple(float(value) for value in design @ constants), held_out)


def every_second(terms: Terms) -> tuple[bool, ...]:
    """Return which points a fit shall not see: every second one of those that differ, so that no pair is parted."""
    _, places = np.unique(np.stack(terms, axis=1), axis=0, return_inverse=True)
    return tuple(place % 2 == 1 for place in places.ravel().tolist())
