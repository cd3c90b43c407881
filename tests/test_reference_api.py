"""The pages on the API: what they document is there, once, and a page depends on nothing but its own modules."""

import re
from importlib.util import find_spec
from pathlib import Path

from figures_src.markup.api import documented, with_references
from figures_src.store import ROOT

PAGES = sorted((ROOT / "docs/en/reference/api").glob("*.md"))


def modules(page: Path) -> list[str]:
    return documented(page.read_text(encoding="utf-8"))


def test_each_documented_module_exists_and_is_on_one_page():
    found = [name for page in PAGES for name in modules(page)]
    assert len(found) >= 20
    assert sorted(set(found)) == sorted(found)
    assert all(find_spec(name) for name in found)


def test_both_languages_document_the_same_modules():
    for page in PAGES:
        assert modules(ROOT / "docs/es/reference/api" / page.name) == modules(page)


def test_the_overview_leads_to_every_page():
    overview = (ROOT / "docs/en/reference/api/index.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([\w-]+\.md)\)", overview)
    assert sorted(linked) == [page.name for page in PAGES if page.name != "index.md"]


def test_all_directives_of_a_page_are_found():
    assert documented("# Title\n\n::: kvlab.units\n\ntext ::: no\n\n::: kvlab.cache.dense\n") == [
        "kvlab.units", "kvlab.cache.dense",
    ]  # fmt: skip


def test_a_reference_is_a_link_within_its_page_and_text_elsewhere():
    here, there = (
        '<autoref identifier="a.B" optional hover>B</autoref>',
        '<autoref identifier="c.D" optional>D</autoref>',
    )
    assert with_references(f'<h3 id="a.B">B</h3>{here}{there}') == '<h3 id="a.B">B</h3><a href="#a.B">B</a>D'


def test_no_page_refers_to_what_another_documents(site):
    for path in (site / "reference/api").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<autoref" not in text
        assert not re.findall(r'href="[^"#]+#kvlab\.', text), path.name
    assert (
        'href="#kvlab.decoding.trace.Step"'
        in (site / "reference/api/runs.html").read_text(encoding="utf-8").split("<article")[1]
    )


def test_no_page_asks_for_the_style_sheet_of_mkdocstrings(site):
    paths = [site / folder / "reference/api/cache.html" for folder in ("", "es")]
    assert [path for path in paths if "mkdocstrings.css" in path.read_text(encoding="utf-8")] == []
