"""Every page passes axe-core, in both palettes, on a desk and on a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import BrowserContext, Page

Phone = dict[str, dict[str, list[Any]]]
EVERY_RULE: dict[str, Any] = {"resultTypes": ["violations"]}
# What origins and palettes change is colours and widths; all the other rules would only see the same page again.
RULES_OF_LOOKS = EVERY_RULE | {"runOnly": ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]}


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    found = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']} {node['target']} {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def show_origins(page: Page) -> None:
    if page.locator(".kv-origins").count():
        page.locator(".kv-origins").click()
        page.evaluate("localStorage.clear()")


def choose_palette(page: Page, scheme: str) -> None:
    """Set what the theme's button sets, without its memory."""
    page.evaluate("scheme => document.body.setAttribute('data-md-color-scheme', scheme)", scheme)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("language", ["en", "es"])
def test_axe_finds_no_violation_in_either_palette(
    reader: Callable[..., BrowserContext], server: str, pages: list[str], language: str, width: int
) -> None:
    page = reader(width, color_scheme="light").new_page()
    for path in [path for path in pages if path.startswith("es/") == (language == "es")]:
        page.goto(f"{server}/{path}")
        page.add_style_tag(content="* { transition: none !important; }")  # colours change at once
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        found = violations(page, EVERY_RULE)
        show_origins(page)
        found += violations(page, RULES_OF_LOOKS)
        choose_palette(page, "slate")
        found += violations(page, RULES_OF_LOOKS)
        assert found == [], path


def test_on_a_phone_what_scrolls_sideways_can_be_reached_by_keyboard_and_says_what_it_is(phone: Phone) -> None:
    for path, facts in phone.items():
        assert [part["tab"] for part in facts["scrolling"]] == [0 for _ in facts["scrolling"]], path
        tables_and_formulas = [part for part in facts["scrolling"] if part["tag"] == "DIV"]
        assert all(part["role"] in ("group", "region") and part["name"] for part in tables_and_formulas), path
