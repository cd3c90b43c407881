"""The switch between the languages keeps the place, and can be read and touched."""

from collections.abc import Callable

import pytest
from browsing import language_of, twin_of, wait_until
from playwright.sync_api import Page, expect

NAMES = {"en": "English", "es": "Español"}


def other_language(path: str) -> str:
    return language_of(twin_of(path))


def switch(page: Page, language: str) -> None:
    page.get_by_role("banner").get_by_role("link", name=NAMES[language], exact=True).click()


def test_there_and_back_by_the_switch_is_where_one_was(page: Page, root: str, few: list[str]) -> None:
    for path in few[:2]:
        page.goto(f"{root}/{path}")
        page.locator(".md-sidebar--secondary .md-nav__link").last.click()
        wait_until(page, "location.hash !== ''")
        place = page.url
        assert place.startswith(f"{root}/{path}#")
        switch(page, other_language(path))
        expect(page).to_have_url(place.replace(path, twin_of(path)))
        switch(page, language_of(path))
        expect(page).to_have_url(place)


@pytest.mark.parametrize(("width", "texts"), [(1280, ["English", "Español"]), (360, ["EN", "ES"])])
def test_the_switch_is_text_that_can_be_read_and_touched(
    tab: Callable[..., Page], server: str, few: list[str], width: int, texts: list[str]
) -> None:
    page = tab(width)
    for path in few:
        page.goto(f"{server}/{path}")
        links = page.locator(".kv-languages a")
        assert [text.strip() for text in links.all_inner_texts()] == texts
        for box in links.evaluate_all("links => links.map(link => link.getBoundingClientRect().toJSON())"):
            assert 0 < box["left"] < box["right"] < width
            assert box["height"] >= 24, "a finger needs 24 px"
