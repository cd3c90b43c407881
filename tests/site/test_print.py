"""Pages on paper, A4 and Letter: light, unfolded, nothing to press, nothing cut off, nothing torn in two.

Slow: every page, laid out for both papers and printed; a page of each kind is laid out, and some are printed, in any
case.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from browsing import LAYOUT, open_folds
from playwright.sync_api import Page

from figures_src.pdf.destinations import destinations

MARGINS = 2 * 32  # mm, left and right together
PAPERS = {"A4": 210.0, "Letter": 215.9}  # mm wide
TEXT_HEIGHT = {"A4": 297 - 40, "Letter": 279.4 - 40}  # mm
PX_PER_MM = 96 / 25.4
FOR_A_SCREEN = [
    *(".md-header", ".md-sidebar", ".md-footer", ".md-skip", ".md-search", "nav", "button", ".headerlink"),
    *(".kv-languages", ".kv-twin", ".kv-csv", ".kv-screen"),
]
# Every link and part that is to stay whole gets a place at its beginning and one at its end; a list of links at the end
# of the page makes the PDF tell on which page each place lies.
MARK = """() => {
  const small = ".kv-table:not(:has(tbody tr:nth-child(13)))";
  const whole = document.querySelectorAll(`.kv-figure, .kv-math, ${small}, .kv-table tr, .admonition, details, pre`);
  // A listing longer than a page cannot but be torn.
  const isLong = part => part.matches("pre") && part.innerText.split("\\n").length > 40;
  const parts = [...whole].filter(part => part.checkVisibility() && !isLong(part)).map(part => [part, part]);
  for (const heading of document.querySelectorAll(".md-content :is(h2, h3)"))
    parts.push([heading, heading.nextElementSibling]);
  const links = document.createElement("p");
  parts.forEach(([first, last], index) => {
    const box = part => part.matches("tr") ? part.lastElementChild : part;
    const second = first === last ? "end" : "next";
    for (const [part, end, way] of [[box(first), "begin", "prepend"], [box(last), second, "append"]]) {
      const place = document.createElement("span");
      place.id = `${end}-${index}`;
      if (end === "end") place.style.cssText = "position: relative; top: -3px"; // not on the very edge of the paper
      part[end === "next" ? "prepend" : way](place);
      links.insertAdjacentHTML("beforeend", `<a href="#${place.id}">.</a> `);
    }
  });
  const article = document.querySelector(".md-content__inner");
  article.append(links);
  return parts.map(([part]) => part.outerHTML.slice(0, 80));
}"""

# A part of each kind is put so that its last line, or what follows a heading, crosses the foot of a page of its own.
PUT_AT_FOOT = """([kinds, height]) => {
  const article = document.querySelector(".md-content__inner");
  for (const kind of kinds) {
    const all = [...article.querySelectorAll(kind)].filter(part => !part.closest(".put") && part.offsetHeight < height);
    const [part] = all.sort((one, other) => other.offsetHeight - one.offsetHeight);
    const space = document.createElement("div");
    space.style.breakBefore = "page";
    part.classList.add("put");
    article.prepend(space, part);
    const inner = part.offsetHeight + parseFloat(getComputedStyle(part).marginTop);
    space.style.height = `${height - inner + (kind === "h2" ? -5 : 15)}px`;
  }
}"""


def on_paper(page: Page, paper: str = "A4") -> Page:
    """Show a page as it is laid out for printing, as wide as the paper's text."""
    page.set_viewport_size({"width": int((PAPERS[paper] - MARGINS) * PX_PER_MM), "height": 1000})
    page.emulate_media(media="print")
    return page


def torn(page: Page, paper: str, may_have_none: bool = False) -> list[str]:
    """Return the parts that begin on one page of paper and end on another."""
    parts = page.evaluate(MARK)
    places = destinations(page.pdf(format=paper, outline=True, tagged=True))
    assert parts or may_have_none
    assert len(places) >= 2 * len(parts)
    ends = [places.get(f"end-{i}") or places[f"next-{i}"] for i in range(len(parts))]
    return [part for i, part in enumerate(parts) if places[f"begin-{i}"] != ends[i]]


def test_what_is_for_a_screen_is_not_printed(page: Page, server: str, few: list[str]) -> None:
    for path in few:
        page.emulate_media(media="screen")
        page.goto(f"{server}/{path}")
        assert page.locator("button:visible, nav:visible").count() >= 2
        on_paper(page)
        assert page.locator(".md-content h1").is_visible()
        assert {what: page.locator(f"{what}:visible").count() for what in FOR_A_SCREEN} == dict.fromkeys(
            FOR_A_SCREEN, 0
        )
        page.set_viewport_size({"width": 1280, "height": 800})


def test_computed_numbers_are_printed_without_line_and_without_origin(
    page: Page, server: str, numbered: list[str]
) -> None:
    for path in numbered:
        page.goto(f"{server}/{path}")
        number = on_paper(page).locator("data.kv:visible").first
        assert number.evaluate("number => getComputedStyle(number).textDecorationLine") == "none"
        page.evaluate("document.documentElement.classList.add('kv-show-origins')")
        number.hover()
        written = "(number, place) => getComputedStyle(number, place).content"
        assert [number.evaluate(written, place) for place in ("::before", "::after")] == ["none", "none"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_is_white_and_its_figures_light_whatever_palette_is_read(
    tab: Callable[..., Page], server: str, few: list[str], scheme: str
) -> None:
    page = tab(color_scheme=scheme)
    colours = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('h1')).color]"
    shown = []
    for path in few:
        page.emulate_media(media="screen")
        page.goto(f"{server}/{path}")
        assert (page.evaluate("document.body.dataset.mdColorScheme") == "slate") == (scheme == "dark")
        page.emulate_media(media="print")
        assert page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(36, 39, 44)"]
        shown += page.locator(".kv-figure img:visible").evaluate_all("all => all.map(i => new URL(i.src).hash)")
    assert shown
    assert set(shown) == {"#only-light"}


def test_a_figure_is_fetched_for_printing_though_nobody_has_come_near_it(
    tab: Callable[..., Page], server: str, numbered: list[str]
) -> None:
    page = tab(color_scheme="dark")
    for path in numbered:
        page.goto(f"{server}/{path}")
        page.pdf()
        loaded = "all => all.map(image => image.complete && image.naturalWidth > 0)"
        light = page.locator(".kv-figure img[src$='#only-light']")
        assert light.count() > 0
        assert set(light.evaluate_all(loaded)) == {True}


def folded(pages: list[str], site: Path) -> list[str]:
    """Return, in each language, a page with folded answers."""
    found = [path for path in pages if "<details" in (site / path).read_text(encoding="utf-8")]
    return [found[0], found[-1]]


def test_folded_answers_are_printed_open_without_script_too(
    tab: Callable[..., Page], site: Path, server: str, pages: list[str]
) -> None:
    page = tab(scripts=False)
    for path in folded(pages, site):
        page.emulate_media(media="screen")
        page.goto(f"{server}/{path}")
        answers = page.locator("details > p")
        assert not any(answer.is_visible() for answer in answers.all())
        on_paper(page)
        assert all(answer.is_visible() for answer in answers.all())


def test_printing_unfolds_the_answers_and_folds_again_those_that_were(
    page: Page, site: Path, server: str, pages: list[str]
) -> None:
    opened = "all => all.map(fold => fold.open)"
    for path in folded(pages, site):
        page.goto(f"{server}/{path}")
        folds = page.locator("details")
        folds.first.evaluate("fold => { fold.open = true }")
        before = folds.evaluate_all(opened)
        assert set(before) == {True, False}
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert set(folds.evaluate_all(opened)) == {True}
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert folds.evaluate_all(opened) == before


@pytest.mark.parametrize("which", ["kinds", pytest.param("pages", marks=pytest.mark.slow)])
def test_nothing_is_wider_than_the_paper_and_nothing_scrolls(
    request: pytest.FixtureRequest, page: Page, server: str, which: str
) -> None:
    for path in request.getfixturevalue(which):
        page.goto(f"{server}/{path}")
        open_folds(page)
        for paper in PAPERS:
            found = on_paper(page, paper).evaluate(LAYOUT)
            assert (found["sticksOut"], found["scrolling"]) == ([], []), (path, paper)


@pytest.mark.parametrize("paper", PAPERS)
def test_what_comes_to_the_foot_of_a_page_goes_on_to_the_next_one_rather_than_be_torn(
    page: Page, server: str, paper: str
) -> None:
    page.goto(f"{server}/theory/05-worked-example.html")
    open_folds(page)  # as printing does
    # A heading goes with what follows it: it is put first, and so stays before the text.
    kinds = ["h2", "details", ".admonition", ".kv-math", ".kv-table", ".kv-figure"]
    on_paper(page, paper).evaluate(PUT_AT_FOOT, [kinds, TEXT_HEIGHT[paper] * PX_PER_MM])
    assert torn(page, paper) == []


@pytest.mark.parametrize("which", ["few", pytest.param("pages", marks=pytest.mark.slow)])
def test_nothing_is_torn(request: pytest.FixtureRequest, page: Page, server: str, which: str) -> None:
    for path in request.getfixturevalue(which):
        page.goto(f"{server}/{path}")
        paper = "A4" if path.startswith("es/") else "Letter"
        # The overview of the API is two paragraphs and links: it has no part that could be torn.
        assert torn(page, paper, may_have_none=path.endswith("reference/api/index.html")) == [], path


def test_a_link_to_another_site_is_printed_with_its_address(page: Page, server: str, few: list[str]) -> None:
    page.goto(f"{server}/{few[0]}")
    links = '<a id=told href="https://a.example/b" data-address="a.example/b">a paper</a> <a id=own href="#top">x</a>'
    page.evaluate("html => document.querySelector('.md-content__inner').insertAdjacentHTML('beforeend', html)", links)
    on_paper(page)
    written = "link => getComputedStyle(link, '::after').content"
    assert "a.example/b" in page.locator("#told").evaluate(written)
    assert page.locator("#own").evaluate(written) == "none"
