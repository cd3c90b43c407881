"""The record of measurements: taken once for what is measured, its machine and its libraries, and kept outside git.

A record is found by what it depends on: the code of every module that measuring runs, and the trained checkpoint. It
has measurements and nothing computed from a formula, so a formula of the accounting, a comment or a page does not
invalidate it, and the next build on the same machine finds it. On another machine, or once a part of what is measured
has changed, there is none until someone measures.
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
from kvlab.files import sources, write_atomically
from kvlab.training import MINIGPT

ROOT = Path(__file__).parents[1]
MEASURING = ("kvlab.benchmark.bench", "kvlab.benchmark.curves")
SOURCES = "sources"  # the file of what was read in sources, next to the records
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
        results: of `bench` and `curves`.
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
    here = {name: value for name, value in machine().items() if name not in PEERS}
    parts = [f"{name} {code}" for name, code in sorted(_measured_code().items())]
    parts += [f"{path.name} {_hash(path.read_bytes())}" for path in sorted(MINIGPT.iterdir()) if path.is_file()]
    return _hash(json.dumps([here, parts], sort_keys=True).encode())


def _measured_code() -> dict[str, str]:
    """Return a hash of the code of each module that measuring runs, by its dotted name.

    What is read in a source is kept by the hash of that source: to parse them takes a while.
    """
    known, codes = _known_sources(), {}
    n_known, reader = len(known), Path(sources.__file__).read_bytes()

    def imports_of(module: str) -> list[str] | None:
        path = sources.file_of(module, ROOT.parent)
        try:
            source = path.read_bytes()
        except FileNotFoundError:
            return None
        key = _hash(reader + source)
        if key not in known:
            tree = ast.parse(source, str(path))
            imports = sources.imports_in(tree, (ROOT.name,))
            known[key] = (_hash(sources.without_words(tree).encode()), imports)
        codes[module], imports = known[key]
        return imports

    sources.modules_used_by(MEASURING, imports_of)
    if len(known) > n_known:
        with suppress(OSError, KvlabError):  # without them the next build only takes longer
            write_atomically(folder() / SOURCES, json.dumps(known))
    return codes


def _known_sources() -> dict[str, tuple[str, list[str]]]:
    try:
        known = json.loads((folder() / SOURCES).read_text(encoding="utf-8"))
    except (OSError, ValueError, KvlabError):
        return {}
    return known if isinstance(known, dict) else {}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


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
    return found if at_least is None and at_most is None else within(found, path, at_least, at_most)


def within(quantity: float, name: str, at_least: float | None = None, at_most: float | None = None) -> float:
    """Return what was measured, or computed from it, if it is within the limits that its sentence relies on.

    Raises:
        NotMeasuredError: it is not.
    """
    if (at_least is not None and quantity < at_least) or (at_most is not None and quantity > at_most):
        message = f"{name} is {quantity:.3g}, and should be within {at_least} and {at_most}"
        raise NotMeasuredError(message, "contradicted")
    return quantity


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
