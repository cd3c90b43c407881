"""Every page passes axe-core on a desk, with all its rules and in both palettes.

Slow: axe-core looks three times at each page. test_accessibility.py has a page of each kind.
"""

from collections.abc import Callable

import pytest
from browsing import sweep
from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("language", ["en", "es"])
def test_axe_finds_no_violation_in_either_palette(
    tab: Callable[..., Page], server: str, pages: list[str], language: str
) -> None:
    sweep(tab(1280), server, pages, language, contrast=True)
