"""`lab`: the labs, from the starter to the last check that passes, in English or in Spanish."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kvlab.cli.arguments import as_json
from kvlab.cli.terminal import note, print_card, print_json, print_table, print_text
from kvlab.errors import KvlabError

if TYPE_CHECKING:
    from kvlab.labs import Result
    from kvlab.labs.words import Words

EXIT_FAILED = 1


class Language(click.ParamType["Words"]):
    """A language by its letters."""

    name = "language"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Words:  # noqa: ARG002
        """Return the words of a language, or refuse with the languages that there are."""
        from kvlab.labs.words import LANGUAGES, Words, language_of

        if value not in LANGUAGES:
            words = Words(language_of(os.environ))
            known = ", ".join(LANGUAGES)
            raise KvlabError(words("common.errors.language", language=str(value)[:40], known=known))
        return Words(value)


def _from_environment() -> str:
    from kvlab.labs.words import language_of

    return language_of(os.environ)


in_language = click.option(
    "--lang",
    "words",
    type=Language(),
    default=_from_environment,
    metavar="en|es",
    help="English or Spanish; default what KVLAB_LANG, LC_ALL or LANG says.",
)
of_lab = click.argument("number")
of_file = click.argument("path", metavar="FILE", type=click.Path(path_type=Path))


@click.group()
def lab() -> None:
    """Write a cache, prove it right, measure it: the labs of the book, with starters and checkers."""


@lab.command("list")
@in_language
@as_json
def list_(words: Words, json_: bool) -> None:
    """List the labs, and how to begin each."""
    from kvlab import labs

    found = {number: (words(f"lab_{number}.title"), words(f"lab_{number}.file")) for number in labs.numbers()}
    if json_:
        print_json(labs=[{"number": n, "title": title, "file": file} for n, (title, file) in found.items()])
        return
    header = [words(f"common.list.{column}") for column in ("lab", "title", "begin")]
    rows = [[n, title, f"kvlab lab start {n} {file}"] for n, (title, file) in found.items()]
    print_table(header, rows, words("common.list.below"))


@lab.command()
@of_lab
@of_file
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@in_language
def start(number: str, path: Path, force: bool, words: Words) -> None:
    """Write the starter of lab NUMBER, such as 01, to FILE."""
    from kvlab import labs

    labs.start(number, path, words, force)
    checked = words(f"lab_{number}.checked", path=str(path), csv=str(path.with_suffix(".csv")))
    print_text(words("common.card.started", path=str(path), number=number, checked=checked))


@lab.command()
@of_lab
@of_file
@in_language
@as_json
def check(number: str, path: Path, words: Words, json_: bool) -> None:
    """Check FILE against lab NUMBER: what passes, and what the rest looks like. Exit code 1 if anything fails.

    The file runs in a process of its own with limits of time, memory and output.
    """
    from kvlab import labs
    from kvlab.labs import progress

    result = labs.check(number, path, words)
    if json_:
        print_json(**result.as_json(words))
    else:
        _print_result(number, result, words)
    trouble = progress.remember(number, result)
    if trouble:
        note(words("common.card.not_kept", why=trouble))
    if result.failed:
        raise SystemExit(EXIT_FAILED)


def _print_result(number: str, result: Result, words: Words) -> None:
    passed, failed, looks_like = (words(f"common.card.{name}") for name in ("passed", "failed", "diagnosis"))
    total = len(result.passed) + len(result.failed)
    verdict = "some_failed" if result.failed else "all_passed"
    rows = [(passed, words(f"lab_{number}.checks.{name}")) for name in result.passed]
    rows += [(failed, words(f"lab_{number}.checks.{name}")) for name in result.failed]
    rows += [(looks_like, one.sentence(words)) for one in result.diagnosis]
    print_card(f"{number}: " + words(f"common.card.{verdict}", failed=len(result.failed), total=total), rows)


@lab.command()
@in_language
@as_json
def progress(words: Words, json_: bool) -> None:
    """Say which labs have passed, as the last checks left it."""
    from kvlab import labs
    from kvlab.labs.progress import recall

    kept = recall()
    if json_:
        print_json(labs={number: vars(kept[number]) if number in kept else None for number in labs.numbers()})
        return
    rows = []
    for number in labs.numbers():
        checked = kept.get(number)
        total = len(labs.checks(number))
        if checked is None:
            rows.append([number, f"0/{total}", words("common.progress.never"), words("common.progress.not_yet")])
        else:
            done = checked.done or words("common.progress.not_yet")
            rows.append([number, f"{len(checked.passed)}/{total}", checked.last, done])
    header = [words(f"common.progress.{column}") for column in ("lab", "passes", "last", "done")]
    print_table(header, rows, "" if kept else words("common.progress.nothing"))
