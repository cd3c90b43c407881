"""Compiled modules of the project, kept by the content of their sources.

Python's own cache goes by a file's time and size: a change that keeps both, as within one second, would not be seen. It
also lies next to the sources, where the live server would take each file that it writes for a change.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from figures_src import store

PACKAGES = ("kvlab", "figures_src")


class Loader(SourceFileLoader):
    """Loads a module from its source, compiled once for each content."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code."""
        path = self.get_filename(fullname)
        source = self.get_data(path)

        def compiled() -> bytes:
            return marshal.dumps(self.source_to_code(source, path))

        # A code object names its file, and its form is the interpreter's own.
        key = store.digest_of(path, importlib.util.MAGIC_NUMBER.hex(), source.decode())
        return marshal.loads(store.keep("bytecode", key, compiled))


def install(root: Path) -> None:
    """Let the project's modules below `root` be loaded this way from now on."""
    find = FileFinder.path_hook((Loader, [".py"]))

    def find_in_package(path: str) -> Any:
        if not any(Path(path).is_relative_to(root / package) for package in PACKAGES):
            raise ImportError(f"{path} is not a folder of the project's packages")
        return find(path)

    for path in [path for path in sys.path_importer_cache if path.startswith(str(root))]:
        del sys.path_importer_cache[path]
    sys.path_hooks[:] = [
        find_in_package,
        *(hook for hook in sys.path_hooks if hook.__name__ != find_in_package.__name__),
    ]
