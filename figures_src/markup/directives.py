"""Directives: paragraphs that begin with `[[KIND name]]`, of the kinds fig, table, list, derive, call, file and field.

    [[fig cache_levels]]
    alt: what is to be seen, in the page's language
    The caption: prose, with tokens and mathematics.

    [[table scaling]]
    | Model | Limit | One token |
    The caption.

A field's further lines are its label. The others have none.
"""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree

from markdown.blockparser import BlockParser
from markdown.blockprocessors import BlockProcessor
from markdown.util import AtomicString
from pymdownx.highlight import Highlight

from figures_src.declared.page import Detail, Foreign
from figures_src.errors import BookError, nearest
from figures_src.markup.renderer import Picture, Reader
from figures_src.markup.unmeasured import place_sentence
from figures_src.plots.style import PALETTES
from kvlab.benchmark.record import NotMeasuredError

DIRECTIVE = re.compile(r"\[\[(?P<kind>\w+) +(?P<name>\w+)\]\] *(?:\n|$)")
# Between arithmatex's blocks (79.9) and the paragraph; lists and admonitions hand their contents down to it.
PRIORITY = 76
PERMANENT_LINK = "Permanent link"  # of every language here: main.html puts in the page's own


class Directives(BlockProcessor):
    """Turns directives into plots, tables, derivations and the like."""

    def __init__(self, parser: BlockParser, reader: Reader) -> None:
        super().__init__(parser)
        self.reader = reader

    def test(self, parent: ElementTree.Element, block: str) -> bool:  # noqa: ARG002 (the signature is Markdown's)
        """Return whether a paragraph is a directive."""
        return DIRECTIVE.match(block) is not None

    def run(self, parent: ElementTree.Element, blocks: list[str]) -> None:
        """Put there what it asks for."""
        block = blocks.pop(0)
        match = DIRECTIVE.match(block)
        assert match is not None  # test() has seen it
        with self.reader.page.errors_at(match[0].strip()):
            self._place(parent, match["kind"], match["name"], block[match.end() :].strip())

    def _place(self, parent: ElementTree.Element, kind: str, name: str, text: str) -> None:
        kinds = {"fig": self._figure, "table": self._table, "list": self._entries, "field": self._field}
        kinds |= {"derive": self._derivation, "call": self._call, "file": self._file}
        if kind not in kinds:
            raise BookError(f"unknown directive [[{kind} {name}]]; {nearest(kind, kinds)}")
        try:
            self.reader.page.require_measured(text, name)
            kinds[kind](parent, name, self._checked(text))
        except NotMeasuredError as error:
            place_sentence(parent, self.reader.page.unmeasured(error.reason))

    def _checked(self, text: str) -> str:
        """Return the lines below a directive; a note instead of words that rely on a false claim."""
        note = self.reader.page.refuted(text)
        if not note:
            return text
        first = text.partition("\n")[0]
        own = f"alt: {note}\n" if first.startswith("alt: ") else f"{first}\n" if first.startswith("|") else ""
        return own + self._raw(f'<span class="kv-refuted">{html.escape(note)}</span>')

    def _figure(self, parent: ElementTree.Element, name: str, text: str) -> None:
        alt, _, caption = text.partition("\n")
        if not alt.startswith("alt: ") or not caption.strip():
            raise BookError(f"[[fig {name}]] needs a line 'alt: …' and then its caption")
        picture = self.reader.page.picture(name)
        figure = ElementTree.SubElement(parent, "figure", {"class": "kv-figure", "id": f"fig-{name.replace('_', '-')}"})
        # Both stashed as they are: the site generator would look for generated files among the written ones.
        figure.text = self._raw("".join(self._image(picture, palette.name, alt) for palette in PALETTES))
        figcaption = ElementTree.SubElement(figure, "figcaption")
        link = f'<a class="kv-csv" href="{picture.csv_url}">{html.escape(picture.csv_label)}</a>'
        figcaption.text = " ".join(filter(None, (caption.strip(), picture.note, self._raw(link))))

    def _image(self, picture: Picture, palette: str, alt: str) -> str:
        # The theme shows one of the two by the end of its address; the hidden one is not loaded.
        return (
            f'<img src="{picture.image_url(palette)}#only-{palette}" alt="{html.escape(alt.removeprefix("alt: "))}" '
            f'width="{picture.width}" height="{picture.height}" loading="lazy">'
        )

    def _raw(self, finished: str) -> str:
        """Return a placeholder that Markdown replaces by `finished` HTML, having changed nothing in it."""
        return self.parser.md.htmlStash.store(finished)

    def _table(self, parent: ElementTree.Element, name: str, text: str) -> None:
        rows, remark = self.reader.page.table(name)
        header, caption = _head_and_caption(name, text, len(rows[0]))
        table_id = f"table-{name.replace('_', '-')}"
        caption = " ".join(filter(None, (caption, remark)))
        wrapper = ElementTree.SubElement(parent, "div", {"class": "kv-table", "id": table_id})
        # Beside the table and not in it: a wide table scrolls, and its caption stays.
        ElementTree.SubElement(wrapper, "p", {"class": "kv-caption", "id": f"{table_id}-caption"}).text = caption
        table = ElementTree.SubElement(wrapper, "table", {"aria-labelledby": f"{table_id}-caption"})
        # A column of numbers is set flush right, its head with it.
        columns = [{"class": "kv-number"} if any(row[i].number for row in rows) else {} for i in range(len(header))]
        head = ElementTree.SubElement(ElementTree.SubElement(table, "thead"), "tr")
        for text, column in zip(header, columns, strict=True):
            ElementTree.SubElement(head, "th", {"scope": "col", **column}).text = text
        body = ElementTree.SubElement(table, "tbody")
        for row in rows:
            line = ElementTree.SubElement(body, "tr")
            for place, (cell, column) in enumerate(zip(row, columns, strict=True)):
                kind, attributes = ("td", column) if place else ("th", {"scope": "row"})
                element = ElementTree.SubElement(line, kind, attributes)
                if cell.blank is not None:
                    element.text = self._raw(cell.blank(f"{row[0].text}, {header[place]}"))
                elif cell.data is None:
                    element.text = cell.text
                else:
                    data = ElementTree.SubElement(element, "data", cell.data)
                    data.text, data.tail = AtomicString(cell.text), cell.mark

    def _entries(self, parent: ElementTree.Element, name: str, text: str) -> None:
        if text:
            raise BookError(f"[[list {name}]] stands alone; begin a new paragraph after it")
        listed = ElementTree.SubElement(parent, "dl", {"class": "kv-list"})
        for entry in self.reader.page.entries(name):
            group = ElementTree.SubElement(listed, "div", {"id": entry.id})
            term = ElementTree.SubElement(group, "dt")
            term.text = f"{entry.term} "
            link = {"class": "headerlink", "href": f"#{entry.id}", "title": PERMANENT_LINK}
            ElementTree.SubElement(term, "a", link).text = "¶"
            for detail in entry.details:
                self._detail(ElementTree.SubElement(group, "dd"), detail)

    def _field(self, parent: ElementTree.Element, name: str, text: str) -> None:
        if not text:
            raise BookError(f"[[field {name}]] needs its label on the lines below it")
        blank = self.reader.page.field(name)
        place = ElementTree.SubElement(parent, "div", {"class": "kv-answer"})
        ElementTree.SubElement(place, "label", {"for": f"field-{name.replace('_', '-')}"}).text = text
        ElementTree.SubElement(place, "div").text = self._raw(blank(""))

    def _detail(self, line: ElementTree.Element, pieces: Detail) -> None:
        line.text, last = "", None
        for piece in pieces:
            if isinstance(piece, Foreign):
                last = ElementTree.SubElement(line, "i", {"lang": piece.language})
                last.text, last.tail = piece.text, ""
            elif last is None:
                line.text += piece
            else:
                last.tail = f"{last.tail}{piece}"

    def _derivation(self, parent: ElementTree.Element, name: str, text: str) -> None:
        if text:
            raise BookError(f"[[derive {name}]] stands alone; begin a new paragraph after it")
        math = ElementTree.SubElement(parent, "div", {"class": "arithmatex"})
        # Stashed, so that no backslash or underscore of it is taken for Markdown; `fill` unescapes it.
        math.text = self._raw(html.escape(rf"\[{self.reader.page.derivation(name)}\]"))

    def _call(self, parent: ElementTree.Element, name: str, text: str) -> None:
        self._python(parent, f"[[call {name}]]", text, self.reader.page.call(name))

    def _file(self, parent: ElementTree.Element, name: str, text: str) -> None:
        self._python(parent, f"[[file {name}]]", text, self.reader.page.file(name))

    def _python(self, parent: ElementTree.Element, block: str, text: str, source: str) -> None:
        if text:
            raise BookError(f"{block} stands alone; begin a new paragraph after it")
        code = Highlight(md=self.parser.md).highlight(source, "python")  # as the fenced code next to it
        ElementTree.SubElement(parent, "p").text = self._raw(code)  # Markdown drops the paragraph around a block


def _head_and_caption(name: str, text: str, n_columns: int) -> tuple[list[str], str]:
    """Return the heads of a table's columns, and its caption, from the lines below its directive."""
    line, _, caption = text.partition("\n")
    if not (line.startswith("|") and line.endswith("|") and caption.strip()):
        raise BookError(f"[[table {name}]] needs a line with its heads, '| … | … |', and then its caption")
    heads = [head.strip() for head in line[1:-1].split("|")]
    if len(heads) != n_columns:
        raise BookError(f"[[table {name}]] has {n_columns} columns, and {len(heads)} heads: {line}")
    return heads, caption.strip()
