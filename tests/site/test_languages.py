"""The two languages: each page knows its twin, and the switch keeps the place."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

Read = dict[str, dict[str, Any]]
NAMES = {"en": "English", "es": "Español"}


def language_of(path: str) -> str:
    return "es" if path.startswith("es/") else "en"


def other_language(path: str) -> str:
    return "en" if path.startswith("es/") else "es"


def twin_of(path: str) -> str:
    return path.removeprefix("es/") if path.startswith("es/") else f"es/{path}"


def by_language(path: str) -> dict[str, str]:
    """The addresses of a page and its twin."""
    return {language_of(path): f"/{path}", other_language(path): f"/{twin_of(path)}"}


def switch(page: Page, language: str) -> None:
    page.get_by_role("banner").get_by_role("link", name=NAMES[language], exact=True).click()


def test_every_page_exists_in_both_languages(pages: list[str]) -> None:
    assert {twin_of(path) for path in pages} == set(pages)


def test_the_html_language_is_the_language_of_the_page(read: Read) -> None:
    assert {path: facts["lang"] for path, facts in read.items()} == {path: language_of(path) for path in read}


def test_every_page_names_itself_and_its_twin_as_alternates(read: Read) -> None:
    for path, facts in read.items():
        assert {link["hreflang"]: link["href"] for link in facts["alternates"]} == by_language(path)
        assert len(facts["alternates"]) == 2


def test_the_switch_of_every_page_leads_to_the_same_place_in_each_language(read: Read) -> None:
    for path, facts in read.items():
        places = {language: f"{address}#{facts['anchor']}" for language, address in by_language(path).items()}
        assert {link["hreflang"]: link["href"] for link in facts["languages"]} == places
        assert facts["anchor"] in read[twin_of(path)]["ids"], f"{twin_of(path)} lacks the place {facts['anchor']}"


def test_the_switch_says_which_language_is_read_and_names_each_in_its_own(read: Read) -> None:
    for path, facts in read.items():
        assert [(link["lang"], link["name"], link["current"]) for link in facts["languages"]] == [
            ("en", "English", "true" if language_of(path) == "en" else None),
            ("es", "Español", "true" if language_of(path) == "es" else None),
        ]


def test_the_sentence_in_the_other_language_leads_to_the_twin(read: Read) -> None:
    for path, facts in read.items():
        (link,) = facts["twin"]
        other = other_language(path)
        assert (link["lang"], link["hreflang"], link["href"]) == (other, other, f"/{twin_of(path)}")


def test_there_and_back_by_the_switch_is_where_one_was(page: Page, root: str, few: list[str]) -> None:
    for path in few:
        page.goto(f"{root}/{path}")
        page.locator(".md-sidebar--secondary .md-nav__link").last.click()
        place = page.url
        assert place.startswith(f"{root}/{path}#")
        page.reload()
        switch(page, other_language(path))
        assert page.url == place.replace(path, twin_of(path))
        switch(page, language_of(path))
        assert page.url == place


@pytest.mark.parametrize(("width", "texts"), [(1280, ["English", "Español"]), (360, ["EN", "ES"])])
def test_the_switch_is_text_that_can_be_read_and_touched(
    reader: Callable[..., BrowserContext], server: str, few: list[str], width: int, texts: list[str]
) -> None:
    page = reader(width).new_page()
    for path in few:
        page.goto(f"{server}/{path}")
        links = page.locator(".kv-languages a")
        assert [text.strip() for text in links.all_inner_texts()] == texts
        for box in links.evaluate_all("links => links.map(link => link.getBoundingClientRect().toJSON())"):
            assert 0 < box["left"] < box["right"] < width
            assert box["height"] >= 24, "a finger needs 24 px"
