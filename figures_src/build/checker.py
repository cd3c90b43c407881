"""The built site, looked at from outside: its ids, its links, what it loads, and that twins name each other."""

from __future__ import annotations

import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from figures_src import store
from figures_src.words import LANGUAGES

NOT_FOUND = "404.html"  # in both languages, and nobody's twin
# What a browser fetches by itself, by element and attribute; an address in any other element is for people to follow.
LOADED = {("img", "src"), ("script", "src"), ("source", "src"), ("iframe", "src"), ("link", "href")}
RELATED = {"canonical", "alternate", "prev", "next"}  # links in a page's head that name pages


@dataclass
class Outside:
    """What of one page concerns others: its ids, the addresses in it, its language, and the twins that it names."""

    ids: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    twins: dict[str, str] = field(default_factory=dict)
    language: str = ""


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Outside()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one element has of it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.page.language = given.get("lang", "")
        if "id" in given:
            self.page.ids.append(given["id"])
        for name in ("src", "href"):
            if name in given:
                self._note(tag, name, given)

    def _note(self, tag: str, name: str, given: dict[str, str]) -> None:
        relation = given.get("rel", "").strip()
        if tag == "link" and relation == "alternate":
            self.page.twins[given.get("hreflang", "")] = given[name]
        is_loaded = (tag, name) in LOADED and relation not in RELATED
        (self.page.loads if is_loaded else self.page.links).append(given[name])


def complaints(site: Path) -> list[str]:
    """Return a sentence for each fault of the site in a folder, none for a site that is whole."""
    pages = {path.relative_to(site).as_posix(): _read(path) for path in sorted(site.rglob("*.html"))}
    return [
        f"{name}: {complaint}"
        for name, page in pages.items()
        for complaint in (*_of_ids(page), *_of_addresses(site, name, pages), *_of_twins(name, pages))
    ] + [complaint for path in sorted(site.rglob("*.css")) for complaint in _of_styles(site, path)]


def _read(path: Path) -> Outside:
    """Return what a page says; one that was read before is not parsed again."""
    text = path.read_text(encoding="utf-8")
    key = store.key_of(text, store.sources_of(__name__))
    return Outside(**json.loads(store.keep("read", key, lambda: json.dumps(asdict(_parsed(text))))))


def _parsed(text: str) -> Outside:
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.page


def _of_ids(page: Outside) -> Iterator[str]:
    for name, count in Counter(page.ids).items():
        if count > 1:
            yield f"the id {name!r} is there {count} times"


def _of_addresses(site: Path, name: str, pages: dict[str, Outside]) -> Iterator[str]:
    for address in dict.fromkeys(pages[name].loads):
        parts = urlsplit(address)
        if parts.scheme != "data" and (parts.scheme or parts.netloc):
            yield f"it loads {address}, which is another's"
        elif not parts.scheme and not (site / _target(name, parts.path)).is_file():
            yield f"it loads {address}, which is not there"
    for address in dict.fromkeys(pages[name].links):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = _target(name, parts.path)
        if not (site / target).is_file():
            yield f"its link {address} leads nowhere"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            yield f"its link {address} leads to no id in {target}"


def _of_twins(name: str, pages: dict[str, Outside]) -> Iterator[str]:
    if name == NOT_FOUND:
        return
    page, own = pages[name], next((lang for lang in LANGUAGES[1:] if name.startswith(f"{lang}/")), LANGUAGES[0])
    if page.language != own:
        yield f"its language is {page.language!r} and not {own!r}"
    if sorted(page.twins) != sorted(LANGUAGES):
        yield f"it names twins in {sorted(page.twins)} and not in {sorted(LANGUAGES)}"
    for language, address in page.twins.items():
        twin = pages.get(_target(name, address))
        if (
            twin is None
            or twin.language != language
            or _target(_target(name, address), twin.twins.get(own, "")) != name
        ):
            yield f"its twin {address} does not name it as its own"


def _of_styles(site: Path, path: Path) -> Iterator[str]:
    name = path.relative_to(site).as_posix()
    for address in re.findall(r"url\([\"']?([^)\"']+)", path.read_text(encoding="utf-8")):
        parts = urlsplit(address)
        if parts.scheme != "data" and (parts.scheme or not (site / _target(name, parts.path)).is_file()):
            yield f"{name}: it loads {address}, which is not there"


def _target(name: str, path: str) -> str:
    """Return what a path in the page `name` leads to, from the site's root."""
    if not path:
        return name
    joined = posixpath.normpath(posixpath.join("/", posixpath.dirname(name), unquote(path))).lstrip("/")
    return f"{joined}/index.html".lstrip("/") if path.endswith("/") or not joined else joined
