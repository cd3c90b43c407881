"""Figures: readable on a phone, described, with their data beside them, and drawn for the palette that is shown."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from playwright.sync_api import BrowserContext

SMALLEST = 9  # CSS px, on a phone 360 px wide
GLYPH_UNITS = 100  # matplotlib draws a glyph at 100 units and scales it to its size: scale(0.11 -0.11) is 11 points


def text_sizes(svg: str) -> list[float]:
    """Return the sizes of a drawing's texts, in its own units; texts are drawn as paths."""
    return [float(scale) * GLYPH_UNITS for scale in re.findall(r"scale\(([\d.]+) -[\d.]+\)", svg)]


def figures(site: Path) -> list[Path]:
    """Return every drawn figure."""
    return sorted((site / "assets" / "figures").rglob("*.svg"))


def test_there_are_figures_and_each_has_text_whose_size_can_be_told(site: Path) -> None:
    assert len(figures(site)) >= 12
    for path in figures(site):
        assert len(text_sizes(path.read_text(encoding="utf-8"))) >= 3, path


def test_no_text_of_a_figure_is_smaller_than_nine_pixels_on_a_phone(
    site: Path, server: str, pages: list[str], reader: Callable[..., BrowserContext]
) -> None:
    tab = reader(width=360, height=800).new_page()
    seen = 0
    for path in pages:
        tab.goto(f"{server}/{path}")
        for image in tab.locator("figure.kv-figure img:visible").all():
            source, shown = image.evaluate("image => [image.currentSrc || image.src, image.clientWidth]")
            svg = (site / source.removeprefix(f"{server}/").partition("#")[0]).read_text(encoding="utf-8")
            width = float(ElementTree.fromstring(svg).attrib["viewBox"].split()[2])
            smallest = min(text_sizes(svg)) * shown / width
            assert smallest >= SMALLEST, f"{source}: {smallest:.2f} px"
            seen += 1
    assert seen >= 6


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


def test_only_the_figure_of_the_palette_in_use_is_seen_and_fetched(
    server: str, reader: Callable[..., BrowserContext]
) -> None:
    for scheme, other in (("light", "dark"), ("dark", "light")):
        tab = reader(color_scheme=scheme).new_page()
        asked: list[str] = []
        tab.on("request", lambda request, asked=asked: asked.append(request.url))
        tab.goto(f"{server}/index.html")
        tab.locator("#fig-work").scroll_into_view_if_needed()
        tab.wait_for_load_state("networkidle")
        assert [url for url in asked if f"work.en.{scheme}.svg" in url]
        assert not [url for url in asked if f"work.en.{other}.svg" in url]
