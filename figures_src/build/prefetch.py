"""A build's second process.

In a first build it computes the pages that share long runs, and the build computes the others. Many values come from
one run, on one page and on others: in two processes, each would make the run. The build waits for such a page when it
comes to it. If the second process fails or is killed, the build computes what is missing.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from contextlib import suppress
from threading import Thread
from typing import Any

from figures_src import store
from figures_src.book.records import module_of
from figures_src.declared.page import Page, Shown
from figures_src.plots.svg import svg_of
from figures_src.words import LANGUAGES, Words


class SecondProcess:
    """The second process of a build; there is none once a build has been finished, since most results are kept then."""

    def __init__(self) -> None:
        self._awaited: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and compute what the other pages show meanwhile, before the first page is read."""
        if store.lookup("builds", _key()) is not None:
            return
        pipe: Any = subprocess.PIPE
        # The live server watches the folders of the sources: -B writes nothing there.
        command = [sys.executable, "-B", "-m", "figures_src.build.prefetch"]
        self._process = subprocess.Popen(command, cwd=store.ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        self._awaited = {page.path for page in pages() if page.shared_runs}
        for page in pages():
            if not page.shared_runs:
                compute(page)

    def wait_for(self, path: str) -> None:
        """Return once a page is computed, if it is one that the second process computes."""
        while self._process and path in self._awaited:
            assert self._process.stdout
            line = self._process.stdout.readline()
            self._awaited = self._awaited - {line.decode().strip()} if line else set()  # no line: it has ended

    def end(self, is_finished: bool) -> None:
        """End it; `is_finished` says that later builds need none."""
        if self._process:
            self._process.kill()
            self._process.communicate()
        if is_finished:
            store.keep("builds", _key(), lambda: "finished")


def _key() -> str:
    return store.key_of("the first build")


def pages() -> list[Page]:
    """Return the pages in the order in which a build reads them, but for those that are wrong: the build says why."""
    docs, found = store.ROOT / "docs" / LANGUAGES[0], []
    paths = [path.relative_to(docs).with_suffix("") for path in docs.rglob("*.md")]
    for path in sorted(paths, key=lambda it: (len(it.parts), it)):
        with suppress(Exception):
            found.append(importlib.import_module(module_of(path.as_posix())).page)
    return found


def compute(page: Page) -> None:
    """Compute all that a page shows. What cannot be computed is left to the build, which says where it is."""
    for value in page.all_values():
        with suppress(Exception):
            _: Any = value.result
    for language in LANGUAGES:
        for make in page.tables.values():
            with suppress(Exception):
                for cell in (cell for row in make(Words(language)) for cell in row):
                    _ = isinstance(cell, Shown) and cell.value.result
        for name, figure in page.figures.items():
            with suppress(Exception):
                svg_of(figure.data(), figure.draw, Words(language, f"{name}."))


def main() -> None:
    """Compute the pages that share runs, and print the path of each once it is computed."""
    Thread(target=_end_with_the_build, daemon=True).start()
    for page in pages():
        if page.shared_runs:
            compute(page)
            print(page.path, flush=True)  # noqa: T201 - the build reads it


def _end_with_the_build() -> None:
    sys.stdin.read()  # until the build closes its end, or is gone
    os._exit(1)


if __name__ == "__main__":
    main()
