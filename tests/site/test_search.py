"""Search: in the page's own language, blind to accents and to plurals, on a web server and from a folder.

It leans on four things inside the theme: that `base` in its configuration says where the index lies, that the index is
`search/search_index.json` or `.js` there, that a search language is a script below `lunr/min`, and its dialog's markup.

Slow: axe over the open dialog in the other palette and width, beside the one of the fast tier.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import ALL_RULES, choose_palette, listen, violations
from playwright.sync_api import Browser, Page, expect

ASKING = re.compile("Type to start|Teclee")
ANSWERED = re.compile("matching|encontra")
PLACES = {"en": "theory/05-worked-example.html", "es": "es/theory/05-worked-example.html"}


def search(page: Page, query: str) -> dict[str, Any]:
    """Search, and return what the dialog then shows: its links, what is marked, and terms said to be missing."""
    entry, said = page.locator(".md-search__input"), page.locator(".md-search-result__meta")
    # One query at a time, each told by one key: what is shown cannot be the answer to another.
    for text, answer in (("", ASKING), (query, ANSWERED)):
        entry.fill(text)
        entry.press("End")
        expect(said).to_have_text(answer, timeout=60_000)
    return dict(
        page.evaluate(
            """() => {
            const all = (selector) => [...document.querySelectorAll(`.md-search-result ${selector}`)]
            return {
                links: all("a.md-search-result__link").map((a) => new URL(a.href).pathname),
                marked: [...new Set(all("mark").map((mark) => mark.innerText.toLowerCase()).filter((text) => text))],
                missing: all(".md-search-result__terms").map((terms) => terms.innerText),
            }
        }"""
        )
    )


@pytest.fixture(scope="module", params=PLACES)
def language(request: pytest.FixtureRequest) -> str:
    """Each of the book's languages."""
    return str(request.param)


@pytest.fixture(scope="module")
def dialog(browser: Browser, root: str, language: str) -> Iterator[tuple[Page, list[str], list[str]]]:
    """A page of a language with its search dialog open, for many tests; what it asked for, and what went wrong."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        asked, complaints = listen(page)
        page.goto(f"{root}/{PLACES[language]}")
        page.keyboard.press("/")
        page.locator(".md-search__input").wait_for()
        yield page, asked, complaints


@pytest.fixture
def opened(dialog: tuple[Page, list[str], list[str]]) -> Page:
    """The page with its search dialog open."""
    return dialog[0]


# Queries that must find the same, and a word that they all must mark.
SAME = {
    "es": [
        (["atencion", "atención", "Atenciones"], "atención"),
        (["cache", "cachés"], "cachés"),
        (["capa", "capas"], "capas"),
    ],
    "en": [(["cache", "caché", "caches"], "caches"), (["query", "queries"], "query"), (["layer", "layers"], "layers")],
}


def test_accents_and_plurals_make_no_difference(opened: Page, language: str) -> None:
    for queries, marked in SAME[language]:
        found = [search(opened, query) for query in queries]
        for query, result in zip(queries, found, strict=True):
            assert result["links"], query
            assert marked in result["marked"], (query, result["marked"])
            assert result["missing"] == [], query
        assert len({tuple(sorted(result["links"])) for result in found}) == 1, queries


def test_results_are_of_the_pages_own_language_only(opened: Page, language: str) -> None:
    for query in ("prefill", "MiniGPT"):
        links = search(opened, query)["links"]
        assert links, query
        assert all(("/es/" in link) == (language == "es") for link in links), links
    assert search(opened, {"en": "portátil", "es": "laptop"}[language])["links"] == []


def test_searching_fails_no_request_and_asks_no_other_site(
    dialog: tuple[Page, list[str], list[str]], root: str, language: str
) -> None:
    page, asked, complaints = dialog
    assert search(page, "cache")["links"]
    assert complaints == []
    assert all(address.startswith((root, "about:", "blob:")) for address in asked), asked
    assert any(f"{'/es' if language == 'es' else ''}/search/search_index.js" in address for address in asked)


def test_a_result_leads_to_its_place(opened: Page, root: str, language: str) -> None:
    [place, *_] = search(opened, {"en": "decode", "es": "decodificacion"}[language])["links"]
    opened.locator("a.md-search-result__link").first.click()
    opened.wait_for_url(f"**{place}*")
    assert opened.url.startswith(root)
    assert opened.evaluate("document.documentElement.lang") == language


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "default"),
        (360, "slate"),
        pytest.param(1280, "slate", marks=pytest.mark.slow),
        pytest.param(360, "default", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_wrong_with_the_open_dialog_and_its_results(
    tab: Callable[..., Page], server: str, width: int, scheme: str
) -> None:
    page = tab(width)
    page.goto(f"{server}/{PLACES['es']}")
    choose_palette(page, scheme)
    page.keyboard.press("/")
    assert search(page, "cache")["links"]
    assert violations(page, ALL_RULES) == []


def test_the_index_has_sentences_and_symbols_and_no_formulas(site: Path) -> None:
    for folder in ("", "es/"):
        docs = json.loads((site / f"{folder}search/search_index.json").read_text(encoding="utf-8"))["docs"]
        text = " ".join(doc["title"] + doc["text"] for doc in docs)
        assert "<math" not in text
        assert "⋅" not in text
        assert all(not doc["location"].startswith("es/") for doc in docs)
    assert "data-search" not in (site / PLACES["en"]).read_text(encoding="utf-8")
