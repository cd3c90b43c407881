"""What a page shows of its results, and what an author is told when something is wrong: file, line, nearest name.

Slow: the figures of three pages drawn in both palettes, which one page's figures show as well.
"""

import re
from typing import NamedTuple

import markdown
import pytest

from figures_src import store, words
from figures_src.book import book, records
from figures_src.book.book import Book
from figures_src.book.records import page_of
from figures_src.declared import values
from figures_src.declared.page import Entry, Foreign, Page, Shown
from figures_src.declared.values import call, constant, parameter
from figures_src.errors import BookError, guarded
from figures_src.pages import background_decode_cost_model as cost_model
from figures_src.pages import index
from figures_src.pages import theory_00_motivation as motivation
from figures_src.pages import theory_05_worked_example as worked_example
from figures_src.plots.style import DARK, LIGHT, new_figure, recoloured, to_svg
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import memory, roofline
from kvlab.benchmark import record
from kvlab.cache.broken import BUGS, RingTooSmall
from kvlab.catalog import claims, mistakes
from kvlab.errors import KvlabError
from kvlab.experiments import minigpt


class Point(NamedTuple):
    x: int
    y: float


FRONT = "---\nsummary: All of [[size:KiB]].\n---\n\n"


def a_page():
    page = Page("theory/example")
    size = page.value("size", memory.weight_bytes, parameters=32768, bytes_per_element=4)
    page.value("share", units.ratio, numerator=1, denominator=4)
    page.formula("form", memory.weight_bytes, bytes_per_element=4)
    page.derivation("derived", "M", size, "B")

    @page.table
    def sizes(words):
        return [["MiniGPT", Shown(size, "KiB")]]

    @page.entries
    def terms(words):
        translated = [Foreign("hueco", "es"), ", masculine, ", Foreign("ranura", "es"), " not"]
        return [Entry("slot", "slot", [translated, ["A place, *one* a token."]]), Entry("s-max", "$S$ & more", [])]

    def draw(rows, words, palette):
        figure, [ax] = new_figure(palette, 100)
        ax.plot([row.x for row in rows], [row.y for row in rows])
        ax.set_xlabel(words.language)
        return figure

    room = page.blank(
        "room",
        size,
        call(mistakes.mistaken_free, memory=3, weights=1),
        beyond=parameter(1),
    )
    page.blank("reason")

    @page.table
    def asked(words):
        return [["the room", room]]

    page.figure("line", lambda: [Point(1, 3), Point(2, 4)], draw)
    return page


class Desk:
    """A book with one page in two languages, in a folder of its own."""

    def __init__(self, root, monkeypatch):
        monkeypatch.setattr(store, "STORE", root / "cache")
        self.root, self.page, self.book = root, a_page(), Book(root)
        for module in (book, records):
            monkeypatch.setattr(module, "page_of", lambda path: self.page)
        for language in ("en", "es"):
            (root / "docs" / language / "theory").mkdir(parents=True)
            self.source(language).write_text(FRONT)

    def source(self, language):
        return self.root / "docs" / language / "theory" / "example.md"

    def render(self, body, language="en", front=FRONT):
        if not body.startswith("# "):
            body = f"{body}\n\n# Title"
        self.source(language).write_text(front + body)
        url = f"{'' if language == 'en' else 'es/'}theory/example.html"
        meta = {}
        self.book.open_page("theory/example", language, self.source(language), url, meta)
        names = ["attr_list", "pymdownx.arithmatex", self.book.extension]
        config = {"pymdownx.arithmatex": {"generic": True}}
        html = markdown.markdown(body, extensions=names, extension_configs=config)
        return self.book.close_page(html)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return Desk(tmp_path, monkeypatch)


def test_a_number_in_prose_carries_its_exact_value_its_call_and_its_formula(desk):
    html = desk.render("# Title\n\nTakes [[size:KiB]].")
    assert (
        '<data class="kv" value="131072" '
        'data-from="kvlab.accounting.memory.weight_bytes(parameters=32768, bytes_per_element=4)" '
        'data-formula="N · s" data-format="KiB">128\u00a0KiB</data>'
    ) in html


def test_both_summaries_stand_under_the_title_and_the_second_links_to_the_twin(desk):
    desk.source("es").write_text(FRONT.replace("All of", "Son"))
    html = desk.render("# Title\n\nWords.")
    title, own, twin, _ = html.split("\n", 3)
    assert title == "<h1>Title</h1>"
    assert own.startswith('<p class="kv-summary">All of <data')
    link = '<a href="../es/theory/example.html" lang="es" hreflang="es">Son <data'
    assert twin.startswith(f'<p class="kv-twin" data-search-exclude="twin">{link}')
    spanish = desk.render("# Título", "es")
    assert '<a href="../../theory/example.html" lang="en" hreflang="en">' in spanish


def test_a_figure_has_a_file_for_each_palette_its_alt_text_and_its_data(desk):
    html = desk.render("[[fig line]]\nalt: a line to [[size:KiB]]\nThe *caption*.")
    assert 'id="fig-line"' in html
    for palette in ("light", "dark"):
        src = f"../assets/figures/theory/example/line.en.{palette}.svg#only-{palette}"
        assert f'<img src="{src}" alt="a line to 128\u00a0KiB"' in html
    assert "<em>caption</em>" in html
    assert desk.book.records.assets["assets/figures/theory/example/line.csv"] == "x,y\n1,3\n2,4\n"


def test_a_table_heads_its_rows_and_its_numbers_are_data(desk):
    html = desk.render("[[table sizes]]\n| Model | $S$ |\nA *caption* with [[size]].")
    assert '<th scope="row">MiniGPT</th>' in html
    assert '<td class="kv-number"><data class="kv" data-format="KiB"' in html
    assert 'value="131072">128\u00a0KiB</data></td>' in html
    assert '<p class="kv-caption" id="table-sizes-caption">A <em>caption</em> with <data' in html
    assert '<table aria-labelledby="table-sizes-caption">' in html


def test_a_mark_stands_after_a_number_of_a_table_and_is_no_part_of_it(desk):
    desk.page.tables["sizes"] = lambda _: [["MiniGPT", Shown(desk.page.values["size"], "KiB", "†")]]
    html = desk.render("[[table sizes]]\n| Model | $S$ |\nA caption with [[size]].")
    assert 'value="131072">128\u00a0KiB</data>†</td>' in html


def test_a_tables_cell_may_show_a_word_for_a_result_and_still_says_where_it_came_from(desk):
    verdict = call(units.bytes_per_element, dtype="fp16")
    desk.page.tables["sizes"] = lambda words: [["c", Shown(verdict, word="two")]]
    html = desk.render("[[table sizes]]\n| Model | $S$ |\ncaption")
    origin = "kvlab.units.bytes_per_element(dtype='fp16')"
    assert f'<data class="kv" data-format="named" data-from="{origin}" value="2">two</data>' in html


def test_a_list_has_an_id_a_term_and_a_line_for_each_that_is_said_other_languages_marked(desk):
    html = desk.render("[[list terms]]")
    assert '<dl class="kv-list">' in html
    link = '<a class="headerlink" href="#slot" title="Permanent link">¶</a>'
    assert f'<div id="slot">\n<dt>slot {link}</dt>' in html
    assert '<dd><i lang="es">hueco</i>, masculine, <i lang="es">ranura</i> not</dd>' in html
    assert "<dd>A place, <em>one</em> a token.</dd>" in html
    assert '<div id="s-max">\n<dt><math><mi>S</mi></math> &amp; more ' in html
    assert desk.book.records.used["theory/example", "en"] == {"size", "terms"}


def test_a_file_is_shown_as_it_stands_in_the_pages_language_and_nothing_in_it_is_a_token(desk):
    desk.page.file("program", lambda language: f"held = 1  # {language}: [[size]], $x$\n")
    for language in ("en", "es"):
        html = desk.render("[[file program]]", language)
        assert '<div class="highlight"><pre>' in html
        assert re.sub("<[^>]*>", "", html).strip().startswith(f"held = 1  # {language}: [[size]], $x$")
        assert "program" in desk.book.records.used["theory/example", language]


def test_a_derivation_shows_the_formula_the_numbers_and_the_result_in_the_pages_language(desk):
    english, spanish = desk.render("[[derive derived]]"), desk.render("[[derive derived]]", "es")
    for html, factor, result in ((english, "32,768", "131,072"), (spanish, "32\u202f768", "131\u202f072")):
        assert '<div class="kv-math" data-search-exclude="formula" role="group" aria-label="' in html
        assert "<mi>N</mi>" in html
        assert f"<mn>{factor}</mn>" in html
        assert f"<mn>{result}</mn>" in html
    assert 'aria-label="Formula"' in english
    assert 'aria-label="Fórmula"' in spanish


def test_a_field_carries_what_is_right_and_what_mistakes_give_and_is_labelled(desk):
    cell = desk.render("[[table asked]]\n| What | How much |\ncaption")
    field = re.search(r'<span class="kv-field".*?</span>', cell)[0]
    assert 'data-name="room" data-expected="131072" data-mistaken="{&quot;weights&quot;: &quot;3&quot;' in field
    assert 'data-beyond="yes"' in field
    assert field.count('aria-label="the room, How much"') == 1
    assert 'aria-label="hypothetical: the room, How much"' in field
    assert 'aria-describedby="field-room-told"' in field
    text = desk.render("[[field reason]]\nWhy *[[size:KiB]]*?", "es")
    assert '<label for="field-reason">Why <em><data class="kv"' in text
    assert '<textarea id="field-reason" name="reason" rows="5"></textarea>' in text
    assert "data-expected" not in text


def test_the_words_of_a_script_come_only_with_fields(desk):
    assert 'id="kv-lab" data-unreadable="' in desk.render("Words.")
    desk.page.fields.clear()
    assert "kv-lab" not in desk.render("Words.")


def test_a_call_is_shown_as_lines_that_run_and_give_what_stands_below_them(desk):
    html = desk.render("[[call size]]")
    assert '<div class="highlight"><pre>' in html
    shown = re.sub(r"<[^>]*>", "", re.search(r"<code>(.*?)</code>", html, re.DOTALL)[1]).rstrip("\n")
    program, _, result = shown.partition("\n# ")
    assert program == desk.page.values["size"].program.partition("\n# ")[0]
    assert program.count("\n") == 2, "short arguments stand on one line"
    scope = {}
    lines = program.split("\n")
    exec(lines[0], scope)
    assert repr(eval("\n".join(lines[1:]).strip(), scope)) == result.strip() == "131072"
    assert desk.book.records.used["theory/example", "en"] >= {"size"}


def test_a_call_with_many_arguments_has_a_line_for_each_and_a_long_result_is_left_out():
    shapes = {"n_layers": 3, "n_kv_heads": 5, "head_dim": 7, "context": 11, "batch": 13, "bytes_per_element": 2}
    program = call(memory.kv_cache_bytes, **shapes).program
    assert program.startswith("import kvlab.accounting.memory\n\nkvlab.accounting.memory.kv_cache_bytes(\n")
    assert "\n    n_layers=3,\n    n_kv_heads=5,\n" in program
    assert program.endswith(")\n# 60060")
    assert "#" not in call(minigpt.prompt_text, prompt="Yesterday I worked in the office with her.").program


def test_a_formula_stands_in_mathematics_with_the_given_numbers_put_in(desk):
    assert "<mi>N</mi>" in desk.render("$[[form]]$")
    assert "<mn>4</mn>" in desk.render("$[[form]]$")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Words.\n\nIt is [[siz]].", r"docs/en/theory/example\.md:7: unknown name 'siz'.*'size'"),
        ("It is [[size:Kib]].", r"docs/en/theory/example\.md:5: unknown format 'Kib'.*'KiB'"),
        ("It is [[share:KiB]].", r"docs/en/theory/example\.md:5: the format 'KiB' does not fit 0\.25"),
        ("It is [[form]].", r"docs/en/theory/example\.md:5: .*'form'"),
        ("[[file size]]", r"docs/en/theory/example\.md:5: unknown name 'size' among the files"),
        ("[[fig lime]]\nalt: a\ncaption", r"docs/en/theory/example\.md:5: unknown name 'lime'.*'line'"),
        ("[[table size]]\ncaption", r"docs/en/theory/example\.md:5: unknown name 'size'.*'sizes'"),
        ("[[derive drived]]", r"docs/en/theory/example\.md:5: unknown name 'drived'.*'derived'"),
        ("[[figure line]]", r"docs/en/theory/example\.md:5: unknown directive \[\[figure line\]\].*'fig'"),
        ("[[fig line]]\nno alt text", r"docs/en/theory/example\.md:5: .*needs a line 'alt: …'"),
        ("[[table sizes]]", r"docs/en/theory/example\.md:5: .*needs a line with its heads"),
        ("[[table sizes]]\ncaption", r"docs/en/theory/example\.md:5: .*needs a line with its heads"),
        ("[[table sizes]]\n| Model | $S$ |", r"docs/en/theory/example\.md:5: .*and then its caption"),
        ("[[table sizes]]\n| Model |\ncaption", r"docs/en/theory/example\.md:5: .* has 2 columns, and 1 heads"),
        ("[[list term]]", r"docs/en/theory/example\.md:5: unknown name 'term'.*'terms'"),
        ("[[field reason]]", r"docs/en/theory/example\.md:5: .*needs its label"),
        ("[[field raison]]\nWhy?", r"docs/en/theory/example\.md:5: unknown name 'raison'.*'reason'"),
        ("[[list terms]]\nand words", r"docs/en/theory/example\.md:5: .*stands alone"),
        ("[[list terms]]\n\n## S { #slot }", r"the id 'slot' stands twice"),
        ("[[call sise]]", r"docs/en/theory/example\.md:5: unknown name 'sise'.*'size'"),
        ("[[call size]]\nand words", r"docs/en/theory/example\.md:5: .*stands alone"),
        ("[[derive derived]]\nand words", r"docs/en/theory/example\.md:5: .*stands alone"),
        ("It is [[ size ]].", r"docs/en/theory/example\.md:5: \[\[ size \]\] is neither"),
        ("$\\frac{a}$", r"docs/en/theory/example\.md:5: bad LaTeX"),
        ("$\\undefined$", r"docs/en/theory/example\.md:5: bad LaTeX"),
        ("Fine: [[size]].\n\n`[[size:Kib]]`\n\nBad: [[size:Kib]].", r"docs/en/theory/example\.md:9: unknown format"),
        ("Costs $x.", r"docs/en/theory/example\.md:5: '\$x\.' is not mathematics"),
        ("[[fig line]]\nalt: a\nb\n\n[[fig line]]\nalt: a\nb", r"the id 'fig-line' stands twice"),
        ("It is [[form]].", r"'form' is a formula; write it inside"),
        ("Words.\n\nIt takes 128 KiB.", r"docs/en/theory/example\.md:7: '128' is typed"),
    ],
)
def test_a_mistake_on_a_page_is_named_with_file_line_and_the_nearest_name(desk, body, message):
    with pytest.raises(BookError, match=message):
        desk.render(body)


def test_a_page_without_a_summary_is_refused(desk):
    with pytest.raises(BookError, match=r"docs/en/theory/example\.md:1: .*no summary"):
        desk.render("Words.", front="---\ntitle: x\n---\n")


def test_a_page_without_a_twin_is_refused_and_the_missing_file_named(desk):
    desk.source("es").unlink()
    with pytest.raises(BookError, match=r"^docs/es/theory/example\.md:1: the page is missing"):
        desk.render("Words.")


def test_an_error_of_ours_or_of_syntax_becomes_the_generators_own_and_is_one_sentence():
    def mistaken():
        raise KvlabError("no such model")

    for work, sentence in (
        (mistaken, "no such model"),
        (lambda: compile("x = (1\ny = 2", "kvlab/units.py", "exec"), r"kvlab/units\.py:1: '\(' was never closed"),
    ):
        with pytest.raises(LookupError, match=f"^{sentence}$") as raised:
            guarded(work, LookupError)
        assert raised.value.__suppress_context__  # no traceback of ours is printed with it
    assert guarded(lambda: 3, LookupError) == 3


def test_front_matter_that_is_no_yaml_is_named_with_its_line(desk):
    with pytest.raises(BookError, match=r"docs/en/theory/example\.md:3: the front matter is not YAML"):
        desk.render("Words.", front="---\ntitle: x\nsummary: a: b\n---\n")


def test_a_page_without_a_first_heading_is_refused(desk):
    desk.render("# Title")
    with pytest.raises(BookError, match="no first heading"):
        desk.book.close_page("<p>words</p>")


@pytest.fixture
def claiming(desk, monkeypatch):
    """A desk with a claim that holds and two that do not, each with its sentence."""
    two, three = (call(units.ratio, numerator=n, denominator=1) for n in (2, 3))
    desk.page.claim("grows", two, three)
    desk.page.claim("shrinks", three, two)
    desk.page.same("stays", two, two, three)
    said = {"en": {"shrinks": "it shrinks", "stays": "it stays"}, "es": {"shrinks": "mengua", "stays": "se queda"}}
    known = words._load
    sentences = {
        language: known(language) | {f"claim.theory/example.{name}": text for name, text in said[language].items()}
        for language in said
    }
    monkeypatch.setattr(words, "_load", lambda language: sentences[language])
    return desk


def test_words_whose_claim_holds_stand_as_they_are_and_the_page_lists_nothing(claiming):
    html = claiming.render("[[if grows]] It *grows* to [[size:KiB]].")
    assert "<p>It <em>grows</em> to <data" in html
    assert "refuted" not in html
    assert claiming.book.records.all_refuted() == []


@pytest.mark.parametrize(
    ("language", "note"),
    [("en", "The claim: it shrinks. The results: 3, 2."), ("es", "La afirmación: mengua. Los resultados: 3, 2.")],
)
def test_instead_of_words_whose_claim_is_false_stands_what_is_false_in_the_pages_language(claiming, language, note):
    html = claiming.render("Before.\n\n- [[if grows]] [[if shrinks]] It shrinks to [[size:KiB]].\n- Else.", language)
    assert "It shrinks to" not in html
    assert '<p class="kv-refuted">' in html
    assert html.count(note) == 2  # there, and in the list at the top
    assert "<p>Before.</p>" in html
    [place] = claiming.book.records.all_refuted()
    assert place.startswith(f"docs/{language}/theory/example.md:7: ")
    assert note in place
    assert html.index("kv-refuted-list") < html.index("Before.")


def test_a_figure_and_a_table_stay_and_lose_the_words_that_are_false(claiming):
    html = claiming.render("[[fig line]]\nalt: [[if shrinks]] A falling line.\nIt shrinks.")
    assert "falling" not in html
    assert "It shrinks." not in html
    assert html.count("it shrinks") == 4  # two pictures' alt text, the caption, the list
    html = claiming.render("[[table sizes]]\n| Model | $S$ |\n[[if stays]] It stays at [[size:KiB]].")
    assert '<th scope="col">Model</th>' in html
    assert "It stays at" not in html
    assert "it stays. The results: 2, 2, 3." in html


def test_a_claim_that_nothing_relies_on_is_unused_and_an_unknown_one_refused(claiming):
    for language in ("en", "es"):
        claiming.render("[[if grows]] It grows.", language)
    unused = [complaint for complaint in claiming.book.records.unused() if "'grows'" in complaint]
    assert unused == []
    assert any("'stays' is not used" in complaint for complaint in claiming.book.records.unused())
    with pytest.raises(BookError, match=r"docs/en/theory/example\.md:5: unknown name 'grow'.*'grows'"):
        claiming.render("[[if grow]] It grows.")


def test_what_the_accounting_gives_that_is_no_whole_number_has_no_formula():
    assert call(roofline.ridge, flops_per_second=6, bytes_per_second=4).formula is None
    assert call(roofline.bound, flops=1, bytes_moved=2, flops_per_second=3, bytes_per_second=4).formula is None


def test_a_ratio_has_the_formulas_of_what_it_divides(desk):
    weights = call(memory.weight_bytes, parameters=3, bytes_per_element=4)
    assert call(units.ratio, numerator=weights, denominator=7).formula == "(N · s) / 7"


def test_a_page_without_a_module_is_refused():
    with pytest.raises(BookError, match=r"figures_src/pages/theory_99_none\.py"):
        page_of("theory/99-none")


def test_a_result_that_one_language_does_not_show_is_refused_where_it_is_defined(desk):
    blocks = "[[table sizes]]\n| Model | $S$ |\ncaption\n\n[[list terms]]\n\n[[derive derived]]\n\n"
    blocks += "[[fig line]]\nalt: a\ncaption\n\n"
    blocks += "[[table asked]]\n| What | How much |\ncaption\n\n[[field reason]]\nWhy?\n"
    everything = "[[share:percent]] $[[form]]$\n\n" + blocks
    desk.render(everything)
    desk.render(everything.replace("[[share:percent]]", ""), "es")
    [complaint] = desk.book.records.unused()
    assert re.match(r"test_book\.py:\d+: 'share' is not used in docs/es/theory/example\.md", complaint)
    desk.render(everything, "es")
    assert desk.book.records.unused() == []
    desk.book.write(desk.root / "site")
    assert (desk.root / "site/assets/figures/theory/example/line.es.dark.svg").read_text().startswith("<?xml")


def test_a_name_that_is_defined_twice_is_refused_with_both_lines():
    page = a_page()
    with pytest.raises(
        BookError, match=r"test_book\.py:\d+: 'size' is defined twice; the first is at .*test_book\.py:\d+"
    ):
        page.parameter("size", 1)


def test_a_missing_word_is_named_with_its_file():
    with pytest.raises(BookError, match=r"figures_src/words/es\.toml: no word 'work\.stap'.*'work\.step'"):
        Words("es")("work.stap")


def test_the_same_figure_is_drawn_once_and_another_one_anew(desk, monkeypatch):
    body = "[[fig line]]\nalt: a\ncaption"
    desk.render(body)
    assert desk.book.drawn == 1
    desk.render(body)
    assert desk.book.drawn == 1
    desk.page.figures["line"] = desk.page.figures["line"]._replace(data=lambda: [Point(1, 3), Point(2, 5)])
    desk.render(body)
    assert desk.book.drawn == 2
    desk.render(body, "es")
    assert desk.book.drawn == 3
    monkeypatch.setitem(words._load("en"), "line.x", "a word of its own")
    desk.render(body)
    assert desk.book.drawn == 4


PAGES = [
    worked_example.page,
    *(pytest.param(module.page, marks=pytest.mark.slow) for module in (index, cost_model, motivation)),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_figure_recoloured_for_the_dark_palette_is_the_one_that_would_be_drawn_for_it(page):
    for drawing in page.figures.values():
        light, dark = (to_svg(drawing.draw(drawing.data(), Words("en"), palette)) for palette in (LIGHT, DARK))
        assert with_counted_ids(recoloured(light, LIGHT, DARK)) == with_counted_ids(dark)
        assert not [colour for colour in (LIGHT.ink, *LIGHT.series) if colour in recoloured(light, LIGHT, DARK)]


def with_counted_ids(svg):
    """Return a drawing with its ids counted: matplotlib makes them from content, colours included."""
    ids = list(dict.fromkeys(re.findall(r"\b[a-z][0-9a-f]{10}\b", svg)))
    return re.sub(r"\b[a-z][0-9a-f]{10}\b", lambda match: f"id{ids.index(match[0])}", svg)


def test_a_number_that_the_page_sets_says_so_in_its_language(desk):
    desk.page.parameter("batch", 32)
    for language, origin in (("en", "set by this page"), ("es", "fijado por esta página")):
        number = f'<data class="kv kv-chosen" value="32" data-from="{origin}">32</data>'
        assert number in desk.render("[[batch]]", language)


def test_a_constant_comes_from_where_it_is_defined(desk):
    desk.page.constant("bugs", "len(kvlab.cache.broken.BUGS)")
    assert f'value="{len(BUGS)}" data-from="len(kvlab.cache.broken.BUGS)"' in desk.render("[[bugs]]")
    assert constant("kvlab.accounting.formats.ELEMENTS['q8_0'].block").result == 32
    assert constant("kvlab.cache.broken.RingTooSmall.SLOTS").program == (
        f"import kvlab.cache.broken\n\nkvlab.cache.broken.RingTooSmall.SLOTS\n# {RingTooSmall.SLOTS}"
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("kvlab.cache.READ_BLOK", "there is no kvlab.cache.READ_BLOK"),
        ("len(BUGS)", "names nothing of kvlab"),
        ("kvlab.cache.broken.BUGS['none']", "there is no kvlab.cache.broken.BUGS"),
    ],
)
def test_a_constant_that_is_not_there_is_refused_where_it_is_named(expression, message):
    with pytest.raises(KvlabError, match=message):
        Page("theory/example").constant("name", expression)


def test_a_part_of_a_result_says_its_path_and_is_kept_without_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "STORE", tmp_path)
    monkeypatch.setattr(values, "_seen", {})
    monkeypatch.setattr(values, "_wholes", {})
    whole = call(catalog.model, name="GPT-2 small")
    part = whole.field("decoder.n_layers")
    assert part.origin == "kvlab.catalog.models.model(name='GPT-2 small').decoder.n_layers"
    assert (part.result, whole.field("aliases[0]").origin.endswith(".aliases[0]")) == (12, True)
    values._seen.clear()
    values._wholes.clear()
    assert whole.field("decoder.n_layers").result == 12
    assert values._wholes == {}
    with pytest.raises(KvlabError, match=r"there is no .*\.decoder\.n_wheels"):
        _ = whole.field("decoder.n_wheels").result
    with pytest.raises(KvlabError, match="is a Decoder, which cannot be kept"):
        _ = whole.field("decoder").result


def test_a_value_that_is_used_by_another_is_put_in_as_its_result():
    inner = call(units.ratio, numerator=3, denominator=1)
    assert call(units.ratio, numerator=inner, denominator=1).origin == "kvlab.units.ratio(numerator=3, denominator=1)"


def test_values_in_a_list_are_put_in_as_their_results_and_make_what_uses_them_measured():
    inner, measured = call(units.ratio, numerator=3, denominator=1), call(record.measured, path="bench.rounds")
    outer = call(claims.tally, verdicts=[inner, 5, inner], verdict="holds")
    assert outer.origin == "kvlab.catalog.claims.tally(verdicts=[3, 5, 3], verdict='holds')"
    assert not outer.measured
    assert call(claims.tally, verdicts=[inner, measured], verdict="holds").measured
