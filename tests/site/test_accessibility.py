"""A page of each kind passes axe-core: in English on a desk in the light palette, in Spanish on a phone in the dark."""

from collections.abc import Callable

import pytest
from browsing import RULES_BUT_CONTRAST, choose_palette, language_of, open_folds, violations
from playwright.sync_api import Page


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1280, "default"), ("es", 360, "slate")])
def test_axe_finds_no_violation_on_a_page_of_each_kind(
    tab: Callable[..., Page], server: str, kinds: list[str], language: str, width: int, scheme: str
) -> None:
    page = tab(width)
    for path in [path for path in kinds if language_of(path) == language]:
        page.goto(f"{server}/{path}")
        choose_palette(page, scheme)
        open_folds(page)
        assert violations(page, RULES_BUT_CONTRAST) == [], path
