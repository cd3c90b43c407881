"""What the commands say: a card for people, one JSON object for programs, and notes and progress on stderr.

Nothing else in kvlab prints.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

WIDEST = 100  # columns of running text
SHOWN_FROM_BYTES = 100_000_000  # a smaller file is read before a bar could be


def note(sentence: str) -> None:
    """Say a sentence on stderr."""
    print(f"kvlab: {sentence}", file=sys.stderr)


class Card(Console):
    """A console that shows text as it is: a bracket is a bracket. It leaves a reader who has gone to `main`."""

    def __init__(self) -> None:
        super().__init__(markup=False, highlight=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Raise again what was caught: rich itself would exit with 1, which means "differs" here."""
        raise BrokenPipeError


def print_json(**values: Any) -> None:
    """Print one JSON object alone."""
    print(json.dumps(values, ensure_ascii=False))


def print_card(title: str, rows: dict[str, str] | list[tuple[str, str]]) -> None:
    """Print a card: a name and a text a row. A list of rows may have a name twice."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    for name, value in rows.items() if isinstance(rows, dict) else rows:
        grid.add_row(name, value)
    Card().print(Panel(grid, title=title, title_align="left", expand=False))


def print_text(text: str) -> None:
    """Print text as it stands, whatever the width of the terminal."""
    print(text)


def print_table(header: list[str], rows: list[list[str]], below: str = "") -> None:
    """Print a table, the names to the left and the rest to the right of their columns, and sentences below it.

    No cell is ever cut, as rich would cut it in a pipe, where a line has no width.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for name, *cells in [header, *rows]:
        padded = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *padded]))
    for paragraph in below.splitlines():
        print("\n" + textwrap.fill(paragraph, width=WIDEST))


@contextmanager
def progress_in_bytes(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar of bytes; yield the function that is told the bytes done and all of them. Small files show nothing."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=None, visible=False)
        yield lambda done, total: bar.update(task, advance=done, total=total, visible=total > SHOWN_FROM_BYTES)


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr where someone watches; yield the function that advances it by one."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)
