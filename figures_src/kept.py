"""Results kept by content: under a hash of all that could change them, so that no flag ever has to be set.

A value's key is its call, the sources of the kvlab modules that its function uses (transitively), the data files that
these read (the checkpoint among them) and the versions of the libraries. A figure's key is its data, the sources that
draw it and its words. What is not the same content has another key, and what is kept is never wrong.
"""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path

from jinja2 import FileSystemBytecodeCache

ROOT = Path(__file__).parents[1]
STORE = ROOT / ".cache"
# Which module reads a folder of data: a change there concerns those that use this module, and no others.
DATA_OF = {
    "kvlab/catalog": "kvlab.catalog",
    "kvlab/grammar/minigpt": "kvlab.grammar",
    "kvlab/labs/solutions": "kvlab.labs.lab",
    "kvlab/labs/starters": "kvlab.labs.lab",
    "kvlab/labs/words": "kvlab.labs.words",
    "kvlab/sizing": "kvlab.sizing.keys",
}
# Folders of programs that nothing imports: they are read, as data is.
PROGRAMS = ("kvlab/labs/solutions", "kvlab/labs/starters")
LIBRARIES = ("brotli", "fonttools", "matplotlib", "numpy", "safetensors", "tokenizers")


def key_of(*parts: str) -> str:
    """Return the name under which something that depends on `parts`, and on nothing else, is kept."""
    digest = hashlib.sha256()
    for part in (*parts, _libraries()):
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()


def keep(kind: str, key: str, make: Callable[[], str]) -> str:
    """Return the text kept as `key`, made now if there is none. A kill at any moment leaves it whole or absent."""
    path = STORE / kind / key
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        made = make()
        put(kind, key, made)
        return made


def lookup(kind: str, key: str) -> str | None:
    """Return the text kept as `key`, or None."""
    path = STORE / kind / key
    return path.read_text(encoding="utf-8") if path.exists() else None


def put(kind: str, key: str, text: str) -> None:
    """Keep `text` as `key`, in the place of what was there."""
    path = STORE / kind / key
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(draft).replace(path)


def templates() -> FileSystemBytecodeCache:
    """Return where compiled templates are kept, which Jinja does by their content as well."""
    folder = STORE / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    return FileSystemBytecodeCache(str(folder))


@cache
def sources_of(module: str) -> str:
    """Return a hash of a module's source and of all the project's modules that it imports, and they in turn."""
    digest = hashlib.sha256()
    for name in sorted(modules_used_by(module)):
        digest.update(name.encode())
        digest.update(_file_of(name).read_bytes())
    return digest.hexdigest()


@cache
def modules_used_by(module: str) -> frozenset[str]:
    """Return `module` and the modules of the project that it imports, transitively; their packages are among them."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or not _file_of(name).exists():
            continue
        found.add(name)
        waiting += _imports(name)
        waiting += [name.rpartition(".")[0]] if "." in name else []
    return frozenset(found)


@cache
def data_read_by(module: str) -> str:
    """Return a hash of the files of kvlab that are no sources and that `module`, or what it uses, may read.

    A folder of data belongs to the module named in `DATA_OF`; one that is not named there belongs to every module.
    """
    digest, used = hashlib.sha256(), modules_used_by(module)
    for path in sorted((ROOT / "kvlab").rglob("*")):
        folder = path.parent.relative_to(ROOT).as_posix()
        is_data = path.suffix not in (".py", ".pyc") or folder in PROGRAMS
        if path.is_file() and is_data and DATA_OF.get(folder, module) in used:
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _imports(module: str) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(_file_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import name` may name a module of the package, or something that a module defines.
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] in ("kvlab", "figures_src")]


def _file_of(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _libraries() -> str:
    return " ".join([platform.python_version(), *(f"{name} {metadata.version(name)}" for name in LIBRARIES)])
