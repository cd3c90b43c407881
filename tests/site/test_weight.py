"""Pages are light: what a first visit fetches, and how little moves while it comes.

Slow: six pages; the two that take most are looked at in any case.
"""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import language_of
from playwright.sync_api import BrowserContext, Response

FIRST_VISIT = 150_000  # bytes as static hosts send them, without figures
SHIFT = 0.02
COMPRESSED_ALREADY = (".png", ".woff2")
WATCH_SHIFTS = """window.shifted = 0
window.add = (shifts) => shifts.forEach((shift) => window.shifted += shift.value)
window.observer = new PerformanceObserver((list) => add(list.getEntries()))
observer.observe({type: "layout-shift", buffered: true})"""
# Go to each figure as a reader does; what moves has moved when two frames have been drawn after the last has come.
GO_TO_FIGURES = """async () => {
    for (const image of [...document.images].filter((image) => image.checkVisibility())) {
        image.scrollIntoView()
        await image.decode()
    }
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame)
    add(observer.takeRecords())
    return shifted
}"""


@pytest.fixture(params=["two", pytest.param("six", marks=pytest.mark.slow)])
def longest(request: pytest.FixtureRequest, site: Path, pages: list[str]) -> list[str]:
    """The page that takes most in each language, as it is and beside what they share; or two, and both homes."""
    heavy = sorted(pages, key=lambda path: len(gzip.compress((site / path).read_bytes())), reverse=True)
    spanish, english = ([path for path in heavy if language_of(path) == language] for language in ("es", "en"))
    if request.param == "two":
        return [english[0], spanish[0]]
    return [*english[:2], *spanish[:2], "index.html", "es/index.html"]


def weight(response: Response) -> int:
    body = response.body()
    return len(body if response.url.endswith(COMPRESSED_ALREADY) else gzip.compress(body))


def test_a_first_visit_fetches_little_and_asks_for_no_index_before_somebody_searches(
    reader: Callable[..., BrowserContext], server: str, longest: list[str]
) -> None:
    for path in longest:
        context = reader()
        page = context.new_page()
        responses: list[Response] = []
        page.on("response", lambda answer, kept=responses: kept.append(answer))
        page.goto(f"{server}/{path}")
        page.wait_for_load_state("networkidle")
        weights = {answer.url: weight(answer) for answer in responses if "/figures/" not in answer.url}
        assert len(weights) > 8, "responses were not seen"
        assert sum(weights.values()) <= FIRST_VISIT, (path, weights)
        assert not any("search_index" in address for address in weights), path
        context.close()


@pytest.mark.parametrize("width", [1280, 360])
def test_next_to_nothing_moves_while_a_page_comes(
    reader: Callable[..., BrowserContext], server: str, longest: list[str], width: int
) -> None:
    for path in longest:
        page = reader(width).new_page()
        page.add_init_script(WATCH_SHIFTS)
        page.goto(f"{server}/{path}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate(GO_TO_FIGURES) < SHIFT, path
