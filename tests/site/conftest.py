"""The built site on a web server and in a folder, which of its pages to look at, and readers with a browser."""

from collections.abc import Callable, Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from browsing import QuietHandler
from playwright.sync_api import Browser, BrowserContext, Page

# A page of each kind: text with figures, mathematics and folds; fields; listings; a list; a table of reference. With a
# page of the API they have every kind of part that a page may have: a test in test_pages.py holds this to be true.
KINDS = [
    "index.html",
    "theory/01-prefill-vs-decode.html",
    "labs/00-derive-cache-size.html",
    "solutions/01-implement-cache.html",
    "reference/glossary.html",
    "reference/devices.html",
]


@pytest.fixture(scope="session")
def pages(site: Path) -> list[str]:
    """Every page's path in the site. 404.html is apart: it has no twin and no place of its own."""
    found = {path.relative_to(site).as_posix() for path in site.rglob("*.html")} - {"404.html"}
    assert len(found) >= 4, f"there should be at least two pages in two languages, not {sorted(found)}"
    return sorted(found)


@pytest.fixture(scope="session")
def kinds(site: Path, pages: list[str]) -> list[str]:
    """A page of each kind in both languages: what tests look at that cannot look at all pages in minutes."""
    api = [path for path in pages if path.startswith("reference/api")]
    of_classes = next(path for path in api if "<h4" in (site / path).read_text(encoding="utf-8"))
    return in_both_languages([*KINDS, of_classes])


@pytest.fixture(scope="session")
def few() -> list[str]:
    """In both languages, the home page and a page in a folder, where relative links differ."""
    return in_both_languages(KINDS[:2])


def in_both_languages(english: list[str]) -> list[str]:
    return [*english, *(f"es/{path}" for path in english)]


@pytest.fixture(scope="session")
def numbered(site: Path, pages: list[str]) -> list[str]:
    """In each language, a page on which some number is marked as computed."""
    found = [path for path in pages if '<data class="kv"' in (site / path).read_text(encoding="utf-8")]
    assert found, "no page has a computed number"
    return one_a_language(found)


def one_a_language(paths: list[str]) -> list[str]:
    """Return the first Spanish and the last English page of some."""
    spanish = [path for path in paths if path.startswith("es/")]
    return [spanish[0], [path for path in paths if path not in spanish][-1]]


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    """The address of a web server over the site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(site))) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.fixture(scope="session", params=["http", "folder"])
def root(request: pytest.FixtureRequest, site: Path) -> str:
    """The address of the site's top, on a web server and then from a folder."""
    return site.as_uri() if request.param == "folder" else str(request.getfixturevalue("server"))


@pytest.fixture
def reader(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Return `reader(width)`: a reader who has never been here and has fetched nothing, with a window of that width."""
    opened: list[BrowserContext] = []

    def one(width: int = 1280) -> BrowserContext:
        opened.append(browser.new_context(viewport={"width": width, "height": 800}))
        return opened[-1]

    yield one
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def open_tabs(browser: Browser) -> dict[bool, Page]:
    """A tab with scripts and one without, which tests use in turn: a new one costs as much as three pages."""
    return {scripts: browser.new_context(java_script_enabled=scripts).new_page() for scripts in (True, False)}


@pytest.fixture
def tab(open_tabs: dict[bool, Page]) -> Iterator[Callable[..., Page]]:
    """Return `tab(width, scripts, …)`: a tab of that width, light unless told otherwise, with nothing remembered."""

    def one(width: int = 1280, scripts: bool = True, **media: Any) -> Page:
        page = open_tabs[scripts]
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(**{"media": "null", "color_scheme": "light", "reduced_motion": "no-preference"} | media)
        return page

    yield one
    for page in open_tabs.values():
        page.evaluate("try { localStorage.clear(); sessionStorage.clear() } catch {}")  # an empty tab has none
        page.goto("about:blank")
        page.mouse.move(0, 0)


@pytest.fixture
def page(tab: Callable[..., Page]) -> Page:
    """A tab on a desk, light."""
    return tab()
