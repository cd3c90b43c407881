"""The built site on a web server and in a folder; a browser; and what every page says when it is read once."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

HERE = Path(__file__).parent
LEFT = "net::ERR_ABORTED"  # what becomes of a request, mostly the icon's, when the reader goes on to the next page
TALL = 20_000  # px: a window in which no figure is too far below to be fetched
Read = dict[str, dict[str, Any]]  # what was found on each page, by its path


@pytest.fixture(scope="session")
def pages(site: Path) -> list[str]:
    """Every page's path in the site. 404.html is apart: it has no twin and no place of its own."""
    found = {path.relative_to(site).as_posix() for path in site.rglob("*.html")} - {"404.html"}
    assert len(found) >= 4, f"there should be at least two pages in two languages, not {sorted(found)}"
    return sorted(found)


@pytest.fixture(scope="session")
def few(pages: list[str]) -> list[str]:
    """The two home pages and, in each language, a page in a folder, where relative links differ."""
    homes = ["es/index.html", "index.html"]
    return [*homes, *one_a_language([path for path in pages if path not in homes])]


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


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Drop the line that would be written for every request."""


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
    """Return `reader(width, height, …)`: a reader with a window of that size and no memory of another's choices."""
    opened: list[BrowserContext] = []

    def one(width: int = 1280, height: int = 800, **options: Any) -> BrowserContext:
        opened.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        return opened[-1]

    yield one
    for context in opened:
        context.close()


@pytest.fixture
def page(reader: Callable[..., BrowserContext]) -> Page:
    """An empty tab on a desk, light."""
    return reader().new_page()


def wait_until(page: Page, expression: str, seconds: float = 10) -> None:
    """Wait until a script's expression is true there.

    Playwright's own `wait_for_function` evaluates text in the page, which the book's policy forbids.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(50)


def listen(page: Page) -> tuple[list[str], list[str]]:
    """Return two lists that fill as pages load: every address asked for, and every failure or complaint."""
    asked: list[str] = []
    complaints: list[str] = []

    def complain(what: str, is_one: bool = True) -> None:
        if is_one:
            complaints.append(what)

    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda gone: complain(f"{gone.failure} {gone.url}", gone.failure != LEFT))
    page.on("response", lambda got: complain(f"{got.status} {got.url}", got.status >= 400))
    page.on("pageerror", lambda error: complain(str(error)))
    page.on("console", lambda said: complain(said.text, said.type in ("error", "warning")))
    return asked, complaints


def read_all(browser: Browser, root: str, pages: list[str]) -> Read:
    """Read every page, as facts.js does, with what it asked for and what went wrong; own addresses begin with "/"."""
    script = (HERE / "facts.js").read_text(encoding="utf-8")
    context = browser.new_context(viewport={"width": 1280, "height": TALL})
    tab = context.new_page()
    asked, complaints = listen(tab)
    read: Read = {}
    for path in pages:
        asked.clear()
        complaints.clear()
        tab.goto(f"{root}/{path}")
        facts = tab.evaluate(script)
        if path == pages[-1]:
            tab.wait_for_load_state("networkidle")  # here the icon has its time to fail
        found = facts | {"asked": asked, "complaints": complaints}
        read[path] = json.loads(json.dumps(found).replace(root, ""))
    context.close()
    return read


@pytest.fixture(scope="session")
def read(once: Callable[[str, Callable[[], Any]], Any], browser: Browser, root: str, pages: list[str]) -> Read:
    """What every page says when it is read, on a web server and then from a folder."""
    return dict(once(f"read-{root.partition(':')[0]}", lambda: read_all(browser, root, pages)))


def look_all(browser: Browser, server: str, pages: list[str]) -> Read:
    """Look at every page on a phone, as phone.js does: as it comes, then with the numbers' origins beside them."""
    script = (HERE / "phone.js").read_text(encoding="utf-8")
    context = browser.new_context(viewport={"width": 360, "height": 800})
    tab = context.new_page()
    seen: Read = {}
    for path in pages:
        tab.goto(f"{server}/{path}")
        seen[path] = tab.evaluate(script)
        tab.evaluate("document.documentElement.classList.add('kv-show-origins')")
        seen[path]["sticksOutWithOrigins"] = tab.evaluate(script)["sticksOut"]
    context.close()
    return seen


@pytest.fixture(scope="session")
def phone(once: Callable[[str, Callable[[], Any]], Any], browser: Browser, server: str, pages: list[str]) -> Read:
    """What of every page sticks out of a window 360 wide, and what scrolls in it."""
    return dict(once("phone", lambda: look_all(browser, server, pages)))
