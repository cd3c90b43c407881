"""Figures: described, with their data beside them, and fetched only for the palette that is shown."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import listen, wait_until
from playwright.sync_api import BrowserContext


def test_every_figure_has_alt_text_in_its_pages_language_and_its_data_beside_it(site: Path, pages: list[str]) -> None:
    alts: dict[str, list[str]] = {}
    for path in pages:
        html = (site / path).read_text(encoding="utf-8")
        for figure in re.findall(r"<figure class=\"kv-figure\".*?</figure>", html, re.DOTALL):
            light, dark = re.findall(r'<img src="([^"]*)" alt="([^"]*)"', figure)
            language = "es" if path.startswith("es/") else "en"
            assert [light[0], dark[0]] == [light[0], light[0].replace("light", "dark")]
            assert f".{language}.light.svg" in light[0]
            assert light[1] == dark[1]
            assert len(light[1].split()) > 8
            alts.setdefault(path.removeprefix("es/"), []).append(light[1])
            csv = re.findall(r'href="([^"]*\.csv)"', figure)[0]
            lines = ((site / path).parent / csv).read_text(encoding="utf-8").splitlines()
            assert len(lines) > 3
            assert len({line.count(",") for line in lines[1:] if '"' not in line}) == 1
    assert alts
    for page, texts in alts.items():
        assert len(set(texts)) == len(texts), page


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_only_the_figure_of_the_palette_in_use_is_seen_and_fetched(
    reader: Callable[..., BrowserContext], server: str, scheme: str, other: str
) -> None:
    page = reader().new_page()
    page.emulate_media(color_scheme=scheme)
    asked, _ = listen(page)
    with page.expect_request(f"**/work.en.{scheme}.svg*"):
        page.goto(f"{server}/index.html")
        page.locator("#fig-work").scroll_into_view_if_needed()
    wait_until(page, "[...document.images].every((image) => image.complete || !image.checkVisibility())")
    assert not [url for url in asked if f"work.en.{other}.svg" in url]
