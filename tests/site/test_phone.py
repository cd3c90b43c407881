"""Pages on a phone: nothing sticks out, what scrolls sideways can be reached, and figures can be read.

Slow: every page; a page of each kind is looked at in any case.
"""

import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from browsing import LAYOUT, Facts
from playwright.sync_api import Browser

SMALLEST = 9  # CSS px, on a phone 360 px wide
GLYPH_UNITS = 100  # matplotlib draws a glyph at 100 units and scales it to its size: scale(0.11 -0.11) is 11 points


def look_all(browser: Browser, server: str, paths: list[str]) -> Facts:
    """Look at pages on a phone, as layout.js does: as they come, then with the numbers' origins beside them."""
    with browser.new_context(viewport={"width": 360, "height": 800}) as context:
        tab = context.new_page()
        seen: Facts = {}
        for path in paths:
            tab.goto(f"{server}/{path}")
            seen[path] = tab.evaluate(LAYOUT)
            tab.evaluate("document.documentElement.classList.add('kv-show-origins')")
            seen[path]["sticksOutWithOrigins"] = tab.evaluate(LAYOUT)["sticksOut"]
    return seen


@pytest.fixture(scope="module", params=["kinds", pytest.param("pages", marks=pytest.mark.slow)])
def phone(request: pytest.FixtureRequest, browser: Browser, server: str) -> Facts:
    """What of pages sticks out of a window 360 wide, what scrolls in it, and how wide their figures are."""
    return look_all(browser, server, request.getfixturevalue(request.param))


def test_no_page_sticks_out_of_a_phone(phone: Facts) -> None:
    assert {path: facts["sticksOut"] for path, facts in phone.items()} == {path: [] for path in phone}


def test_no_page_sticks_out_of_a_phone_when_the_origins_are_shown(phone: Facts) -> None:
    assert {path: facts["sticksOutWithOrigins"] for path, facts in phone.items()} == {path: [] for path in phone}


def test_what_scrolls_sideways_can_be_reached_by_keyboard_and_says_what_it_is(phone: Facts) -> None:
    assert any(facts["scrolling"] for facts in phone.values())
    for path, facts in phone.items():
        assert [part["tab"] for part in facts["scrolling"]] == [0 for _ in facts["scrolling"]], path
        tables_and_formulas = [part for part in facts["scrolling"] if part["tag"] == "DIV"]
        assert all(part["role"] in ("group", "region") and part["name"] for part in tables_and_formulas), path


@cache
def smallest_text(drawing: Path) -> float:
    """Return the size of a drawing's smallest text as a part of its width; texts are drawn as paths."""
    svg = drawing.read_text(encoding="utf-8")
    sizes = [float(scale) * GLYPH_UNITS for scale in re.findall(r"scale\(([\d.]+) -[\d.]+\)", svg)]
    assert len(sizes) >= 3, f"{drawing} has no text whose size can be told"
    return min(sizes) / float(ElementTree.fromstring(svg).attrib["viewBox"].split()[2])


def test_no_text_of_a_figure_is_smaller_than_nine_pixels(phone: Facts, site: Path) -> None:
    drawings = [drawing for facts in phone.values() for drawing in facts["drawings"]]
    assert len(drawings) >= 4
    for name, width in drawings:
        assert smallest_text(site / name[1:]) * width >= SMALLEST, name
