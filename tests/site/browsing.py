"""What the tests of the site do in a browser: wait for a condition, listen to a page, run axe-core."""

import time
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

HERE = Path(__file__).parent
FACTS = (HERE / "facts.js").read_text(encoding="utf-8")
LAYOUT = (HERE / "layout.js").read_text(encoding="utf-8")
LEFT = "net::ERR_ABORTED"  # what becomes of a request, mostly the icon's, when the reader goes on to the next page
ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
# The contrast of every ink on every paper is computed in test_style_sheets.py, once for all pages.
RULES_BUT_CONTRAST = ALL_RULES | {"rules": {"color-contrast": {"enabled": False}}}
# What origins and palettes change is colours and widths; all the other rules would only see the same page again.
LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]
Facts = dict[str, dict[str, Any]]  # what was found on each page, by its path


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Drop the line that would be written for every request."""


def language_of(path: str) -> str:
    return "es" if path.startswith("es/") else "en"


def twin_of(path: str) -> str:
    return path.removeprefix("es/") if path.startswith("es/") else f"es/{path}"


def wait_until(page: Page, expression: str, seconds: float = 30) -> None:
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


def choose_palette(page: Page, scheme: str) -> None:
    """Set what the theme's button sets, without its memory and without its transition."""
    page.add_style_tag(content="* { transition: none !important; }")
    page.evaluate("scheme => document.body.setAttribute('data-md-color-scheme', scheme)", scheme)


def open_folds(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    """Return what axe-core finds wrong with a page."""
    found = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']} {node['target']} {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def sweep(page: Page, server: str, pages: list[str], language: str, contrast: bool) -> None:
    """Look with all rules at every page of a language: as it is, with the numbers' origins, and in the dark palette."""
    rules = ALL_RULES if contrast else RULES_BUT_CONTRAST
    rules_of_looks = ALL_RULES | {"runOnly": LOOKS if contrast else LOOKS[1:]}
    for path in [path for path in pages if language_of(path) == language]:
        page.goto(f"{server}/{path}")
        choose_palette(page, "default")
        open_folds(page)
        found = violations(page, rules)
        if page.locator(".kv-origins").count():
            page.locator(".kv-origins").click()
            page.evaluate("localStorage.clear()")
        found += violations(page, rules_of_looks)
        choose_palette(page, "slate")
        found += violations(page, rules_of_looks)
        assert found == [], path
