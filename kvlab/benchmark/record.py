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
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_cache_path

from kvlab.benchmark.machine import PEERS, machine
from kvlab.errors import KvlabError
from kvlab.files import write_atomically

ROOT = Path(__file__).parents[1]
MEASURED_SOURCES = ("model", "cache", "benchmark")
HASHES = "hashes"  # the file of the hashes of code, beside the records
# Beyond this share between two halves of its rounds, a time is not worth a sentence.
NOISE_LIMIT = 0.10


class NotMeasuredError(KvlabError):
    """A measurement is asked for that cannot be said.

    Attributes:
        reason: `"missing"`, `"noisy"`, or `"contradicted"`: measured, and not what the sentence relies on.
    """

    def __init__(self, sentence: str, reason: Literal["missing", "noisy", "contradicted"] = "missing") -> None:
        super().__init__(sentence)
        self.reason = reason


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
    if named:
        return Path(named)
    try:
        return user_cache_path("kvlab") / "measurements"
    except RuntimeError:
        raise KvlabError("this user has no home directory; let KVLAB_RECORDS name a folder for the record") from None


@cache
def current_key() -> str:
    """Return what a measurement that is taken now would depend on."""
    digest = hashlib.sha256()
    here = {name: value for name, value in machine().items() if name not in PEERS}
    digest.update(json.dumps(here, sort_keys=True).encode())
    paths = [path for room in MEASURED_SOURCES for path in sorted((ROOT / room).glob("*.py"))]
    for path, code in zip(paths, _hashes_without_words(paths), strict=True):
        digest.update(f"{path.relative_to(ROOT)} {code}".encode())
    return digest.hexdigest()


def _hashes_without_words(paths: list[Path]) -> list[str]:
    """Return a hash of the code of each module. Each is kept by the hash of its source: to parse them takes a while."""
    sources = [path.read_text(encoding="utf-8") for path in paths]
    keys, known = [_hash(source) for source in sources], _known_hashes()
    new = {
        key: _hash(without_words(source, str(path)))
        for key, source, path in zip(keys, sources, paths, strict=True)
        if key not in known
    }
    if new:
        with suppress(OSError, KvlabError):  # without them the next build only takes longer
            write_atomically(folder() / HASHES, json.dumps(known | new))
    return [(known | new)[key] for key in keys]


def _known_hashes() -> dict[str, str]:
    try:
        known = json.loads((folder() / HASHES).read_text(encoding="utf-8"))
    except (OSError, ValueError, KvlabError):
        return {}
    return known if isinstance(known, dict) else {}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def without_words(source: str, file: str = "?") -> str:
    """Return the code of a module without its comments and docstrings, which change no measurement."""
    tree = ast.parse(source, filename=file)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def find() -> Record | None:
    """Return the current record; else the latest of another source, which is stale; else None."""
    try:
        place = folder()
    except KvlabError:  # a user without a home has no record either, and pages say that nothing was measured
        return None
    current = _read(place / f"{current_key()}.json")
    if current is not None:
        return current
    others = [record for path in place.glob("*.json") if (record := _read(path)) is not None]
    return max(others, key=lambda record: record.taken, default=None)


def _read(path: Path) -> Record | None:
    """Return a kept record; a file that is missing, cut short or of another make is as good as none."""
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    whole = isinstance(record.machine, dict) and isinstance(record.results, dict) and isinstance(record.taken, str)
    return record if whole else None


def keep(record: Record) -> Path:
    """Keep a record in place of an earlier one of the same key."""
    place = folder() / f"{record.key}.json"
    write_atomically(place, json.dumps(vars(record), indent=1))
    return place


def require_place() -> None:
    """Raise `KvlabError` when a record could not be kept: asked before minutes of measuring, and tried for real."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder()).close()
    except OSError as error:
        raise KvlabError(f"{folder()} cannot be written: {error.strerror}; KVLAB_RECORDS names another") from None


def ensure(announce: Callable[[], None] = lambda: None) -> str | None:
    """Take the quick measurement unless there is a current record; return why there is still none, or None.

    `announce` is called before it begins, which takes some ten seconds.

    In a process of its own, since threads are chosen before NumPy is loaded; one at a time on a machine, since two
    would disturb each other: who comes second waits, and finds what the first one measured.
    """
    try:
        if _is_current():
            return None
        announce()
        with _alone():
            if _is_current():
                return None
            command = [sys.executable, "-m", "kvlab", "measure", "--quick"]
            subprocess.check_output(command, stderr=subprocess.STDOUT, cwd=ROOT.parent, text=True)
    except subprocess.CalledProcessError as error:
        return (error.output.strip().splitlines() or ["no reason was given"])[-1]
    except OSError as error:
        return f"{folder()} cannot be written: {error.strerror}"
    except KvlabError as error:
        return str(error)
    return None


def _is_current() -> bool:
    found = find()
    return found is not None and not found.stale


@contextmanager
def _alone() -> Iterator[None]:
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def measured(path: str, at_least: float | None = None, at_most: float | None = None) -> Any:
    """Return one measurement of the record, such as `"bench.mini.decode_us_per_token"`.

    Args:
        path: the names under which it stands, with dots between them.
        at_least: below this it contradicts what is said of it.
        at_most: likewise above this.

    Raises:
        NotMeasuredError: there is no record, it has no such measurement, a peer was not installed, it was too noisy,
            or it is beyond its limits.
    """
    record = find()
    if record is None:
        raise NotMeasuredError(f"{path} has not been measured; `make measure` does it")
    found: Any = record.results
    for name in path.split("."):
        if isinstance(found, dict) and found.get("noise", 0) > NOISE_LIMIT:
            between = f"{found['noise']:.0%} between two halves of the rounds"
            raise NotMeasuredError(f"{path} was too noisy: {between}", "noisy")
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        raise NotMeasuredError(f"{path} is not in the record of {record.taken}")
    if (at_least is not None and found < at_least) or (at_most is not None and found > at_most):
        raise NotMeasuredError(f"{path} is {found:.3g}, and should be within {at_least} and {at_most}", "contradicted")
    return found


def measured_on(what: str) -> str:
    """Return how the record was taken: `"processor"` or another key of its machine, or `"taken"`.

    Raises:
        NotMeasuredError: there is no record, or it does not say.
    """
    record = find()
    known = {} if record is None else {**record.machine, "taken": record.taken}
    if what not in known:
        raise NotMeasuredError(f"there is no record that says {what!r}; `make measure` takes one")
    return str(known[what])
