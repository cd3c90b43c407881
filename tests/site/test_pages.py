"""Every page, visited once on a desk: what it asks for, its two languages, its figures, the origins of its numbers.

Slow: every page once more from a folder; a few are visited so in any case. That links lead somewhere and
that twins name each other is what the checker (figures_src/build/checker.py) holds against every build.
"""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from browsing import FACTS, Facts, language_of, listen, twin_of
from playwright.sync_api import Browser

VISITS = [("server", "pages"), ("folder", "few"), pytest.param(("folder", "pages"), marks=pytest.mark.slow)]
OTHER = {"en": "es", "es": "en"}


def parts(html: str) -> set[str]:
    """Return the kinds of part that the text of a page has: its elements, mathematics apart, and the book's classes."""
    text = re.sub(
        r"<math.*?</math>|<br>", "", html.partition("<article")[2].partition("</article>")[0], flags=re.DOTALL
    )
    return set(re.findall(r"<([a-z]+\d?)", text)) | set(re.findall(r'class="(?:kv|doc)[\w-]*|admonition \w+', text))


def test_the_kinds_of_page_have_every_kind_of_part(site: Path, pages: list[str], kinds: list[str]) -> None:
    found = {path: parts((site / path).read_text(encoding="utf-8")) for path in pages}
    for language in OTHER:
        every = {part: path for path in pages if language_of(path) == language for part in found[path]}
        sample = set().union(*(found[path] for path in kinds if language_of(path) == language))
        assert {part: path for part, path in every.items() if part not in sample} == {}


def visit_all(browser: Browser, root: str, paths: list[str]) -> Facts:
    """Visit pages as facts.js does, noting what each asked for and what went wrong; own addresses begin with "/"."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        tab = context.new_page()
        asked, complaints = listen(tab)
        visited: Facts = {}
        for path in paths:
            asked.clear()
            complaints.clear()
            tab.goto(f"{root}/{path}")
            facts = tab.evaluate(FACTS)
            if path == paths[-1]:
                tab.wait_for_load_state("networkidle")  # here the icon has its time to fail
            found = facts | {"asked": asked, "complaints": complaints}
            visited[path] = json.loads(json.dumps(found).replace(root, ""))
    return visited


@pytest.fixture(scope="module", params=VISITS, ids="-".join)
def visited(request: pytest.FixtureRequest, browser: Browser, site: Path) -> Facts:
    """What pages say when they are visited, on a web server and then from a folder."""
    place, which = request.param
    root = site.as_uri() if place == "folder" else request.getfixturevalue("server")
    return visit_all(browser, root, request.getfixturevalue(which))


def test_no_page_asks_another_site_for_anything(visited: Facts) -> None:
    foreign = {path: [address for address in facts["asked"] if address[0] != "/"] for path, facts in visited.items()}
    assert foreign == {path: [] for path in visited}
    assert all("/assets/book.css" in facts["asked"] for facts in visited.values()), "requests were not seen"


def test_no_request_fails_and_no_page_complains(visited: Facts) -> None:
    assert {path: facts["complaints"] for path, facts in visited.items()} == {path: [] for path in visited}


def test_the_footer_leads_nowhere_outside(visited: Facts) -> None:
    for path, facts in visited.items():
        assert facts["footer"], f"{path} has no way on or back"
        assert all(link["href"].startswith("/") for link in facts["footer"]), path


def test_the_switch_of_every_page_leads_to_the_same_place_in_each_language(visited: Facts) -> None:
    for path, facts in visited.items():
        places = {language_of(page): f"/{page}#{facts['anchor']}" for page in (path, twin_of(path))}
        assert {link["hreflang"]: link["href"] for link in facts["languages"]} == places
        assert facts["anchor"] in visited[twin_of(path)]["ids"], f"{twin_of(path)} lacks the place {facts['anchor']}"


def test_the_switch_says_which_language_is_read_and_names_each_in_its_own(visited: Facts) -> None:
    for path, facts in visited.items():
        assert [(link["lang"], link["name"], link["current"]) for link in facts["languages"]] == [
            ("en", "English", "true" if language_of(path) == "en" else None),
            ("es", "Español", "true" if language_of(path) == "es" else None),
        ]


def test_the_sentence_in_the_other_language_leads_to_the_twin(visited: Facts) -> None:
    for path, facts in visited.items():
        (link,) = facts["twin"]
        other = OTHER[language_of(path)]
        assert (link["lang"], link["hreflang"], link["href"]) == (other, other, f"/{twin_of(path)}")


def test_a_pages_description_is_its_summary(visited: Facts, site: Path) -> None:
    for path, facts in visited.items():
        head = (site / path).read_text(encoding="utf-8").partition("</head>")[0]
        said = re.findall(r'<meta (?:name|property)="(?:og:)?description" content="([^"]*)"', head)
        assert list(map(unescape, said)) == 2 * [facts["summary"]], path


def test_a_light_page_shows_only_a_figures_light_file(visited: Facts) -> None:
    figures = [shown for facts in visited.values() for shown in facts["figures"]]
    assert figures, "no page has a figure"
    assert all(shown == ["#only-light"] for shown in figures)


def test_every_computed_number_has_an_origin_and_is_not_a_stop_for_the_keyboard(visited: Facts) -> None:
    assert any(facts["origins"] for facts in visited.values())
    for path, facts in visited.items():
        assert all(origin and tab == -1 for origin, tab in facts["origins"]), path
