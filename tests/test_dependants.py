"""What is kept is never stale: after a change of any kind a warm build gives the bytes of a cold one.

And no other files than those that depend on what was changed are other than before.

Slow: each kind of change takes two builds, one of them from nothing. A few of them in a row stay fast.
"""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from small_project import PICTURES, SIZE_LINE
from test_build import different

PAGES = ("index.html", "reference/speed.html", "theory/size.html")
SEARCH = ("search/search_index.js", "search/search_index.json")  # a language's pages as its search finds them
FIGURE = "assets/figures/theory/size/rising"


def in_spanish(*files):
    return {f"es/{file}" for file in files}


def in_both(*files):
    return {*files, *in_spanish(*files)}


def drawings(*languages):
    return {f"{FIGURE}.{language}.{palette}.svg" for language in languages for palette in ("light", "dark")}


class Change(NamedTuple):
    """A change of an input, and what depends on it: files of the site, drawings, and whether any call.

    Where all is computed again, by two processes, nobody counts the drawings: `drawn` is None.
    """

    make: Callable
    files: set
    drawn: int | None = 0
    runs: bool = False


def replacing(file, old, new):
    return lambda project: project.edit(file, old, new)


def measured(project):
    """Put another time into the record of measurements."""
    [path] = (project.root / "records").glob("*.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    record["results"]["bench"]["mini"]["decode_us_per_token"] = 99.5
    path.write_text(json.dumps(record), encoding="utf-8")


def library(name, code):
    """Return what makes a project be built with another version of a library, which does something else."""

    def make(project):
        folder = project.root / "upgraded"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(
            "from importlib import metadata\n"
            "known = metadata.Distribution.version.fget\n"
            "metadata.Distribution.version = property(\n"
            f"    lambda it: '999.0' if it.metadata['Name'].lower() == {name!r} else known(it)\n"
            ")\n" + code
        )
        project.environment["PYTHONPATH"] = str(folder)

    return make


MARKDOWN = """
from markdown import Markdown
convert = Markdown.convert
Markdown.convert = lambda self, source: convert(self, source) + "<!-- converted anew -->"
"""
MATPLOTLIB = """
from matplotlib.figure import Figure
savefig = Figure.savefig
def savefig_with_a_title(self, *arguments, metadata, **options):
    savefig(self, *arguments, metadata={**metadata, "Title": "drawn anew"}, **options)
Figure.savefig = savefig_with_a_title
"""

CHANGES = {
    "a sentence": Change(replacing("docs/en/index.md", "and goes on to", "and then comes to"), {"index.html", *SEARCH}),
    "a summary, which the twin says too": Change(
        replacing("docs/es/theory/size.md", "Una caché ocupa", "Una caché tiene"),
        {*in_both("theory/size.html"), *in_spanish(*SEARCH)},
    ),
    "a page's title, which all menus name": Change(
        replacing("docs/en/reference/speed.md", "title: The speed", "title: How fast"), set(PAGES)
    ),
    "a word of a figure": Change(
        replacing("figures_src/words/en.toml", '[rising]\nx = "tokens"', '[rising]\nx = "held"'),
        drawings("en"),
        drawn=1,
    ),
    "a word of a table": Change(
        replacing("figures_src/words/es.toml", 'tokens = "{n} tokens"', 'tokens = "{n} en total"'),
        in_spanish("theory/size.html", *SEARCH),
    ),
    "a term of the glossary": Change(
        replacing("figures_src/words/glossary.toml", "The place of one token", "The room of one token"),
        {"index.html", *SEARCH},
    ),
    "a program that a page shows lines of": Change(
        replacing("kvlab/labs/starters/starter_01.es.toml", "Cuántos tokens tiene", "El número de tokens de"),
        in_spanish("reference/speed.html", *SEARCH),
    ),
    "a word of the book": Change(
        replacing("figures_src/words/en.toml", 'csv = "Data (CSV)"', 'csv = "The data (CSV)"'),
        {"theory/size.html", *SEARCH},
    ),
    "a title of the navigation": Change(
        replacing("mkdocs.yml", "  - Home: index.md", "  - Start: index.md"), in_both(*PAGES)
    ),
    "the levels of the navigation": Change(
        replacing("mkdocs.yml", "  - Reference:\n      - reference", "      - Reference:\n          - reference"),
        in_both(*PAGES),
    ),
    "a word of the theme": Change(
        replacing("mkdocs.yml", "    menu: Contents", "    menu: Pages"), {*PAGES, "404.html"}
    ),
    "a template of the theme": Change(
        replacing("figures_src/theme/overrides/main.html", 'content="article"', 'content="book"'), in_both(*PAGES)
    ),
    "a style of the theme": Change(
        replacing("figures_src/theme/overrides/assets/book.css", "/*", "/* another */\n/*"), {"assets/book.css"}
    ),
    "a datum of the catalog": Change(
        replacing("kvlab/catalog/devices.json", "1008000000000", "1009000000000"),
        in_both("reference/speed.html", *SEARCH),
        runs=True,
    ),
    "the record of measurements": Change(measured, in_both("reference/speed.html", *SEARCH)),
    "a formula": Change(
        replacing("kvlab/accounting/memory.py", SIZE_LINE, SIZE_LINE.replace("2", "3")),
        {*in_both("theory/size.html", *SEARCH), *drawings("en", "es"), f"{FIGURE}.csv"},
        drawn=2,
        runs=True,
    ),
    "a page module": Change(
        replacing("figures_src/pages/index.py", '"Yesterday I"', '"Tomorrow she"'),
        in_both("index.html", *SEARCH),
        runs=True,
    ),
    "a page module, whose number is in a title": Change(
        replacing("figures_src/pages/theory_size.py", 'parameter("tokens", 128)', 'parameter("tokens", 256)'),
        in_both(*PAGES, *SEARCH),
        runs=True,
    ),
    "a drawing": Change(
        replacing("figures_src/plots/rising.py", "palette.series[0]", "palette.series[1]"),
        drawings("en", "es"),
        drawn=2,
    ),
    "what turns tokens into numbers": Change(
        replacing("figures_src/words/numbers.py", '"en": Style(",",', '"en": Style("\'",'),
        {"reference/speed.html", "theory/size.html", *SEARCH},
        drawn=2,  # drawings write numbers too, if not this one
    ),
    "the library of Markdown": Change(library("markdown", MARKDOWN), in_both(*PAGES)),
    "the library of drawings": Change(
        library("matplotlib", MATPLOTLIB),
        {*drawings("en", "es"), "assets/preview-en.png", "assets/preview-es.png"},
        drawn=None,
        runs=True,
    ),
    "the site's address": Change(
        lambda project: project.environment.update(KVLAB_SITE_URL="https://book.example/"),
        {*in_both(*PAGES), "sitemap.xml", "sitemap.xml.gz"},
    ),
    "the day of the build": Change(
        lambda project: project.environment.update(SOURCE_DATE_EPOCH="1790000000"), {"sitemap.xml", "sitemap.xml.gz"}
    ),
}


def check_log(log, change):
    drawn, ran = re.search(r"figures drawn: (\d+), calls run: (\d+)", log).groups()
    assert change.drawn in (int(drawn), None)
    assert (int(ran) > 0) == change.runs


def check_against_a_cold_build(project, *but):
    warm = project.site()
    project.forget(*but)
    project.built()
    assert different(project.site(), warm) == []


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_changes_its_dependants_and_nothing_else(small, change):
    before = small.site()
    change.make(small)
    check_log(small.built(), change)
    assert different(small.site(), before) == sorted(change.files)
    check_against_a_cold_build(small, *PICTURES, "builds")


def test_changes_in_a_row_change_the_dependants_of_each_and_nothing_else(small):
    for kind in ("a summary, which the twin says too", "a word of a figure", "a datum of the catalog"):
        before = small.site()
        CHANGES[kind].make(small)
        check_log(small.built(), CHANGES[kind])
        assert different(small.site(), before) == sorted(CHANGES[kind].files), kind
    check_against_a_cold_build(small, *PICTURES, "builds", "figures", "values")
