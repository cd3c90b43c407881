"""The whole book as one PDF a language, from the built site: `make pdf`, or `PAPER=Letter make pdf`, for authors."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser, Page, Route
from yaml_env_tag import add_env_tag

from figures_src.errors import BookError
from figures_src.pdf.browser import chromium
from figures_src.pdf.destinations import destinations
from figures_src.words import LANGUAGES, Words

ROOT = Path(__file__).parents[2]
THEME = Path(__file__).parents[1] / "theme" / "pdf"
ORIGIN = "http://book.localhost"  # no server: the browser is handed the site's files for addresses that begin so
PAPERS = ("A4", "Letter")
NODE = rb"\(node\d{8}\)"  # what Chromium calls the head of a row or column, by its number in the browser's own count
PRINTS = 4  # page numbers are known once the book is printed, and may move its lines when they are put in


def print_book(browser: Browser, site: Path, language: str, paper: str) -> bytes:
    """Return the book in one language as a PDF whose page numbers are those of its own pages.

    Raises:
        BookError: a page of the site is missing, or the page numbers do not settle.
    """
    book = the_book(language)
    missing = [chapter["file"] for chapter in book["chapters"] if not (site / chapter["file"]).is_file()]
    if missing:
        raise BookError(f"there is no {missing[0]} in {site.name}/; `make site` builds it")
    page = open_book(browser, site, book)
    pages: dict[str, int] = {}
    for _ in range(PRINTS):
        page.evaluate("number", pages)
        pdf = page.pdf(format=paper, outline=True, tagged=True)
        before, pages = pages, destinations(pdf)
        if pages == before:
            return steady(pdf, moment())
    raise BookError(f"the page numbers of the book in {language!r} still change at its print number {PRINTS}")


def moment() -> datetime:
    """Return the moment of which the book says that it was made: SOURCE_DATE_EPOCH, or else now."""
    return datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)


def steady(pdf: bytes, made: datetime) -> bytes:
    """Return the PDF without what differs from print to print: the moment, and the names of the heads in its tables."""
    # Each as long as what it replaces, or the table of the PDF's objects would lead to wrong places; and the names in
    # the order that they had, in which they are looked up.
    pdf = re.sub(rb"(?<=Date \(D:)\d{14}[+-]\d\d'\d\d'", f"{made:%Y%m%d%H%M%S}+00'00'".encode(), pdf, count=2)
    names = sorted(set(re.findall(NODE, pdf)))
    counted = {name: b"(node%08d)" % number for number, name in enumerate(names, start=1)}
    return re.sub(NODE, lambda found: counted[found[0]], pdf)


def open_book(browser: Browser, site: Path, book: dict[str, Any]) -> Page:
    """Return a tab in which all pages of a language are bound into one document."""
    page = browser.new_page(viewport={"width": 800, "height": 1100})
    page.emulate_media(media="print")
    page.route(f"{ORIGIN}/**", lambda route: hand_out(route, site))
    page.goto(f"{ORIGIN}/")
    page.add_script_tag(path=THEME / "bind.js")
    page.evaluate("bind", book)
    page.add_style_tag(path=THEME / "book.css")
    return page


def hand_out(route: Route, site: Path) -> None:
    """Answer a request with a file of the site; the top is an empty page, to be filled."""
    file = site / route.request.url.removeprefix(f"{ORIGIN}/").partition("#")[0]
    if file == site:
        route.fulfill(body="<!doctype html><title></title><body></body>", content_type="text/html")
    elif file.is_file():
        route.fulfill(path=file)
    else:
        route.fulfill(status=404)


def the_book(language: str) -> dict[str, Any]:
    """Return what bind.js has to know: the words of the title page, and the chapters in the order of mkdocs.yml."""
    settings = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=add_env_tag(yaml.SafeLoader))
    own = settings | language_settings(settings, language)
    words = Words(language)
    return {
        "language": language,
        "title": own["site_name"],
        "description": own["site_description"],
        "note": own["copyright"],
        "contents": words("book.contents"),
        "edition": words("book.edition").format(version=version("kvlab"), date=moment().date().isoformat()),
        "chapters": list(chapters(settings["nav"], own)),
    }


def language_settings(settings: dict[str, Any], language: str) -> dict[str, Any]:
    """Return what mkdocs.yml says of a language: the entry of the i18n plugin that has its name."""
    plugins = [plugin for plugin in settings["plugins"] if isinstance(plugin, dict)]
    languages = next(plugin["i18n"]["languages"] for plugin in plugins if "i18n" in plugin)
    return next(one for one in languages if one["locale"] == language)


def chapters(nav: list[Any], own: dict[str, Any], part: str = "") -> Iterator[dict[str, str]]:
    """Yield the pages of the navigation in reading order: the file of each in the site, and the part that it is in."""
    folder = "" if own.get("default") else f"{own['locale']}/"
    for entry in nav:
        title, target = next(iter(entry.items())) if isinstance(entry, dict) else ("", entry)
        if isinstance(target, list):
            yield from chapters(target, own, own.get("nav_translations", {}).get(title, title))
        else:
            yield {"file": folder + target.removesuffix(".md") + ".html", "part": part}


def main(paper: str = "A4", site: Path = ROOT / "site", folder: Path = ROOT / "build") -> None:
    """Print the book in each language. Raises `BookError` for what is missing or unknown."""
    if paper not in PAPERS:
        raise BookError(f"no paper {paper!r} is known here; there are {' and '.join(PAPERS)}")
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for language in LANGUAGES:
            (folder / f"kvlab-{language}.pdf").write_bytes(print_book(browser, site, language, paper))


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else PAPERS[0], *map(Path, sys.argv[2:4]))
    except BookError as error:
        sys.exit(str(error))
