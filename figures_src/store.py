"""Results kept by content: under a hash of all that could change them, so that no flag ever has to be set.

A value's key is its call, the sources of the kvlab modules that its function uses (transitively), the data files that
these read (the checkpoint among them) and the versions of the libraries. A figure's key is its data, the sources that
draw it and its words. What is not the same content has another key, and what is kept is never wrong.

All of it is in one SQLite file: two builds at once and a kill at any moment leave it whole.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from kvlab.files import sources

Text = TypeVar("Text", str, bytes)

ROOT = Path(__file__).parents[1]
STORE = ROOT / ".cache"
PACKAGES = ("kvlab", "figures_src")
FILE = "kept.sqlite"
DAYS_KEPT = 30  # an entry that no build has asked for since then is dropped
# Which module reads a folder of data: a change there concerns those that use this module, and no others.
DATA_OF = {
    "kvlab/catalog": "kvlab.catalog",
    "kvlab/training/minigpt": "kvlab.training",
    "kvlab/labs/solutions": "kvlab.labs.lab",
    "kvlab/labs/starters": "kvlab.labs.lab",
    "kvlab/labs/words": "kvlab.labs.words",
    "kvlab/sizing": "kvlab.sizing.config_reader",
}
# Folders of programs that nothing imports: they are read, as data is.
PROGRAMS = ("kvlab/labs/solutions", "kvlab/labs/starters")
LIBRARIES = ("matplotlib", "numpy", "safetensors", "tokenizers")

_used: set[tuple[str, str]] = set()  # kind and key of what this build has asked for


# The store.


def keep(kind: str, key: str, make: Callable[[], Text]) -> Text:
    """Return what is kept as `key`, made now if there is nothing."""
    found: Text | None = lookup(kind, key)
    if found is None:
        found = make()
        put(kind, key, found)
    return found


def lookup(kind: str, key: str) -> Any:
    """Return what is kept as `key`, a string or bytes; None where there is nothing."""
    _used.add((kind, key))
    row = None
    with suppress(sqlite3.Error):  # a damaged store holds nothing
        row = _database().execute("SELECT content FROM kept WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return row[0] if row else None


def put(kind: str, key: str, content: str | bytes) -> None:
    """Keep `content` as `key`, instead of what was there. A full disk keeps nothing, and fails no build."""
    with suppress(sqlite3.Error):
        _database().execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", (kind, key, content, _today()))


def drop_old() -> None:
    """Note what this build has used, and drop what no build has used for `DAYS_KEPT` days."""
    with suppress(sqlite3.Error):
        database = _database()
        rows = [(_today(), kind, key, _today()) for kind, key in _used]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("UPDATE kept SET used = ? WHERE kind = ? AND key = ? AND used < ?", rows)
        database.execute("DELETE FROM kept WHERE used < ?", (_today() - DAYS_KEPT,))
        database.execute("COMMIT")


def _database() -> sqlite3.Connection:
    return _opened(STORE / FILE)


@cache
def _opened(path: Path) -> sqlite3.Connection:
    """Return the database, a new one in place of one that is damaged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _connected(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # busy or not writable, and not damaged
            raise
        for part in path.parent.glob(f"{path.name}*"):
            part.unlink(missing_ok=True)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    # A log next to the file: writers do not wait for the disk, and readers do not wait for writers.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS kept (kind TEXT, key TEXT, content, used INTEGER, PRIMARY KEY (kind, key))"
    )
    return database


@cache
def _today() -> int:
    return date.today().toordinal()


# The keys.


def key_of(*parts: str) -> str:
    """Return the name under which something that depends on `parts`, and on nothing else, is kept."""
    return digest_of(*parts, _libraries())


def digest_of(*parts: str) -> str:
    """Return a hash of `parts` in which they do not run together."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()


@cache
def sources_of(module: str) -> str:
    """Return a hash of a module's source and of all the project's modules that it imports, and they in turn."""
    return digest_of(*(f"{name} {file_digest(_file_of(name))}" for name in sorted(modules_used_by(module))))


@cache
def documentation_of(module: str) -> str:
    """Return a hash of what a module says of itself: its code but for what its functions do."""
    tree = ast.parse(_file_of(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":  # which defines attributes
            node.body = node.body[:1] if ast.get_docstring(node, clean=False) else []
    return digest_of(ast.dump(tree))


@cache
def modules_used_by(module: str) -> frozenset[str]:
    """Return `module` and the modules of the project that it imports, transitively; their packages are among them."""
    return sources.modules_used_by([module], _imports)


@cache
def data_read_by(module: str) -> str:
    """Return a hash of the files of kvlab that are no sources and that `module`, or what it uses, may read.

    A folder of data belongs to the module named in `DATA_OF`; one that is not named there belongs to every module.
    """
    used = modules_used_by(module)
    read = [path for path, reader in _data_files() if reader is None or reader in used]
    return digest_of(*(f"{path.relative_to(ROOT).as_posix()} {file_digest(path)}" for path in read))


@cache
def _data_files() -> list[tuple[Path, str | None]]:
    """Return the files of data, each with the module that reads it where that is known."""
    found = []
    for path in sorted((ROOT / "kvlab").rglob("*")):
        folder = path.parent.relative_to(ROOT).as_posix()
        if (path.suffix not in (".py", ".pyc") or folder in PROGRAMS) and path.is_file():
            found.append((path, DATA_OF.get(folder)))
    return found


@cache
def _imports(module: str) -> list[str] | None:
    if not is_module(module):
        return None
    source = _file_of(module)
    key = digest_of(file_digest(Path(sources.__file__)), file_digest(source))
    names: list[str] = json.loads(keep("imports", key, lambda: json.dumps(_imported_in(source))))
    return names


def _imported_in(source: Path) -> list[str]:
    return sources.imports_in(ast.parse(source.read_text(encoding="utf-8"), str(source)), PACKAGES)


@cache
def file_digest(path: Path) -> str:
    """Return a hash of a file's bytes; nothing for one that does not exist."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def is_module(name: str) -> bool:
    """Return whether a dotted name is that of a module of the project."""
    return bool(file_digest(_file_of(name)))


@cache
def _file_of(module: str) -> Path:
    return sources.file_of(module, ROOT)


@cache
def _libraries() -> str:
    return " ".join([platform.python_version(), *(f"{name} {metadata.version(name)}" for name in LIBRARIES)])
