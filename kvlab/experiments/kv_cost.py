"""The experiment `kv-cost`: single points of measured curves, the error of a formula there, and what they amount to.

Lists of points in, of which the record has some for each curve; plain results out.
"""

from __future__ import annotations

from kvlab.benchmark.record import NotMeasuredError, within
from kvlab.errors import KvlabError


def place(contexts: list[int], context: int) -> int:
    """Return the index of a context, in tokens, among those of a curve.

    Raises:
        NotMeasuredError: the curve was not measured there.
    """
    if context not in contexts:
        raise NotMeasuredError(f"nothing was measured at {context} tokens; `make measure` does it")
    return contexts.index(context)


def whole_bytes(sizes: list[float], index: int) -> int:
    """Return the bytes of one point, which the record keeps as a float. Raises `KvlabError` where there is none."""
    return round(_point(sizes, index))


def microseconds(seconds: list[float], index: int) -> float:
    """Return the time of one point in µs. Raises `KvlabError` where there is none."""
    return _point(seconds, index) * 1e6


def relative_error(measured: list[float], predicted: list[float], index: int) -> float:
    """Return by what share of the measurement a formula exceeds it at one point; negative where it falls short.

    Raises:
        KvlabError: there is no such point.
    """
    point = _point(measured, index)
    return (_point(predicted, index) - point) / point


def times_as_long(slower: list[float], faster: list[float], index: int) -> float:
    """Return how many times as long one measurement took as another at one point.

    Raises:
        NotMeasuredError: it was not the slower one.
        KvlabError: there is no such point.
    """
    return within(_point(slower, index) / _point(faster, index), "the slower time over the faster", at_least=1)


def last_over_first(points: list[float], at_least: float | None = None, at_most: float | None = None) -> float:
    """Return how many times the first point the last one is.

    Raises:
        NotMeasuredError: it is beyond the limits of what is said of it.
        KvlabError: there are no points.
    """
    return within(_point(points, -1) / _point(points, 0), "the last point over the first", at_least, at_most)


def risen_share(points: list[float]) -> float:
    """Return the share of the last point by which it exceeds the first.

    Raises:
        NotMeasuredError: it does not exceed it: then there is no such share to speak of.
        KvlabError: there are no points.
    """
    share = 1 - _point(points, 0) / _point(points, -1)
    if share <= 0:
        raise NotMeasuredError(f"the last point, {points[-1]:.3g}, does not exceed the first", "contradicted")
    return share


def _point(points: list[float], index: int) -> float:
    if not -len(points) <= index < len(points):
        raise KvlabError(f"there is no point {index}; there are {len(points)}")
    return points[index]
