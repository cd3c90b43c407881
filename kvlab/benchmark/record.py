"""The record of measurements: taken once for a machine, its libraries and the source that runs, and kept outside git.

A record is found by what it depends on. A formula of the accounting, a comment or a page does not invalidate it; the
next build on the same machine finds it; on another machine, or once the model, a cache or the benchmark has changed,
there is none until someone measures.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from kvlab.benchmark.machine import PEERS, machine
from kvlab.errors import KvlabError

ROOT = Path(__file__).parents[1]
MEASURED_SOURCES = ("model", "cache", "benchmark")
# Beyond this share between two halves of its rounds, a time is not worth a sentence.
NOISE_LIMIT = 0.10


class NotMeasuredError(KvlabError):
    """A measurement is asked for that no record has, or that was too noisy for what is said of it."""

    def __init__(self, sentence: str, noisy: bool = False) -> None:
        super().__init__(sentence)
        self.noisy = noisy


@dataclass(frozen=True)
class Record:
    """What was measured in one go.

    Attributes:
        key: what it depends on, hashed.
        taken: the day, as an ISO date.
        quick: whether it was the short measurement that a build takes.
        machine: as `kvlab.benchmark.machine.machine` gives it.
        results: by `bench` and `curves`.
    """

    key: str
    taken: str
    quick: bool
    machine: dict[str, Any]
    results: dict[str, Any]

    @property
    def stale(self) -> bool:
        """Whether it was measured on another machine, with other libraries, or before the source changed."""
        return self.key != current_key()


def folder() -> Path:
    """Return where records are kept: the reader's own cache, or what `KVLAB_RECORDS` names."""
    named = os.environ.get("KVLAB_RECORDS")
    return Path(named) if named else user_cache_path("kvlab") / "measurements"


@cache
def current_key() -> str:
    """Return what a measurement that is taken now would depend on."""
    digest = hashlib.sha256()
    here = {name: value for name, value in machine().items() if name not in PEERS}
    digest.update(json.dumps(here, sort_keys=True).encode())
    for room in MEASURED_SOURCES:
        for path in sorted((ROOT / room).glob("*.py")):
            digest.update(f"{room}/{path.name}".encode())
            digest.update(without_words(path.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()


def without_words(source: str) -> str:
    """Return the code of a module without its comments and docstrings, which change no measurement."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def find() -> Record | None:
    """Return the current record; else the latest of another source, which is stale; else None."""
    kept = sorted(folder().glob("*.json"), key=lambda path: path.stat().st_mtime)
    current = folder() / f"{current_key()}.json"
    for path in (current, *reversed(kept)):
        record = _read(path)
        if record is not None:
            return record
    return None


def _read(path: Path) -> Record | None:
    """Return a kept record; a file that is missing, cut short or of another make is as good as none."""
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def keep(record: Record) -> Path:
    """Keep a record in the place of an earlier one of the same key, whole or not at all."""
    place = folder() / f"{record.key}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(vars(record), indent=1), encoding="utf-8")
    draft.replace(place)
    return place


def ensure() -> str | None:
    """Take the quick measurement unless there is a current record; return why there is still none, or None.

    In a process of its own, since threads are chosen before NumPy is loaded; one at a time on a machine, since two
    would disturb each other: who comes second waits, and finds what the first one measured.
    """
    try:
        with _alone():
            found = find()
            if found is not None and not found.stale:
                return None
            command = [sys.executable, "-m", "kvlab", "measure", "--quick"]
            subprocess.check_output(command, stderr=subprocess.STDOUT, cwd=ROOT.parent, text=True)
    except subprocess.CalledProcessError as error:
        return (error.output.strip().splitlines() or ["no reason was given"])[-1]
    except OSError as error:
        return f"{folder()} cannot be written: {error.strerror}"
    return None


@contextmanager
def _alone() -> Iterator[None]:
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def measured(path: str) -> Any:
    """Return one measurement of the record, such as `"bench.mini.decode_us_per_token"`.

    Raises:
        NotMeasuredError: there is no record, it has no such measurement, a peer was not installed, or it was too noisy.
    """
    record = find()
    if record is None:
        raise NotMeasuredError(f"{path} has not been measured; `make measure` does it")
    found: Any = record.results
    for name in path.split("."):
        if isinstance(found, dict) and found.get("noise", 0) > NOISE_LIMIT:
            between = f"{found['noise']:.0%} between two halves of the rounds"
            raise NotMeasuredError(f"{path} was too noisy: {between}", noisy=True)
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        raise NotMeasuredError(f"{path} is not in the record of {record.taken}")
    return found


def measured_on(what: str) -> str:
    """Return where or when the record was taken: `"processor"`, another key of its machine, or `"taken"`.

    Raises:
        NotMeasuredError: there is no record, or it does not say.
    """
    record = find()
    known = {} if record is None else {**record.machine, "taken": record.taken}
    if what not in known:
        raise NotMeasuredError(f"there is no record that says {what!r}; `make measure` takes one")
    return str(known[what])
