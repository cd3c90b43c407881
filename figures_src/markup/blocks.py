"""Blocks: a paragraph that begins with `[[KIND name]]`; the kinds are fig, table, list, derive, call, file and field.

    [[fig cache_levels]]
    alt: what is to be seen, in the page's language
    The caption: prose, with tokens and mathematics.

A table's further lines are its caption, a field's its label. The others have none.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import NamedTuple
from xml.etree import ElementTree

from markdown import Markdown
from markdown.blockparser import BlockParser
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.util import AtomicString
from pymdownx.highlight import Highlight

from figures_src.declared.page import Detail, Entry, Foreign
from figures_src.errors import BookError, nearest
from figures_src.markup.unmeasured import place_sentence
from figures_src.plots.style import PALETTES
from kvlab.benchmark.record import NotMeasuredError

BLOCK = re.compile(r"\[\[(?P<kind>\w+) +(?P<name>\w+)\]\] *(?:\n|$)")
# Between arithmatex's blocks (79.9) and the paragraph; lists and admonitions hand their contents down to it.
PRIORITY = 76
PERMANENT_LINK = "Permanent link"  # of every language here: main.html puts in the page's own


class Picture(NamedTuple):
    """A drawn figure: where its files lie, seen from the page, its size in CSS pixels, and what to say of its data."""

    image_url: Callable[[str], str]
    csv_url: str
    csv_label: str
    width: int
    height: int
    note: str = ""


class Cell(NamedTuple):
    """A cell: its text, the attributes of its `<data>` element if it is computed, whether it is a number, its mark.

    A blank is no text: it is made of its label.
    """

    text: str
    data: dict[str, str] | None = None
    number: bool = False
    mark: str = ""
    blank: Callable[[str], str] | None = None


class Makers(NamedTuple):
    """What makes the insides of a block; each takes its name on the page that is being read.

    `check` and `sentence` are those of `figures_src.markup.unmeasured`: any of the others may lack a measurement.
    `check` is told the block's name behind the text: a block that gives way has been used all the same.
    """

    picture: Callable[[str], Picture]
    table: Callable[[str], tuple[list[str], list[list[Cell]], str]]
    entries: Callable[[str], list[Entry]]
    derivation: Callable[[str], str]
    field: Callable[[str], Callable[[str], str]]
    call: Callable[[str], str]
    file: Callable[[str], str]
    check: Callable[[str, str], None]
    sentence: Callable[[NotMeasuredError], str]


class BlockExtension(Extension):
    """Turns block tokens into figures, tables and derivations.

    `guard` runs the work of a block, and is told its first line: it says where an error is, and in whose terms.
    """

    def __init__(self, makers: Makers, guard: Callable[[str, Callable[[], None]], None]) -> None:
        super().__init__()
        self.makers, self.guard = makers, guard

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (the name is Markdown's)
        """Register the block processor."""
        md.parser.blockprocessors.register(_Blocks(md.parser, self), "kvlab-blocks", PRIORITY)


class _Blocks(BlockProcessor):
    def __init__(self, parser: BlockParser, extension: BlockExtension) -> None:
        super().__init__(parser)
        self.makers, self.guard = extension.makers, extension.guard

    def test(self, parent: ElementTree.Element, block: str) -> bool:  # noqa: ARG002 (the signature is Markdown's)
        return BLOCK.match(block) is not None

    def run(self, parent: ElementTree.Element, blocks: list[str]) -> None:
        block = blocks.pop(0)
        match = BLOCK.match(block)
        assert match is not None  # test() has seen it
        self.guard(
            match[0].strip(), lambda: self.make(parent, match["kind"], match["name"], block[match.end() :].strip())
        )

    def make(self, parent: ElementTree.Element, kind: str, name: str, text: str) -> None:
        kinds = {"fig": self.figure, "table": self.table, "list": self.entries, "field": self.field}
        kinds |= {"derive": self.derivation, "call": self.call, "file": self.file}
        if kind not in kinds:
            raise BookError(f"unknown block [[{kind} {name}]]; {nearest(kind, kinds)}")
        try:
            self.makers.check(text, name)
            kinds[kind](parent, name, text)
        except NotMeasuredError as error:
            place_sentence(parent, self.makers.sentence(error))

    def figure(self, parent: ElementTree.Element, name: str, text: str) -> None:
        alt, _, caption = text.partition("\n")
        if not alt.startswith("alt: ") or not caption.strip():
            raise BookError(f"[[fig {name}]] needs a line 'alt: …' and then its caption")
        picture = self.makers.picture(name)
        figure = ElementTree.SubElement(parent, "figure", {"class": "kv-figure", "id": f"fig-{name.replace('_', '-')}"})
        # Both stashed as they are: the site generator would look for generated files among the written ones.
        figure.text = self.raw("".join(self.image(picture, palette.name, alt) for palette in PALETTES))
        figcaption = ElementTree.SubElement(figure, "figcaption")
        link = f'<a class="kv-csv" href="{picture.csv_url}">{html.escape(picture.csv_label)}</a>'
        figcaption.text = " ".join(filter(None, (caption.strip(), picture.note, self.raw(link))))

    def image(self, picture: Picture, palette: str, alt: str) -> str:
        # The theme shows one of the two by the end of its address; the hidden one is not loaded.
        return (
            f'<img src="{picture.image_url(palette)}#only-{palette}" alt="{html.escape(alt.removeprefix("alt: "))}" '
            f'width="{picture.width}" height="{picture.height}" loading="lazy">'
        )

    def raw(self, finished: str) -> str:
        """Return a placeholder that Markdown replaces by `finished` HTML, having changed nothing in it."""
        return self.parser.md.htmlStash.store(finished)

    def table(self, parent: ElementTree.Element, name: str, caption: str) -> None:
        header, rows, remark = self.makers.table(name)
        if not caption:
            raise BookError(f"[[table {name}]] needs its caption on the lines below it")
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
                    element.text = self.raw(cell.blank(f"{row[0].text}, {header[place]}"))
                elif cell.data is None:
                    element.text = cell.text
                else:
                    data = ElementTree.SubElement(element, "data", cell.data)
                    data.text, data.tail = AtomicString(cell.text), cell.mark

    def entries(self, parent: ElementTree.Element, name: str, text: str) -> None:
        if text:
            raise BookError(f"[[list {name}]] stands alone; begin a new paragraph behind it")
        listed = ElementTree.SubElement(parent, "dl", {"class": "kv-list"})
        for entry in self.makers.entries(name):
            group = ElementTree.SubElement(listed, "div", {"id": entry.id})
            term = ElementTree.SubElement(group, "dt")
            term.text = f"{entry.term} "
            link = {"class": "headerlink", "href": f"#{entry.id}", "title": PERMANENT_LINK}
            ElementTree.SubElement(term, "a", link).text = "¶"
            for detail in entry.details:
                self.detail(ElementTree.SubElement(group, "dd"), detail)

    def field(self, parent: ElementTree.Element, name: str, text: str) -> None:
        if not text:
            raise BookError(f"[[field {name}]] needs its label on the lines below it")
        blank = self.makers.field(name)
        place = ElementTree.SubElement(parent, "div", {"class": "kv-answer"})
        ElementTree.SubElement(place, "label", {"for": f"field-{name.replace('_', '-')}"}).text = text
        ElementTree.SubElement(place, "div").text = self.raw(blank(""))

    def detail(self, line: ElementTree.Element, pieces: Detail) -> None:
        line.text, last = "", None
        for piece in pieces:
            if isinstance(piece, Foreign):
                last = ElementTree.SubElement(line, "i", {"lang": piece.language})
                last.text, last.tail = piece.text, ""
            elif last is None:
                line.text += piece
            else:
                last.tail = f"{last.tail}{piece}"

    def derivation(self, parent: ElementTree.Element, name: str, text: str) -> None:
        if text:
            raise BookError(f"[[derive {name}]] stands alone; begin a new paragraph behind it")
        math = ElementTree.SubElement(parent, "div", {"class": "arithmatex"})
        # Stashed, so that no backslash or underscore of it is taken for Markdown; `fill` unescapes it.
        math.text = self.raw(html.escape(rf"\[{self.makers.derivation(name)}\]"))

    def call(self, parent: ElementTree.Element, name: str, text: str) -> None:
        self.python(parent, f"[[call {name}]]", text, self.makers.call(name))

    def file(self, parent: ElementTree.Element, name: str, text: str) -> None:
        self.python(parent, f"[[file {name}]]", text, self.makers.file(name))

    def python(self, parent: ElementTree.Element, block: str, text: str, source: str) -> None:
        if text:
            raise BookError(f"{block} stands alone; begin a new paragraph behind it")
        code = Highlight(md=self.parser.md).highlight(source, "python")  # as the fenced code beside it
        ElementTree.SubElement(parent, "p").text = self.raw(code)  # Markdown drops the paragraph around a block
