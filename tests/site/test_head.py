"""What a page says of itself to those who do not read it: search engines, previews of links, and the browser."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from browsing import ALL_RULES, QuietHandler, listen, violations, wait_until
from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
# Where the site is said to be when nobody names a place.
ADDRESS = "http://127.0.0.1:8000/"
SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}


def head(site: Path, path: str) -> dict[str, str]:
    """The head of a page: its `meta` by name or property, and its canonical address."""
    text = (site / path).read_text(encoding="utf-8").partition("</head>")[0]
    found = dict(re.findall(r'<meta (?:name|property|http-equiv)="([^"]+)" content="([^"]*)"', text))
    return found | dict(re.findall(r'<link rel="(canonical)" href="([^"]*)"', text))


def test_every_page_says_where_it_is_and_has_its_picture(site: Path, pages: list[str]) -> None:
    for path in pages:
        said = head(site, path)
        assert said["canonical"] == said["og:url"] == ADDRESS + path
        language = "es" if path.startswith("es/") else "en"
        assert said["og:image"] == f"{ADDRESS}assets/preview-{language}.png"


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_preview_is_a_picture_of_the_size_that_is_asked_for(page: Page, server: str, language: str) -> None:
    page.goto(f"{server}/assets/preview-{language}.png")
    assert page.evaluate("[document.images[0].naturalWidth, document.images[0].naturalHeight]") == [1200, 630]


def test_the_previews_are_in_two_languages(site: Path) -> None:
    one, other = ((site / f"assets/preview-{language}.png").read_bytes() for language in ("en", "es"))
    assert one != other


def test_the_icon_is_there(page: Page, server: str) -> None:
    page.goto(f"{server}/es/index.html")
    icon = page.locator('link[rel="icon"]').evaluate("link => link.href")
    assert page.request.get(icon).headers["content-type"] == "image/svg+xml"


def test_the_sitemap_has_every_page_once_with_its_twin(site: Path, pages: list[str]) -> None:
    urls = ET.parse(site / "sitemap.xml").getroot().findall("s:url", SITEMAP)
    places = {url.findtext("s:loc", namespaces=SITEMAP): url.findall("x:link", SITEMAP) for url in urls}
    assert sorted(place.removeprefix(ADDRESS) for place in places if place) == pages
    assert len(urls) == len(pages)
    for place, links in places.items():
        english = str(place).replace(f"{ADDRESS}es/", ADDRESS)
        twins = {"en": english, "es": english.replace(ADDRESS, f"{ADDRESS}es/")}
        assert {link.get("hreflang"): link.get("href") for link in links} == twins


def test_the_address_is_the_publishers_to_name() -> None:
    assert re.search(r"^site_url: !ENV \[KVLAB_SITE_URL, ", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)


def test_the_policy_lets_a_page_load_nothing_of_another_origin(page: Page, server: str, few: list[str]) -> None:
    for path in few:
        page.goto(f"{server}/{path}")
        page.evaluate(
            """() => {
                window.forbidden = []
                document.addEventListener("securitypolicyviolation", (told) => forbidden.push(told.effectiveDirective))
                for (const tag of ["img", "script", "iframe"])
                    document.body.append(Object.assign(document.createElement(tag), {src: "https://example.org/a"}))
                const sheet = Object.assign(document.createElement("link"), {rel: "stylesheet"})
                sheet.href = "https://example.org/a"
                document.head.append(sheet)
                fetch("https://example.org/a").catch(() => 0)
            }"""
        )
        every = ["connect-src", "frame-src", "img-src", "script-src-elem", "style-src-elem"]
        wait_until(page, f"forbidden.length === {len(every)}")
        assert page.evaluate("forbidden.sort()") == every, path


def test_the_policy_stands_before_anything_is_loaded(site: Path, pages: list[str]) -> None:
    for path in [*pages, "404.html"]:
        text = (site / path).read_text(encoding="utf-8")
        first = min(text.index("<link"), text.index("<script"))
        assert text.index('http-equiv="Content-Security-Policy"') < first, path


class WithNotFound(QuietHandler):
    """Answers as static hosting does: what is not there gets the site's own page."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send 404.html."""
        body = (Path(self.directory) / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hosting(site: Path) -> Iterator[str]:
    """The address of a host that has a page for what is not found."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(WithNotFound, directory=str(site))) as http:
        Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_what_is_not_found_is_said_in_both_languages_with_a_way_home_from_any_depth(page: Page, hosting: str) -> None:
    asked, complaints = listen(page)
    for lost in ("nowhere.html", "es/theory/deep/er/nowhere.html"):
        asked.clear()
        complaints.clear()
        page.goto(f"{hosting}/{lost}")
        assert [line for line in complaints if lost not in line and "404 (" not in line] == []
        assert len(asked) > 5
        sections = page.locator("section[lang]")
        assert sections.evaluate_all("all => all.map(section => section.lang)") == ["en", "es"]
        homes = sections.locator("a").evaluate_all("all => all.map(a => new URL(a.href).pathname)")
        assert homes == ["/index.html", "/es/index.html"]
        assert page.locator(".md-nav--primary").count() == 0, "it belongs to no menu"


def test_the_page_for_what_is_not_found_is_not_to_be_indexed(site: Path) -> None:
    assert head(site, "404.html")["robots"] == "noindex"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_it(tab: Callable[..., Page], hosting: str, scheme: str) -> None:
    page = tab(color_scheme=scheme)
    page.goto(f"{hosting}/nowhere.html")
    assert violations(page, ALL_RULES) == []
