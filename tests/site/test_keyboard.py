"""The keyboard alone reaches everything that is seen, and nothing that is not; where it stands can be seen.

Slow: axe-core on the open drawer in the other palette of each language.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from browsing import ALL_RULES, violations
from playwright.sync_api import Page, expect

PAGES = {"en": "theory/05-worked-example.html", "es": "es/theory/05-worked-example.html"}

# Where the focus is, whether it is in the window, and whether something shows it: the element, or a box's label.
FOCUS = """() => {
    const here = document.activeElement
    if (here === document.body) return null
    const shown = (element) => {
        const box = element.getBoundingClientRect()
        return box.width > 1 && box.height > 1 && box.right > 0 && box.bottom > 0 && box.left < innerWidth
            && box.top < innerHeight && element.checkVisibility({visibilityProperty: true})
    }
    const ringed = (element) => getComputedStyle(element).outlineStyle !== "none" && shown(element)
    const caret = here.matches("input:not([type=checkbox], [type=radio])")
    const places = [here, ...(here.labels ?? []), here.nextElementSibling].filter((place) => place)
    return {
        what: `${here.tagName} #${here.id} .${here.className} ${here.textContent.trim().slice(0, 20)}`,
        link: here.href ? new URL(here.href).pathname + new URL(here.href).hash : null,
        seen: places.some(shown),
        ring: (caret && shown(here)) || places.some(ringed),
    }
}"""


def walk(page: Page, until: str | None = None) -> list[dict[str, Any]]:
    """Press Tab from the page's beginning, to its end or to what `until` selects; return where the focus stood."""
    stops: list[dict[str, Any]] = []
    while len(stops) < 400:
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUS)
        if here is None:
            break
        stops.append(here)
        if until and page.evaluate("selector => document.activeElement.matches(selector)", until):
            break
    return stops


@pytest.fixture
def still(tab: Callable[..., Page], server: str) -> Callable[..., Page]:
    """Return `still(language, width)`: a page whose reader wants no motion, so that what is seen is so at once."""

    def one(language: str, width: int, scheme: Any = "light") -> Page:
        page = tab(width, reduced_motion="reduce", color_scheme=scheme)
        page.goto(f"{server}/{PAGES[language]}")
        page.wait_for_load_state("networkidle")
        return page

    return one


@pytest.mark.parametrize("width", [1280, 360])
def test_every_stop_is_seen_and_shows_that_the_keyboard_is_there(still: Callable[..., Page], width: int) -> None:
    stops = walk(still("es", width))
    assert len(stops) > 25
    assert [stop["what"] for stop in stops if not stop["seen"]] == []
    assert [stop["what"] for stop in stops if not stop["ring"]] == []


@pytest.mark.parametrize("language", PAGES)
def test_on_a_phone_the_keyboard_opens_the_drawer_and_finds_every_page_in_it(
    still: Callable[..., Page], pages: list[str], language: str
) -> None:
    page = still(language, 360)
    walk(page, until=".kv-menu")
    page.keyboard.press("Space")
    stops = walk(page, until=".md-content *")
    assert [stop["what"] for stop in stops if not stop["seen"] or not stop["ring"]] == []
    own = {f"/{path}" for path in pages if path.startswith("es/") == (language == "es")}
    assert own <= {stop["link"] for stop in stops}


def test_the_button_that_opens_the_drawer_has_a_name_in_the_pages_language(still: Callable[..., Page]) -> None:
    for language, name in (("en", "Contents"), ("es", "Contenidos")):
        assert still(language, 360).get_by_role("button", name=name, exact=True).count() == 1


def test_a_place_chosen_in_the_drawer_is_gone_to_and_the_drawer_closes(still: Callable[..., Page]) -> None:
    page = still("en", 360)
    walk(page, until=".kv-menu")
    page.keyboard.press("Space")
    walk(page, until='.md-nav--primary [href="#weights"]')
    page.keyboard.press("Enter")
    expect(page.locator("#__drawer")).not_to_be_checked()
    expect(page).to_have_url(re.compile("#weights$"))


@pytest.mark.parametrize(
    ("language", "scheme"),
    [
        ("en", "light"),
        ("es", "dark"),
        pytest.param("en", "dark", marks=pytest.mark.slow),
        pytest.param("es", "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_wrong_with_the_open_drawer(still: Callable[..., Page], language: str, scheme: str) -> None:
    page = still(language, 360, scheme)
    walk(page, until=".kv-menu")
    page.keyboard.press("Space")
    expect(page.locator("#__drawer")).to_be_checked()
    assert violations(page, ALL_RULES) == []


def test_nothing_moves_for_who_wants_no_motion(still: Callable[..., Page]) -> None:
    moving = """() => [...document.querySelectorAll("*")].filter((element) => {
        const style = getComputedStyle(element)
        return style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0)
            && style.transitionProperty !== "none" || style.animationName !== "none"
    }).length"""
    assert still("en", 1280).evaluate(moving) == 0


def test_without_script_mathematics_tables_figures_and_answers_are_there(tab: Callable[..., Page], root: str) -> None:
    page = tab(scripts=False)
    for path in PAGES.values():
        page.goto(f"{root}/{path}")
        for selector in (".kv-math math", "table", ".kv-figure img:visible", ".md-content data.kv"):
            assert page.locator(selector).first.is_visible(), selector
        fold = page.locator("details").last
        assert not fold.locator("p").last.is_visible()
        fold.locator("summary").press("Enter")
        assert fold.locator("p").last.is_visible()
