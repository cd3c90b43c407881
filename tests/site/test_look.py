"""The frame: widths, palettes, and what stays when there is no script."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

CHARACTERS_A_LINE = """() => {
  const paragraph = document.querySelector(".md-content__inner > p:not([class])");
  const text = paragraph.textContent;
  const width = paragraph.clientWidth;
  paragraph.style.cssText = "width: max-content; max-width: none; white-space: nowrap";
  return width / paragraph.clientWidth * text.length;
}"""


def is_light(page: Page) -> bool:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
    return bool(sum(colour[:3]) > 3 * 128)


def test_a_full_line_of_text_holds_60_to_80_characters_on_a_desk(page: Page, server: str, few: list[str]) -> None:
    for path in few:
        page.goto(f"{server}/{path}")
        assert 60 <= page.evaluate(CHARACTERS_A_LINE) <= 80, path


@pytest.mark.parametrize("own", ["light", "dark"])
def test_the_palette_is_the_readers_own_until_he_chooses_the_other_which_is_then_kept(
    tab: Callable[..., Page], server: str, few: list[str], own: str
) -> None:
    page = tab(color_scheme=own)
    page.goto(f"{server}/{few[0]}")
    assert is_light(page) == (own == "light")
    page.locator("[data-md-component=palette] label:visible").click()
    for path in few:
        page.goto(f"{server}/{path}")
        assert is_light(page) == (own == "dark"), path


def test_the_palette_button_says_in_the_language_of_its_page_what_it_does(
    page: Page, server: str, few: list[str]
) -> None:
    for path in few:
        page.goto(f"{server}/{path}")
        words = "Cambiar a la paleta oscura" if path.startswith("es/") else "Switch to the dark palette"
        assert page.locator("[data-md-component=palette] label:visible").get_attribute("title") == words


def test_a_dark_page_shows_only_a_figures_dark_file(tab: Callable[..., Page], server: str, few: list[str]) -> None:
    page = tab(color_scheme="dark")
    shown = []
    for path in few:
        page.goto(f"{server}/{path}")
        for figure in page.locator(".kv-figure:not(details:not([open]) *)").all():
            images = figure.locator("img:visible")
            shown.append(images.evaluate_all("all => all.map(image => new URL(image.src).hash)"))
    assert shown, "no page has a figure"
    assert all(hashes == ["#only-dark"] for hashes in shown)


def test_without_script_a_page_has_its_text_and_its_language_links_and_no_dead_button(
    tab: Callable[..., Page], root: str, few: list[str]
) -> None:
    page = tab(scripts=False)
    for path in few:
        page.goto(f"{root}/{path}")
        expect(page.locator(".md-content h1")).to_be_visible()
        assert page.locator(".md-content__inner > p").last.is_visible()
        assert not page.locator(".kv-origins").first.is_visible()
        page.locator(".kv-languages a:not([aria-current])").click()
        expect(page).to_have_url(f"{root}/{path.removeprefix('es/') if path.startswith('es/') else 'es/' + path}")
        expect(page.locator(".md-content h1")).to_be_visible()
