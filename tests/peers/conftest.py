"""Shows below the tests how far kvlab and the library are apart: a bound says little without what was measured."""

from collections.abc import Callable

import pytest
from agreement import BOUND

MEASURED: dict[str, dict[str, float]] = {}


@pytest.fixture(scope="session")
def measured() -> Callable[..., None]:
    """Return `measured(case, quantity=…)`, which notes what a test has measured."""

    def note(case: str, **quantities: float) -> None:
        MEASURED.setdefault(case, {}).update(quantities)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured, a line a case."""
    terminalreporter.section(f"largest difference, in parts of the largest number; the bound is {BOUND:g}")
    for case, quantities in MEASURED.items():
        shown = [
            f"{name} {value:.1e}" if value < 1 and value else f"{name} {value}" for name, value in quantities.items()
        ]
        terminalreporter.write_line(f"{case:44}{'  '.join(shown)}")
