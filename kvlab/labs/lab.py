"""What every lab has: its files, its checker, and the form of a result."""

from __future__ import annotations

import importlib
import textwrap
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kvlab.errors import KvlabError
from kvlab.files import write_atomically
from kvlab.labs.words import Words

HERE = Path(__file__).parent
LARGEST_BYTES = 1_000_000  # of a reader's file; a starter has some thousands


@dataclass(frozen=True)
class Finding:
    """One sentence of a diagnosis.

    Attributes:
        key: where the sentence stands in the words, with dots, such as `lab_01.bugs.slot_too_low`.
        given: what is put into it, by name.
    """

    key: str
    given: Mapping[str, str | int | float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last part of the key: the same in every language."""
        return self.key.rpartition(".")[2]

    def sentence(self, words: Words) -> str:
        """Return it in words."""
        return words(self.key, **self.given)


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        passed: names of the checks that passed, in the lab's order.
        failed: names of the others, likewise.
        diagnosis: what explains the failures; empty when there are none.
    """

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    diagnosis: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, checks: Iterable[str], passed: Collection[str], diagnosis: Iterable[Finding] = ()) -> Result:
        """Return the result of a lab's checks, of which those in `passed` did."""
        names = tuple(checks)
        return cls(
            tuple(name for name in names if name in passed),
            tuple(name for name in names if name not in passed),
            tuple(diagnosis),
        )

    def as_json(self, words: Words) -> dict[str, Any]:
        """Return it as an object of JSON: `passed`, `failed` and `diagnosis`."""
        return {
            "passed": list(self.passed),
            "failed": list(self.failed),
            "diagnosis": [{"name": one.name, "sentence": one.sentence(words)} for one in self.diagnosis],
        }


def numbers() -> list[str]:
    """Return the numbers of the labs that there are, such as `01`."""
    return sorted(path.name.removeprefix("lab_") for path in HERE.glob("lab_[0-9][0-9]"))


def checks(number: str) -> tuple[str, ...]:
    """Return the names of what a lab checks."""
    names: tuple[str, ...] = _module(number).CHECKS
    return names


def starter(number: str, language: str = "en") -> str:
    """Return the file with which a lab begins."""
    return _program(HERE / "starters" / f"starter_{number}.py", language)


def solution(number: str, language: str = "en") -> str:
    """Return the file that passes a lab."""
    return _program(solution_path(number), language)


def solution_path(number: str) -> Path:
    """Return where that file lies, in English."""
    return HERE / "solutions" / f"solution_{number}.py"


def _program(path: Path, language: str) -> str:
    """Return a program whose lines of words are in a language: English, or those of the file next to it."""
    program = path.read_text(encoding="utf-8")
    if language == "en":
        return program
    translated: dict[str, str] = tomllib.loads(path.with_suffix(f".{language}.toml").read_text(encoding="utf-8"))
    lines = [line.replace(line.strip(), translated.get(line.strip(), line.strip())) for line in program.splitlines()]
    return "\n".join(lines) + "\n"


def excerpt(text: str, first: str, n_lines: int = 1) -> str:
    """Return the line of a program that begins with `first`, and those after it, without what all are indented by.

    Raises:
        KvlabError: not just one line begins so.
    """
    lines = text.splitlines()
    found = [number for number, line in enumerate(lines) if line.strip().startswith(first)]
    if len(found) != 1:
        raise KvlabError(f"{len(found)} lines begin with {first!r}; one must")
    return textwrap.dedent("\n".join(lines[found[0] : found[0] + n_lines]))


def start(number: str, path: Path, words: Words, force: bool = False) -> None:
    """Write a lab's starter, whole or not at all, and over no file that is there unless `force` says so.

    Raises:
        KvlabError: there is no such lab, no such folder, or a file of this name already.
        OSError: it cannot be written.
    """
    require(number, words)
    if path.is_dir() or not path.parent.is_dir():
        raise KvlabError(words("common.errors.no_place", path=str(path)))
    text = starter(number, words.language)
    try:
        write_atomically(path, text, overwrite=force)
    except FileExistsError:
        raise KvlabError(words("common.errors.exists", path=str(path))) from None


def check(number: str, path: Path, words: Words) -> Result:
    """Return what a lab's checker finds in the reader's file.

    Raises:
        KvlabError: there is no such lab, or no such file, or it is too large to be one.
    """
    require(number, words)
    if not path.is_file():
        suggested = words(f"lab_{number}.file")
        raise KvlabError(words("common.errors.no_file", path=str(path), number=number, file=suggested))
    if path.stat().st_size > LARGEST_BYTES:
        raise KvlabError(words("common.errors.too_large", path=str(path), most=LARGEST_BYTES))
    found: Result = _module(number).check(path)
    return found


def require(number: str, words: Words) -> None:
    """Raise `KvlabError` unless there is such a lab."""
    if number not in numbers():
        raise KvlabError(words("common.errors.no_lab", number=number[:40], known=", ".join(numbers())))


def _module(number: str) -> Any:
    return importlib.import_module(f"kvlab.labs.lab_{number}.checker")
