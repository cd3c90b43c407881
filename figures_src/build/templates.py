"""The theme's templates: an installed theme's are listed once for each version, and compiled once for their content.

Material brings fourteen thousand icons, which mkdocs would list twice a build to find the few files that it copies.
"""

from __future__ import annotations

import json
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from jinja2.bccache import Bucket, BytecodeCache

from figures_src import store


class ThemeLoader(FileSystemLoader):
    """Finds templates as its parent does, and lists none of those in hidden folders, which mkdocs never copies."""

    def list_templates(self) -> list[str]:
        """Return the names of all templates."""
        return sorted({name for folder in self.searchpath for name in _names_in(Path(folder))})


class Templates(BytecodeCache):
    """Jinja's compiled templates, which it keys by their content: to compile them again is most of a warm build."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket if its template is kept."""
        found = store.lookup("templates", f"{bucket.key} {bucket.checksum}")
        if found is not None:
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the bucket."""
        store.put("templates", f"{bucket.key} {bucket.checksum}", bucket.bytecode_to_string())


def use_in(theme: Any) -> None:
    """Let a theme of mkdocs make its environments this way."""
    theme.get_env = partial(_environment, type(theme).get_env, theme)


def _environment(make: Any, theme: Any) -> Environment:
    environment: Environment = make(theme)
    environment.loader, environment.bytecode_cache = ThemeLoader(theme.dirs), Templates()
    return environment


def _names_in(folder: Path) -> list[str]:
    if folder.is_relative_to(store.ROOT / "figures_src"):
        return _listed(folder)
    versions = (f"{name} {metadata.version(name)}" for name in ("mkdocs", "mkdocs-material"))
    key = store.digest_of(str(folder), *versions)
    names: list[str] = json.loads(store.keep("listings", key, lambda: json.dumps(_listed(folder))))
    return names


def _listed(folder: Path) -> list[str]:
    return [name for name in FileSystemLoader(folder).list_templates() if not name.startswith(".")]
