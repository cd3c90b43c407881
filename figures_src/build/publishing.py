"""One build of the site: what comes before the first page and after the last, and where it is built."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from figures_src import store
from figures_src.book import measurements
from figures_src.book.book import Book
from figures_src.build import atomic, checker, prefetch, preview, search
from figures_src.build.kept_pages import KeptPages
from figures_src.build.live import Live
from figures_src.errors import BookError
from kvlab.benchmark import record

NAMED_AT_MOST = 10  # faults in one message


Say = Callable[[str], None]


class Build:
    """A book, and the folder in which its site is built.

    Args:
        root: the project's folder.
        site: where the site is to be in the end.
        live: the live server, if one asks: it neither measures nor publishes.
        say: tells authors something.
    """

    def __init__(
        self,
        root: Path,
        site: Path,
        live: Live | None,
        say: Callable[[str], None],
    ) -> None:
        self._second_process = prefetch.SecondProcess()
        self.book = Book(root, self._second_process.wait_for)
        self.folder = live.folder(site) if live else atomic.begin(site)
        self._site, self._live, self._say = site, live, say
        if not live:
            self._measure()  # alone: nothing else may run meanwhile
        self.pages = KeptPages(self.book, measurements.fingerprint(), live.contents if live else {})
        self._second_process.start()

    def _measure(self) -> None:
        trouble = record.ensure(lambda: self._say("measuring this machine once, some ten seconds"))
        if trouble:  # a busy machine fails no build
            self._say(f"no new measurement, and the pages say so: {trouble}")

    def finish_titles(self, entries: Iterable[Any]) -> None:
        """Put numbers into the titles of a page and of the entries of its table of contents, nested ones included."""
        for entry in entries:
            entry.title = self.book.plain_mark(entry.title or "")
            self.finish_titles(getattr(entry, "children", None) or ())

    def finish(self, is_good: bool) -> None:
        """Write what lies next to the pages, check the site, and replace the last one if it is good.

        Raises:
            BookError: a result that no page shows, or a fault of the built pages.
        """
        self._second_process.end(is_finished=True)
        self.book.write(self.folder)
        search.write_indexes(self.folder)
        preview.write(self.folder)
        if not self._live:  # which checks once the page is there
            self.check()
            if is_good:
                atomic.publish(self.folder, self._site)
            store.drop_old()
        self._say(f"figures drawn: {self.book.drawn}, calls run: {self.book.ran()}; the rest was kept")

    def check(self) -> None:
        """Look at the whole site. Raises `BookError` for a fault of it.

        Faults are a result that no page shows, a broken page, and, but in a draft or live, words that are false.
        """
        faults = self.book.records.unused() or checker.complaints(self.folder)
        if faults:
            raise BookError("; ".join(faults[:NAMED_AT_MOST]))
        refuted = self.book.records.all_refuted()
        if refuted and not (self._live or os.environ.get("KVLAB_DRAFT") == "1"):
            raise BookError(
                f"{'; '.join(refuted)}; mend the words or the numbers, or let KVLAB_DRAFT=1 mark them in a draft"
            )
        for place in refuted:
            self._say(place)  # no warning, which would fail a strict build

    def postpone(self, page: Any, files: Any) -> None:
        """Leave a page as it was if the live server asks for another first."""
        if self._live and self._live.can_wait(page.file.url) and self.pages.postpone(page, files):
            self._live.postponed.add(page.file.url)

    def discard(self) -> None:
        """Leave nothing of a failed build."""
        self._second_process.end(is_finished=False)
        if not self._live:
            atomic.discard(self.folder)
