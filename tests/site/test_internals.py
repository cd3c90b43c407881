"""The four things inside the theme that the site leans on: each is still there, and still does what is needed of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import listen, wait_until
from playwright.sync_api import BrowserContext, Page, expect

ENGLISH, SPANISH = "theory/05-worked-example.html", "es/theory/05-worked-example.html"


def test_rel_alternate_with_a_space_keeps_the_theme_from_asking_for_sitemaps(
    reader: Callable[..., BrowserContext], server: str, site: Path
) -> None:
    text = (site / ENGLISH).read_text(encoding="utf-8")
    assert text.count('rel="alternate "') == 2
    page = reader().new_page()
    asked, _ = listen(page)
    page.goto(f"{server}/{ENGLISH}")
    page.wait_for_load_state("networkidle")
    assert not any("sitemap.xml" in address for address in asked)
    # Without the space it asks, so the space is what is needed; should this change, the space can go.
    page.route(f"**/{ENGLISH}", lambda route: route.fulfill(body=text.replace('ate "', 'ate"')))
    with page.expect_request("**/sitemap.xml"):
        page.goto(f"{server}/{ENGLISH}")


@pytest.mark.parametrize(("path", "base"), [(ENGLISH, ".."), (SPANISH, "../../es/")])
def test_base_in_the_config_is_where_the_theme_looks_for_the_index(
    page: Page, server: str, path: str, base: str
) -> None:
    page.goto(f"{server}/{path}")
    assert json.loads(page.locator("#__config").inner_text())["base"] == base
    folder = "es/" if path == SPANISH else ""
    with page.expect_request(f"{server}/{folder}search/search_index.json"):
        page.keyboard.press("/")


@pytest.mark.parametrize("path", [ENGLISH, SPANISH])
def test_search_index_js_is_what_the_theme_loads_for_a_page_from_a_folder(page: Page, site: Path, path: str) -> None:
    asked, _ = listen(page)
    page.goto(f"{site.as_uri()}/{path}")
    page.keyboard.press("/")
    wait_until(page, "window.__index !== undefined")
    folder = "es/" if path == SPANISH else ""
    assert f"{site.as_uri()}/{folder}search/search_index.js" in [address.replace("theory/../", "") for address in asked]
    own = page.evaluate("__index.docs.every(doc => !/^(en|es)\\//.test(doc.location))")
    assert own
    assert page.evaluate("__index.docs.length") > 10


def test_the_search_dialogs_markup_gives_it_a_name_and_its_parts(tab: Callable[..., Page], server: str) -> None:
    page = tab(360)
    for path, name in ((ENGLISH, "Search"), (SPANISH, "Buscar")):
        page.goto(f"{server}/{path}")
        page.keyboard.press("/")
        dialog = page.get_by_role("dialog", name=name, exact=True)
        expect(dialog.locator(".md-search__input")).to_be_visible()
        expect(dialog.locator(".md-search__output .md-search__scrollwrap .md-search-result__meta")).to_be_visible()
        assert page.locator('.md-toggle[data-md-toggle="search"]').is_checked()
        assert page.locator('.md-toggle[data-md-toggle="search"] ~ .md-header .md-search__output').count() == 1


def test_the_document_about_moving_names_these_tests() -> None:
    written = (Path(__file__).parents[2] / "figures_src/MOVING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+\.py)`", written))
    assert named
    assert all((Path(__file__).parent / name).exists() for name in named)
    assert written.count(f"`{Path(__file__).name}`") == 4
