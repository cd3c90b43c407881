"""The live server: the page that is being looked at is made first, the others while it is read.

A formula concerns nearly every page, and to make them all takes seconds. So a change is built in two passes where it
has to be: the first makes the page that was looked at last and its twin, and leaves the others as they were; the second
makes these, each language in a process of its own. Nobody sees a page in between: a request for one that is still to be
made waits for it.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any

from mkdocs import utils
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import Files
from watchdog import events
from watchdog.observers import Observer

from figures_src.plots import style
from figures_src.words import LANGUAGES

CHANGES = [events.FileCreatedEvent, events.FileModifiedEvent, events.FileMovedEvent, events.FileDeletedEvent]
QUIET = 0.02  # seconds without a change, before a build
OTHER_LANGUAGE = LANGUAGES[1]
_CLEAN = utils.clean_directory


class Watcher(Observer):  # type: ignore[misc, valid-type]
    """Says at once when a file changes. The server's own looks twice a second, and would take reading for a change."""

    def schedule(self, handler: Any, path: str, *, recursive: bool = False, **_: Any) -> Any:
        """Watch a path."""
        return super().schedule(handler, path, recursive=recursive, event_filter=CHANGES)


class Live:
    """What of a live server outlives a build.

    Attributes:
        contents: the last content of each page, by its path in docs.
        postponed: addresses of the pages that this pass has left as they were.
    """

    def __init__(self) -> None:
        self.contents: dict[str, str] = {}
        self.postponed: set[str] = set()
        self._first: set[str] | None = None  # the pages to make in this pass; None for all
        self._viewed = "index.html"
        self._pending: set[str] = set()
        self._whole = Condition()
        self._server: LiveReloadServer | None = None
        self._served = self._built = Path()
        self._is_copy = False
        self._copy: Any = None  # the process that makes the other language's pages in this second pass

    def folder(self, site: Path) -> Path:
        """Return where to build: not where the site lies that is being served."""
        self._built = site / ("copy" if self._is_copy else "b" if self._served.name == "a" else "a")
        return self._built

    def can_wait(self, address: str) -> bool:
        """Return whether a page may be left as it was, to be made later."""
        if self._first is not None:
            return address not in self._first
        return self._is_outdated()

    def attach(
        self, server: LiveReloadServer, watched: Iterable[str], build: Callable[[], None], check: Callable[[], None]
    ) -> None:
        """Let the server watch files, build and answer this way.

        Args:
            server: that of mkdocs, which does not run yet.
            watched: what it watches already.
            build: makes the site.
            check: raises an error for a fault of the whole site.
        """
        for path in watched:
            server.unwatch(path)
        server.observer = Watcher()
        for path in watched:
            server.watch(path)
        answer: Any = server.get_app()

        def serve(environ: dict[str, Any], start: Any) -> Any:
            self._wait_for(environ["PATH_INFO"].removeprefix(server.mount_path))
            return answer(environ, start)

        server.set_app(serve)
        server.build_delay, server.builder = QUIET, lambda: self._rebuild(build, check)
        server.error_handler = self._error_page
        self._server = server
        self._publish()
        Thread(target=style.warm_up, daemon=True).start()

    def _rebuild(self, build: Callable[[], None], check: Callable[[], None]) -> None:
        assert self._server is not None
        self._first = {self._viewed, _twin(self._viewed)}
        self._pass(build)
        with self._server._epoch_cond:
            self._server._visible_epoch = self._server._wanted_epoch
            self._server._epoch_cond.notify_all()
        if self._pending and not self._server._want_rebuild:
            self._copy = self._begin_copy(build)
            self._first = None
            try:
                self._pass(build)
            finally:
                self._end_copy()
        if not self._pending:
            check()

    def _begin_copy(self, build: Callable[[], None]) -> Any:
        """Let a copy of this process make the pages of the other language, whose contents it keeps."""
        if "fork" not in multiprocessing.get_all_start_methods():
            return None
        copy: Any = multiprocessing.get_context("fork").Process(target=self._build_other_language, args=(build,))
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            copy.start()  # Python warns of locks of other threads; the copy waits for none of them
        return copy

    def _build_other_language(self, build: Callable[[], None]) -> None:
        gc.disable()
        logging.disable()  # what is wrong there, the other process says
        self._is_copy, self._first = True, {page for page in self._pending if page.startswith(f"{OTHER_LANGUAGE}/")}
        with suppress(BaseException):
            build()

    def begin_language(self, files: Files, is_first: bool) -> None:
        """Wait until the copy has made the pages, or another change has come. The copy makes its own from the last on.

        So it finds results kept which this process has computed meanwhile, and this process those of the copy.
        """
        if self._is_copy:
            for file in reversed(list(files)):
                files.remove(file)
                files.append(file)
        while not is_first and self._copy and self._copy.is_alive() and not self._is_outdated():
            self._copy.join(QUIET)

    def end_if_copy(self) -> None:
        """End this process, if it is the copy: the pages' contents are kept, and what follows nobody needs of it."""
        if self._is_copy:
            os._exit(0)

    def _is_outdated(self) -> bool:
        return self._server is not None and self._server._want_rebuild

    def _end_copy(self) -> None:
        if self._copy:
            self._copy.kill()
            self._copy.join()
            self._copy = None

    def _pass(self, build: Callable[[], None]) -> None:
        # An error in the build of the second language leaves these as they must not stay.
        utils.clean_directory = _CLEAN
        logging.getLogger("mkdocs.commands.build").filters.clear()
        self.postponed = set()
        gc.disable()  # each collection would walk through all modules, old and new
        try:
            build()
        except BaseException:
            self._show_all()
            raise
        finally:
            gc.enable()
        self._publish()

    def _show_all(self) -> None:
        """Show the pages that are still to be made as they were: nobody waits until an error is mended."""
        with self._whole:
            self._pending = set()
            self._whole.notify_all()

    def _publish(self) -> None:
        assert self._server is not None
        with self._whole:
            self._server.root, self._served, self._pending = str(self._built), self._built, self.postponed
            self._whole.notify_all()

    def _wait_for(self, address: str) -> None:
        if address.endswith("/") or not address:
            address += "index.html"
        if address.endswith(".html"):
            self._viewed = address
        with self._whole:
            self._whole.wait_for(lambda: address not in self._pending)

    def _error_page(self, code: int) -> bytes | None:
        page = self._served / f"{code}.html"
        return page.read_bytes() if page.exists() else None


def _twin(address: str) -> str:
    return address.removeprefix("es/") if address.startswith("es/") else f"es/{address}"
