"""The book that is being built: it reads the page modules, and gives each page what its tokens and blocks ask for."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures_src.book import measurements
from figures_src.book.records import PageRecords, page_of
from figures_src.declared import values
from figures_src.declared.page import Blank, Derivation, Entry, FormulaFace, Page, Shown
from figures_src.declared.values import Value
from figures_src.errors import BookError
from figures_src.markup import fields, mathfont
from figures_src.markup.api import with_references
from figures_src.markup.blocks import BlockExtension, Cell, Makers, Picture
from figures_src.markup.damage import damage
from figures_src.markup.data import data_attributes, table_cell
from figures_src.markup.links import with_addresses
from figures_src.markup.lint import typed_numbers
from figures_src.markup.math import to_mathml
from figures_src.markup.places import line_of
from figures_src.markup.summary import read_summary, with_summaries
from figures_src.markup.tokens import Faces, Token, TokenExtension, fill, fill_plain, mark, tokens_in
from figures_src.markup.unmeasured import UnmeasuredExtension
from figures_src.plots.style import LIGHT, PALETTES, recoloured, to_csv
from figures_src.plots.svg import svg_of
from figures_src.words import Words, numbers
from figures_src.words.addresses import address, twin_language
from kvlab import formula
from kvlab.benchmark.record import NotMeasuredError

UNSEARCHED = 'data-search-exclude="formula"'  # the search index leaves the element out, and then the attribute goes
CSS_PIXELS_WIDE = 576  # how wide a figure stands on a large screen


@dataclass
class Reading:
    """The page that is being read: what it is, in which language, and from which file."""

    page: Page
    language: str
    source: Path
    url: str


class Book:
    """All pages' results, what they used, and the files that belong beside them.

    Args:
        root: the project's folder.
        guard: runs work in which a `BookError` may be raised from within Markdown; a site generator turns it into
            its own kind of failure there.
        wait_for: returns once what another process computes of a page, by its path, is there.
    """

    def __init__(
        self,
        root: Path,
        guard: Callable[[Callable[[], None]], None] = lambda work: work(),
        wait_for: Callable[[str], None] = lambda path: None,  # noqa: ARG005
    ) -> None:
        self.root = root
        self._wait_for = wait_for
        self.records = PageRecords()
        self.drawn = 0
        self.tokens = TokenExtension()
        makers = Makers(
            picture=self._picture,
            table=self._table,
            entries=self._entries,
            derivation=self._derivation,
            field=self._field,
            call=lambda name: str(self._named("values", name).program),
            file=lambda name: str(self._named("files", name)(self._current().language)),
            check=self._check_measured,
            sentence=self._unmeasured,
        )
        unmeasured = UnmeasuredExtension(self._check_measured, self._unmeasured)
        self.extensions = (self.tokens, BlockExtension(makers, self._guard_block), unmeasured)  # of Markdown
        self._guard = guard
        self._reading: Reading | None = None

    # One page, from its text to its HTML.

    def open_page(
        self, path: str, language: str, source: Path, url: str, front_matter: MutableMapping[str, Any]
    ) -> None:
        """Begin to read a page: its module is found, and tokens in its front matter are replaced by plain text."""
        self._wait_for(path)
        self.tokens.tokens.clear()
        self.records.begin(path, language)
        self._reading = Reading(page_of(path), language, source, url)
        if "title" in front_matter:
            front_matter["title"] = self.plain(str(front_matter["title"]))
        front_matter["description"] = html.escape(self.plain(self.summary_of(source)))  # an attribute of the head
        typed = typed_numbers(source.read_text(encoding="utf-8"))
        if typed:
            where = f"{source.relative_to(self.root)}:{typed[0].line}"
            raise BookError(f"{where}: {typed[0].word!r} is typed; name its value in the page module, write [[name]]")

    def summaries(self) -> tuple[str, str, str, str]:
        """Return the summaries of the page in hand and of its twin as HTML, the twin's address and its language."""
        reading = self._current()
        own = self.rich(self.summary_of(reading.source))
        language = twin_language(reading.language)
        twin = self.root / "docs" / language / f"{reading.page.path}.md"
        url = address(reading.page.path, language)
        self.records.used.setdefault((reading.page.path, language), set())
        self._reading = Reading(reading.page, language, twin, url)
        twins = self.rich(self.summary_of(twin))
        self._reading = reading
        return own, twins, posixpath.relpath(url, posixpath.dirname(reading.url) or "."), language

    def plain(self, text: str) -> str:
        """Return a text of the page that is being read with its tokens as plain text."""
        tokens: list[Token] = []
        return fill_plain(mark(text, tokens), tokens, self._in_attribute)

    def rich(self, text: str) -> str:
        """Return a text of the page that is being read as HTML, its tokens as `<data>` elements."""
        tokens: list[Token] = []
        return fill(html.escape(mark(text, tokens), quote=False), tokens, self._faces())

    def plain_mark(self, text: str) -> str:
        """Return a text that has been through Markdown, such as a heading in a menu, with its marks replaced."""
        return fill_plain(text, self.tokens.tokens, self._in_attribute)

    def close_page(self, page_html: str) -> str:
        """Return the page's finished HTML: every mark replaced, every formula MathML."""
        found = damage(page_html)
        if found:
            raise self._at_line(found.text, BookError(found.what))
        page_html += fields.words_of(self._current().page, Words(self._current().language))
        page_html = with_references(fill(page_html, self.tokens.tokens, self._faces()))
        return with_summaries(with_addresses(page_html), *self.summaries())

    def ran(self) -> int:
        """Return how many calls ran because their results were not kept."""
        return len(values.ran)

    def write(self, site: Path) -> None:
        """Write what lies beside the pages."""
        for path, content in self.records.assets.items():
            _write(site / path, content.encode())
        _write(site / "assets/fonts/stix-two-math.woff2", mathfont.woff2())

    def summary_of(self, source: Path) -> str:
        """Return the summary in a page's front matter. Raises `BookError` that says where there is none."""
        try:
            return read_summary(source)
        except BookError as error:
            raise BookError(f"{source.relative_to(self.root)}:{error}") from None

    # Tokens.

    def _faces(self) -> Faces:
        return Faces(
            in_prose=self._in_prose, in_math=self._in_math, in_attribute=self._in_attribute, mathml=self._mathml
        )

    def _in_prose(self, token: Token) -> str:
        value = self._value(token)
        shown = self._show(token, value)
        attributes = " ".join(
            f'{name}="{html.escape(text)}"' for name, text in data_attributes(value, token.format).items()
        )
        shown = f"<data {attributes}>{html.escape(shown, quote=False)}</data>"
        return shown + measurements.stale_mark(value, Words(self._current().language))

    def _in_attribute(self, token: Token) -> str:
        return self._show(token, self._value(token))

    def _in_math(self, token: Token) -> str:
        reading = self._current()
        if token.name in reading.page.formulas:
            self._use(token.name)
            return self._formula_latex(reading.page.formulas[token.name])
        shown = self._show(token, self._value(token))
        return numbers.to_latex(shown)

    def _formula_latex(self, face: FormulaFace) -> str:
        given = {name: value.result if isinstance(value, Value) else value for name, value in face.given.items()}
        return formula.write(face.function, self._latex(), given)

    def _mathml(self, latex: str, display: bool, written: str) -> str:
        try:
            mathml = to_mathml(latex, display)
        except BookError as error:
            raise self._at_line(written.splitlines()[0], error) from None
        if not display:
            # A symbol in a sentence is a word of it; a formula is none that anybody searches for.
            return mathml if "<mo" not in mathml else mathml.replace("<math", f"<math {UNSEARCHED}", 1)
        # A group, and not a region: a page has many of them, and a region would be a landmark.
        label = html.escape(Words(self._current().language)("book.formula"))
        return f'<div class="kv-math" {UNSEARCHED} role="group" aria-label="{label}">{mathml}</div>'

    def _value(self, token: Token) -> Value:
        try:
            value: Value = self._current().page.find("values", token.name)
        except BookError as unknown:
            misplaced = BookError(f"{token.name!r} is a formula; write it inside $…$")
            is_formula = token.name in self._current().page.formulas
            raise self._at_line(str(token), misplaced if is_formula else unknown, token.nth) from None
        self._use(token.name)
        return value

    def _show(self, token: Token, value: Value) -> str:
        try:
            return numbers.show(value.result, token.format, self._current().language)
        except BookError as error:
            raise self._at_line(str(token), error, token.nth) from None

    # Blocks.

    def _guard_block(self, first_line: str, work: Callable[[], None]) -> None:
        def located() -> None:
            try:
                work()
            except BookError as error:
                raise self._at_line(first_line, error) from None

        self._guard(located)

    def _table(self, name: str) -> tuple[list[str], list[list[Cell]], str]:
        reading = self._current()
        table = self._named("tables", name)(Words(reading.language))
        shown = [cell.value for row in table.rows for cell in row if isinstance(cell, Shown)]
        cells = [[self._cell(cell) for cell in row] for row in table.rows]
        return list(table.header), cells, measurements.stale_note(shown, Words(reading.language))

    def _field(self, name: str) -> Callable[[str], str]:
        return fields.blank(name, self._named("fields", name), Words(self._current().language))

    def _cell(self, cell: str | Shown | Blank) -> Cell:
        language = self._current().language
        if isinstance(cell, Blank):
            return Cell("", blank=self._field(cell.name))
        try:
            return table_cell(cell, language)
        except NotMeasuredError as error:
            return Cell(Words(language)(measurements.CELLS[error.reason]))

    def _entries(self, name: str) -> list[Entry]:
        return list(self._named("lists", name)(Words(self._current().language)))

    def _derivation(self, name: str) -> str:
        reading = self._current()
        derivation: Derivation = self._named("derivations", name)
        value, dialect = derivation.value, self._latex()
        shown = numbers.show(value.result, derivation.format, reading.language)
        lines = [
            rf"{derivation.symbol} &= {formula.write(value.function, dialect)}",
            rf"&= {formula.with_numbers(value.function, value.literals, dialect)}",
            rf"&= {numbers.to_latex(shown)}",
        ]
        return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"

    def _picture(self, name: str) -> Picture:
        reading = self._current()
        drawing = self._named("figures", name)
        data = drawing.data()
        own_words = Words(reading.language, f"{name}.")  # a drawing can ask for no others: they are in its key
        folder = f"assets/figures/{reading.page.path}"
        svg = svg_of(data, drawing.draw, own_words, self._count_drawing)
        files = {
            f"{folder}/{name}.{reading.language}.{palette.name}.svg": recoloured(svg, LIGHT, palette)
            for palette in PALETTES
        } | {f"{folder}/{name}.csv": to_csv(data)}
        self.records.add_assets(files)
        width, height = (float(n) for n in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
        up = posixpath.relpath(folder, posixpath.dirname(reading.url) or ".")
        return Picture(
            image_url=lambda palette: f"{up}/{name}.{reading.language}.{palette}.svg",
            csv_url=f"{up}/{name}.csv",
            csv_label=Words(reading.language)("book.csv"),
            width=CSS_PIXELS_WIDE,
            height=round(CSS_PIXELS_WIDE * height / width),
            note=Words(reading.language)("book.stale_figure") if drawing.measured and measurements.stale() else "",
        )

    def _count_drawing(self) -> None:
        self.drawn += 1

    # Measurements.

    def _check_measured(self, text: str, block: str = "") -> None:
        """Raise `NotMeasuredError` when a value that `text` names has none; its names count as used even so.

        So does the name of the `block` that the text is the caption of.
        """
        page = self._current().page
        names = {block, *(token.name for token in tokens_in(text, self.tokens.tokens))}
        for name in names & page.defined_at.keys():  # first: what they stand around may lack a measurement too
            self._use(name)
        measurements.require(page.values[name] for name in names & page.values.keys())

    def _unmeasured(self, error: NotMeasuredError) -> str:
        return measurements.sentence(error, Words(self._current().language))

    # Where we are.

    def _named(self, kind: str, name: str) -> Any:
        found = self._current().page.find(kind, name)
        self._use(name)
        return found

    def _latex(self) -> formula.Dialect:
        language = self._current().language
        return formula.latex_dialect(lambda number: numbers.to_latex(numbers.show(number, "", language)))

    def _use(self, name: str) -> None:
        reading = self._current()
        self.records.used[reading.page.path, reading.language].add(name)

    def _current(self) -> Reading:
        assert self._reading is not None, "open_page comes first"
        return self._reading

    def _at_line(self, text: str, error: BookError, nth: int = 0) -> BookError:
        """Return the error with its file in front, and the line on which `text` stands for the `nth` time, from 0."""
        source = self._current().source
        line = line_of(text, source.read_text(encoding="utf-8"), nth)
        return BookError(f"{source.relative_to(self.root)}:{line}: {error}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
