"""A first build's second process: it comes from the other end, and keeps what the build will then find.

Nothing depends on it. What both happen to compute is the same, and is kept twice in one place; what it cannot compute
it leaves to the build, which says why.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from figures_src import kept
from figures_src.drawn import svg_of
from figures_src.page import Drawing, Page, Shown, Table
from figures_src.values import Value
from figures_src.words import LANGUAGES, Words
from kvlab.errors import KvlabError

# Half of all runs are of one page, which a build soon comes to: from there the two meet in the middle of it.
BUSIEST = "break/"
QUOTING = ("index", "labs/", "reference/")


def start() -> Callable[[], None]:
    """Start it if nothing is kept yet and a processor is free for it; return what ends it."""
    if (kept.STORE / "values").is_dir() or len(os.sched_getaffinity(0)) < 2:
        return lambda: None
    quiet: Any = subprocess.DEVNULL
    command = [sys.executable, "-m", "figures_src.ahead"]
    process = subprocess.Popen(command, cwd=kept.ROOT, stdin=quiet, stdout=quiet, stderr=quiet)

    def end() -> None:
        process.kill()
        process.wait()

    return end


def results(page: Page) -> Iterator[Callable[[], object]]:
    """Return what to run for all that a page names, its figures in both languages included."""
    yield from (partial(_value, value) for value in page.values.values())
    for language in LANGUAGES:
        yield from (partial(_table, make, language) for make in page.tables.values())
        yield from (partial(_figure, figure, Words(language, f"{name}.")) for name, figure in page.figures.items())


def _value(value: Value) -> None:
    value.result  # noqa: B018  # kept, once it was asked for


def _table(make: Callable[[Words], Table], language: str) -> None:
    for cell in (cell for row in make(Words(language)).rows for cell in row):
        if isinstance(cell, Shown):
            _value(cell.value)


def _figure(figure: Drawing, words: Words) -> None:
    svg_of(figure.data(), figure.draw, words)


def pages() -> Iterator[Page]:
    """Return the pages: the busiest, then the others from the last on, those that quote others' runs at the end."""
    docs = kept.ROOT / "docs" / LANGUAGES[0]
    paths = [path.relative_to(docs).with_suffix("").as_posix() for path in docs.rglob("*.md")]
    for path in sorted(
        sorted(paths, reverse=True), key=lambda it: (not it.startswith(BUSIEST), it.startswith(QUOTING))
    ):
        yield importlib.import_module(f"figures_src.pages.{re.sub(r'[/-]', '_', path)}").page


def main() -> None:
    """Compute until there is nothing left, or the build is gone."""
    parent = os.getppid()
    for page in pages():
        for compute in reversed(list(results(page))):
            if os.getppid() != parent:
                return
            with suppress(KvlabError):  # the build comes to it, and knows where it stands
                compute()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
