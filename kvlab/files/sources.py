"""What the sources of a project say without being run: what a module imports, and its code without words."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path


def file_of(module: str, root: Path) -> Path:
    """Return the file of a module by its dotted name, whether it exists or not; `root` contains the packages."""
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_in(tree: ast.Module, packages: Collection[str]) -> list[str]:
    """Return the dotted names of `packages` that a module imports, inside functions too.

    A name may be that of something a module defines, and then is not a module: `from package import name` does not say.
    """
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("constant"):
            # A constant is asked for by its dotted name: what may be a module in it counts as imported.
            for dotted in re.findall(r"\bkvlab(?:\.\w+)+", ast.unparse(node)):
                names += [dotted.rsplit(".", cut)[0] for cut in range(dotted.count("."))]
    return [name for name in names if name.split(".")[0] in packages]


def modules_used_by(modules: Iterable[str], imports_of: Callable[[str], Collection[str] | None]) -> frozenset[str]:
    """Return the modules that `modules` import, transitively, with the packages of each; `modules` are among them.

    Args:
        modules: dotted names.
        imports_of: returns the dotted names that a module imports; None where there is no module of that name.
    """
    found: dict[str, bool] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        imported = imports_of(name)
        found[name] = imported is not None
        waiting += imported or []
        waiting += [name.rpartition(".")[0]] if found[name] and "." in name else []
    return frozenset(name for name, is_module in found.items() if is_module)


def without_words(tree: ast.Module) -> str:
    """Return the code of a module without its comments and docstrings, which change nothing that it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)
