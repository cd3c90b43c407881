"""The book that is being built: it begins and finishes each page, and writes what lies next to the pages."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from figures_src.book.records import PageRecords, page_of
from figures_src.book.renderer import PageRenderer
from figures_src.declared import values
from figures_src.errors import BookError
from figures_src.markup import fields
from figures_src.markup.api import with_references
from figures_src.markup.damage import damage
from figures_src.markup.extension import BookExtension
from figures_src.markup.links import with_addresses
from figures_src.markup.lint import typed_numbers
from figures_src.markup.summary import read_summary, with_summaries
from figures_src.markup.tokens import fill, fill_plain
from figures_src.words import Words
from figures_src.words.addresses import address, twin_language


class Book:
    """All pages' results, what they used, and the files that belong next to them.

    Args:
        root: the project's folder.
        wait_for: returns once what another process computes of a page, by its path, is there.

    Attributes:
        extension: what Markdown needs to read the pages.
        drawn: plots that were drawn, and not kept, on the pages that are finished.
    """

    def __init__(self, root: Path, wait_for: Callable[[str], None] = lambda path: None) -> None:  # noqa: ARG005
        self.root, self._wait_for = root, wait_for
        self.records, self.extension, self.drawn = PageRecords(), BookExtension(), 0
        self._page: PageRenderer

    def open_page(
        self, path: str, language: str, source: Path, url: str, front_matter: MutableMapping[str, Any]
    ) -> None:
        """Begin to read a page: its module is found, and tokens in its front matter are replaced by plain text."""
        self._wait_for(path)
        self.records.begin(path, language)
        self._page = self.extension.page = self._renderer(path, language, source, url)
        if "title" in front_matter:
            front_matter["title"] = self._page.plain(str(front_matter["title"]))
        front_matter["description"] = html.escape(self._page.plain(self._summary_of(source)))  # an attribute
        typed = typed_numbers(source.read_text(encoding="utf-8"), language)
        if typed:
            where = f"{self._page.file_name}:{typed[0].line}"
            raise BookError(f"{where}: {typed[0].word!r} is typed; name its value in the page module, write [[name]]")

    def plain_mark(self, text: str) -> str:
        """Return a text that has been through Markdown, such as a heading in a menu, with its marks replaced."""
        return fill_plain(text, self._page.tokens, self._page.in_attribute)

    def close_page(self, page_html: str) -> str:
        """Return the page's finished HTML: every mark replaced, every formula MathML."""
        page = self._page
        found = damage(page_html)
        if found:
            with page.errors_at(found.text):
                raise BookError(found.what)
        page_html = page.list_of_refuted() + page_html + fields.words_of(page.page, Words(page.language))
        page_html = with_addresses(with_references(fill(page_html, page.tokens, page)))
        self.drawn += page.drawn
        path, language = page.page.path, twin_language(page.language)
        url = address(path, language)
        twin = self._renderer(path, language, self.root / "docs" / language / f"{path}.md", url)
        own_summary, twin_summary = (one.rich(self._summary_of(one.source)) for one in (page, twin))
        relative_url = posixpath.relpath(url, posixpath.dirname(page.url) or ".")
        return with_summaries(page_html, own_summary, twin_summary, relative_url, language)

    def ran(self) -> int:
        """Return how many calls ran because their results were not kept."""
        return len(values.ran)

    def write(self, site: Path) -> None:
        """Write what lies next to the pages."""
        for path, content in self.records.assets.items():
            _write(site / path, content.encode())

    def _renderer(self, path: str, language: str, source: Path, url: str) -> PageRenderer:
        return PageRenderer(page_of(path), language, source, str(source.relative_to(self.root)), url, self.records)

    def _summary_of(self, source: Path) -> str:
        """Return the summary in a page's front matter. Raises `BookError` that says where there is none."""
        try:
            return read_summary(source)
        except BookError as error:
            raise BookError(f"{source.relative_to(self.root)}:{error}") from None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
