"""Properties: how many examples a test draws of one, and one test of what holds for each of many cases."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import settings


def examples(times: float, **others: Any) -> settings:
    """Return settings with so many times the examples of the profile: few in the fast tier, many in the other."""
    return settings(max_examples=max(1, round(times * settings.default.max_examples)), **others)


def hold_for_each(check: Callable[[Any], None], cases: Mapping[str, Any]) -> None:
    """Check each case, and fail with all that fail: a test item for each would cost more than the check itself."""
    assert cases
    errors = []
    for name, case in cases.items():
        try:
            check(case)
        except Exception as error:
            error.add_note(f"This is of {name}.")
            errors.append((name, error))
    if errors:
        names = ", ".join(name for name, _ in errors)
        raise ExceptionGroup(f"fails for {names}", [error for _, error in errors])
