"""One page in one language: what its tokens and directives become."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figures_src.book import measurements
from figures_src.book.records import PageRecords
from figures_src.declared.page import Blank, Claim, Derivation, Entry, FormulaFace, Page, Shown
from figures_src.declared.values import Value
from figures_src.errors import BookError
from figures_src.markup import fields
from figures_src.markup.data import data_attributes, table_cell
from figures_src.markup.math import to_mathml
from figures_src.markup.places import line_of
from figures_src.markup.renderer import Cell, Picture
from figures_src.markup.tokens import Token, fill, fill_plain, mark, tokens_in
from figures_src.plots.style import LIGHT, PALETTES, recoloured, to_csv
from figures_src.plots.svg import svg_of
from figures_src.words import Words, numbers
from kvlab import formula
from kvlab.benchmark.record import NotMeasuredError
from kvlab.formula.contents import is_ratio

UNSEARCHED = 'data-search-exclude="formula"'  # the search index leaves the element out, and then the attribute goes
CSS_PIXELS_WIDE = 576  # how wide a plot stands on a large screen


class PageRenderer:
    """What Markdown asks of a page that is being read: a `figures_src.markup.renderer.Renderer`.

    Args:
        page: what its module declares.
        language: of its text.
        source: the file of its text.
        file_name: that file, as messages name it.
        url: its address in the site.
        records: where what it uses is noted.

    Attributes:
        tokens: those of its text, in the order of their marks.
        drawn: plots that were drawn, and not kept.
    """

    def __init__(self, page: Page, language: str, source: Path, file_name: str, url: str, records: PageRecords) -> None:
        self.page, self.language, self.source, self.file_name, self.url = page, language, source, file_name, url
        self.tokens: list[Token] = []
        self.drawn = 0
        self._words = Words(language)
        self._records, self._used = records, records.used.setdefault((page.path, language), set())

    def plain(self, text: str) -> str:
        """Return a text with its tokens as plain text."""
        tokens: list[Token] = []
        return fill_plain(mark(text, tokens), tokens, self.in_attribute)

    def rich(self, text: str) -> str:
        """Return a text as HTML, its tokens as `<data>` elements."""
        tokens: list[Token] = []
        return fill(html.escape(mark(text, tokens), quote=False), tokens, self)

    # Tokens.

    def in_prose(self, token: Token) -> str:
        """Return a token as a `<data>` element."""
        value = self._value(token)
        shown = self._show(token, value)
        named = data_attributes(value, token.format, self.language)
        attributes = " ".join(f'{name}="{html.escape(text)}"' for name, text in named.items())
        shown = f"<data {attributes}>{html.escape(shown, quote=False)}</data>"
        return shown + measurements.stale_mark(value, self._words)

    def in_attribute(self, token: Token) -> str:
        """Return a token as plain text."""
        return self._show(token, self._value(token))

    def in_math(self, token: Token) -> str:
        """Return a token as LaTeX: a formula, or a number."""
        if token.name in self.page.formulas:
            self._used.add(token.name)
            return self._formula_latex(self.page.formulas[token.name])
        return numbers.to_latex(self._show(token, self._value(token)))

    def _formula_latex(self, face: FormulaFace) -> str:
        given = {name: value.result if isinstance(value, Value) else value for name, value in face.given.items()}
        if is_ratio(face.function):
            return formula.write_ratio(face.function, self._latex(), given)
        return formula.write(face.function, self._latex(), given, multiplies=face.multiplies)

    def mathml(self, latex: str, display: bool, written: str) -> str:
        """Return LaTeX as MathML. Raises `BookError` with the line on which it is `written`."""
        with self.errors_at(written.splitlines()[0]):
            mathml = to_mathml(latex, display)
        if not display:
            # A symbol in a sentence is a word of it; a formula is none that anybody searches for.
            return mathml if "<mo" not in mathml else mathml.replace("<math", f"<math {UNSEARCHED}", 1)
        # A group, and not a region: a page has many of them, and a region would be a landmark.
        label = html.escape(self._words("book.formula"))
        return f'<div class="kv-math" {UNSEARCHED} role="group" aria-label="{label}">{mathml}</div>'

    def _value(self, token: Token) -> Value:
        with self.errors_at(str(token), token.nth):
            if token.name in self.page.formulas:
                raise BookError(f"{token.name!r} is a formula; write it inside $…$")
            value: Value = self._find("values", token.name)
        return value

    def _show(self, token: Token, value: Value) -> str:
        with self.errors_at(str(token), token.nth):
            return numbers.show(value.result, token.format, self.language)

    # Directives.

    def table(self, name: str) -> tuple[list[list[Cell]], str]:
        """Return a table's rows, and what its caption says of old measurements."""
        rows = self._find("tables", name)(self._words)
        shown = [cell.value for row in rows for cell in row if isinstance(cell, Shown)]
        return [[self._cell(cell) for cell in row] for row in rows], measurements.stale_note(shown, self._words)

    def field(self, name: str) -> Callable[[str], str]:
        """Return what makes a field's HTML from its label."""
        return fields.blank(name, self._find("fields", name), self._words)

    def _cell(self, cell: str | Shown | Blank) -> Cell:
        if isinstance(cell, Blank):
            return Cell("", blank=self.field(cell.name))
        try:
            return table_cell(cell, self.language)
        except NotMeasuredError as error:
            return Cell(self._words(measurements.CELLS[error.reason]))

    def entries(self, name: str) -> list[Entry]:
        """Return the entries of a list."""
        return list(self._find("lists", name)(self._words))

    def call(self, name: str) -> str:
        """Return the call that computes a value, as Python."""
        return str(self._find("values", name).program)

    def file(self, name: str) -> str:
        """Return some Python of the package."""
        return str(self._find("files", name)(self.language))

    def derivation(self, name: str) -> str:
        """Return a formula, the line with its numbers and the result, as LaTeX."""
        derivation: Derivation = self._find("derivations", name)
        value, dialect = derivation.value, self._latex()
        shown = numbers.show(value.result, derivation.format, self.language)
        lines = [
            rf"{derivation.symbol} &= {formula.write(value.function, dialect)}",
            rf"&= {formula.with_numbers(value.function, value.literals, dialect)}",
            rf"&= {numbers.to_latex(shown)}",
        ]
        return r"\begin{aligned} " + r" \\ ".join(lines) + r" \end{aligned}"

    def picture(self, name: str) -> Picture:
        """Return a plot, drawn in each palette; its files are noted as the page's."""
        drawing = self._find("figures", name)
        rows = drawing.data()
        own_words = Words(self.language, f"{name}.")  # a drawing can ask for no others: they are in its key
        folder = f"assets/figures/{self.page.path}"
        svg = svg_of(rows, drawing.draw, own_words, self._count_drawing)
        files = {
            f"{folder}/{name}.{self.language}.{palette.name}.svg": recoloured(svg, LIGHT, palette)
            for palette in PALETTES
        } | {f"{folder}/{name}.csv": to_csv(rows)}
        self._records.add_assets(files)
        width, height = (float(n) for n in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)[0])
        up = posixpath.relpath(folder, posixpath.dirname(self.url) or ".")
        return Picture(
            image_url=lambda palette: f"{up}/{name}.{self.language}.{palette}.svg",
            csv_url=f"{up}/{name}.csv",
            csv_label=self._words("book.csv"),
            width=CSS_PIXELS_WIDE,
            height=round(CSS_PIXELS_WIDE * height / width),
            note=self._words("book.stale_figure") if drawing.measured and measurements.stale() else "",
        )

    def _count_drawing(self) -> None:
        self.drawn += 1

    # Measurements.

    def require_measured(self, text: str, directive: str = "") -> None:
        """Raise `NotMeasuredError` if a value that `text` names has no measurement.

        The names count as used even so, and with them the name of the `directive` whose caption the text is.
        """
        names = {directive, *(token.name for token in tokens_in(text, self.tokens) if not token.is_claim)}
        self._used.update(names & self.page.defined_at.keys())
        measurements.require(self.page.values[name] for name in names & self.page.values.keys())

    def unmeasured(self, reason: str) -> str:
        """Return what to say instead of what has no measurement."""
        return self._words(measurements.REASONS[reason])

    # Claims.

    def refuted(self, text: str) -> str:
        """Return what to say instead of words that rely on a claim which the results contradict; else nothing."""
        notes = []
        for token in (token for token in tokens_in(text, self.tokens) if token.is_claim):
            with self.errors_at(str(token), token.nth):
                contradicted = self.page.refuted(token.name)
                self._used.add(token.name)
                if contradicted:
                    notes.append(self._contradiction(token.name, contradicted))
                    line = line_of(str(token), self.source.read_text(encoding="utf-8"), token.nth)
                    self._records.refuted[self.page.path, self.language].append(f"{self.file_name}:{line}: {notes[-1]}")
        return " ".join(notes)

    def list_of_refuted(self) -> str:
        """Return, for the top of the page, HTML that lists what is false of it; nothing on a page that is true."""
        places = self._records.refuted[self.page.path, self.language]
        if not places:
            return ""
        items = "".join(f"<li>{html.escape(place)}</li>" for place in places)
        head = html.escape(self._words("book.refuted_head"))
        return f'<div class="kv-refuted-list" role="note"><p>{head}</p><ul>{items}</ul></div>\n'

    def _contradiction(self, name: str, claims: list[Claim]) -> str:
        shown = "; ".join(
            ", ".join(numbers.show(value.result, "", self.language) for value in claim.values) for claim in claims
        )
        return self._words("book.refuted").format(claim=self._words(f"claim.{self.page.path}.{name}"), results=shown)

    # Where we are.

    @contextmanager
    def errors_at(self, text: str, nth: int = 0) -> Iterator[None]:
        """Let an error raised inside begin with the file, and the line on which `text` stands for the `nth` time."""
        try:
            yield
        except BookError as error:
            line = line_of(text, self.source.read_text(encoding="utf-8"), nth)
            raise BookError(f"{self.file_name}:{line}: {error}") from None

    def _find(self, kind: str, name: str) -> Any:
        found = self.page.find(kind, name)
        self._used.add(name)
        return found

    def _latex(self) -> formula.Dialect:
        return formula.latex_dialect(lambda number: numbers.to_latex(numbers.show(number, "", self.language)))
