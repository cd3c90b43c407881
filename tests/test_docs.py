"""The two trees are twins: each page says in Spanish what it says in English, in the same order.

Slow: whether every word of the words files is used, since all figures are drawn for it.
"""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

from figures_src.book.records import page_of
from figures_src.markup import fields
from figures_src.markup.lint import typed_numbers
from figures_src.pages.shared import glossary
from figures_src.plots.style import LIGHT
from figures_src.words import LANGUAGES, Words, _load
from kvlab.catalog.mistakes import SENTENCES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGE_MODULES = [
    path.stem for path in (ROOT / "figures_src/pages").glob("*.py") if "\npage = " in path.read_text(encoding="utf-8")
]
PAGES = sorted(path.relative_to(DOCS / "en").as_posix() for path in (DOCS / "en").rglob("*.md"))

FENCE = re.compile(r"^(`{3,}).*?^\1 *$", re.MULTILINE | re.DOTALL)


def structure(markdown):
    """Return what a page and its twin must have in common, each in the order in which it comes."""
    code = [match[0] for match in FENCE.finditer(markdown)]
    text = FENCE.sub("", markdown)
    return {
        "headings": re.findall(r"^(#+) .*\{ (#[\w-]+) \}$", text, re.MULTILINE),
        "blocks": re.findall(r"^\[\[(\w+ \w+)\]\]", text, re.MULTILINE),
        "tokens": re.findall(r"\[\[([\w:]+)\]\]", text),
        "links": re.findall(r"\]\(([^)\s]*)", text),
        "inline code": re.findall(r"`([^`\n]+)`", text),
        "code": code,
        "admonitions": re.findall(r"^(?:!!!|\?\?\?\+?) (\w+)", text, re.MULTILINE),
        "front matter": re.findall(r"^(\w+):", text.split("---")[1], re.MULTILINE),
    }


def test_there_is_a_page_to_look_at():
    assert "index.md" in PAGES
    assert "theory/05-worked-example.md" in PAGES


def test_each_page_has_its_twin():
    spanish = sorted(path.relative_to(DOCS / "es").as_posix() for path in (DOCS / "es").rglob("*.md"))
    assert spanish == PAGES


PATHS = [page.removesuffix(".md") for page in PAGES]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_and_its_twin_have_the_same_structure(page):
    english, spanish = (structure((DOCS / language / page).read_text(encoding="utf-8")) for language in ("en", "es"))
    for kind in english:
        assert spanish[kind] == english[kind], kind


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_heading_has_an_explicit_id_of_its_own(page, language):
    text = FENCE.sub("", (DOCS / language / page).read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ .*$", text, re.MULTILINE)
    ids = re.findall(r"^#+ .*\{ #([\w-]+) \}$", text, re.MULTILINE)
    assert len(ids) == len(headings)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["en", "es"])
def test_no_number_is_typed(page, language):
    assert typed_numbers((DOCS / language / page).read_text(encoding="utf-8"), language) == []


def test_the_loops_with_a_cache_and_without_run_as_they_stand_and_say_the_same(capsys):
    text = (DOCS / "en/background/decode-cost-model.md").read_text(encoding="utf-8")
    scope = {}
    for block in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        exec(block, scope)
    without, kept = capsys.readouterr().out.splitlines()
    assert without == kept
    assert without.startswith("Yesterday I worked")


def entries(table, prefix=""):
    for key, entry in table.items():
        yield from entries(entry, f"{prefix}{key}.") if isinstance(entry, dict) else [(prefix + key, entry)]


def keys(table):
    return [key for key, _ in entries(table)]


def test_figures_and_tables_have_the_same_words_in_both_languages():
    words = [
        tomllib.loads((ROOT / f"figures_src/words/{lang}.toml").read_text(encoding="utf-8")) for lang in ("en", "es")
    ]
    assert keys(words[0]) == keys(words[1])


@pytest.mark.slow
@pytest.mark.usefixtures("site")  # its build keeps the values
def test_every_word_is_asked_for_by_a_figure_or_a_table_or_the_book(monkeypatch):
    asked = set()
    answer = Words.__call__

    def noting(self, key):
        asked.add(key)
        return answer(self, key)

    monkeypatch.setattr(Words, "__call__", noting)
    for module in PAGE_MODULES:
        page = importlib.import_module(f"figures_src.pages.{module}").page
        for make in page.tables.values():
            make(Words("en"))
        for make in page.lists.values():
            make(Words("en"))
        for name, drawing in page.figures.items():
            drawing.draw(drawing.data(), Words("en", f"{name}."), LIGHT)
    asked |= {f"lab.{word}" for word in fields.WORDS} | {f"lab.mistake_{name}" for name in SENTENCES}
    asked.add("status.different")  # of a model whose count is not the published one: today there is none
    book = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "figures_src").rglob("*.py"))
    asked |= set(re.findall(r'"((?:book|preview)\.(?!css")\w+)"', book))
    assert asked == set(keys(tomllib.loads((ROOT / "figures_src/words/en.toml").read_text(encoding="utf-8"))))


@pytest.mark.usefixtures("site")  # likewise
def test_the_results_bear_out_what_the_words_of_the_pages_rely_on():
    claims = [(path, name) for path in PATHS for name in page_of(path).claims]
    assert len(claims) > 100
    assert [(path, name) for path, name in claims if page_of(path).refuted(name)] == []


def test_each_claim_has_its_sentence_in_both_languages_and_no_sentence_is_left_over():
    claims = {f"claim.{path}.{name}" for path in PATHS for name in page_of(path).claims}
    for language in LANGUAGES:
        said = {key: text for key, text in _load(language).items() if key.startswith("claim.")}
        assert set(said) == claims
        assert all(said.values())


def prose(markdown):
    """Return what a page says in words: without code, mathematics, tokens, ids, and targets of links."""
    text = re.sub(r"^:::.*$", "", FENCE.sub("", markdown), flags=re.MULTILINE)  # names of modules, too
    return re.sub(r"`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$|\[\[[^\]]*\]\]|\{[^}]*\}|\]\([^)]*\)", " ", text, flags=re.DOTALL)


def said(page, language):
    """Return a page's prose without its sources, whose titles stay in their own language."""
    return prose(
        re.split(r"^## .*\{ #sources? \}$", (DOCS / language / page).read_text(encoding="utf-8"), flags=re.M)[0]
    )


@pytest.mark.parametrize("page", PAGES)
def test_where_a_page_uses_a_term_its_twin_uses_its_one_translation(page):
    english, spanish = said(page, "en"), said(page, "es")
    used = [term for term in glossary.terms() if term.stands_in(english, "en")]
    assert [f"{t.names['en']}: {t.names['es']}" for t in used if not t.stands_in(spanish, "es")] == []


def test_terms_are_found_in_the_pages_and_one_that_is_translated_otherwise_is_missed():
    page = "theory/05-worked-example.md"
    used = {term.id for term in glossary.terms() if term.stands_in(said(page, "en"), "en")}
    assert {"kv-cache", "layer", "slot", "decode", "kv-head", "norm"} <= used
    slot = next(term for term in glossary.terms() if term.id == "slot")
    assert not slot.stands_in(said(page, "es").replace("hueco", "sitio"), "es")


WORDS_ES = dict(entries(tomllib.loads((ROOT / "figures_src/words/es.toml").read_text(encoding="utf-8"))))


@pytest.mark.parametrize("avoided", glossary.avoided(), ids=lambda avoided: avoided.words[0])
def test_no_spanish_page_and_no_figure_says_what_is_to_be_avoided(avoided):
    for page in PAGES:
        assert avoided.found_in(said(page, "es")) == [], page
    assert avoided.found_in("\n".join(WORDS_ES.values())) == []


SPANISH = "".join(path.read_text(encoding="utf-8") for path in sorted((DOCS / "es").rglob("*.md")))


def test_spanish_opens_its_questions_and_exclamations():
    prose = re.sub(r"\]\([^)]*\)", "", SPANISH)
    assert prose.count("?") - 2 * prose.count("???") - prose.count("???") == prose.count("¿")
    assert prose.count("¡") == len(re.findall(r"(?<!!)!(?!!)", prose))
