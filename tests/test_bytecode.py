"""Protects compiled modules: none is stale, not even after a change that keeps a file's size and time."""

import importlib
import os
import sys

import pytest

from figures_src import store
from figures_src.build import bytecode


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "STORE", tmp_path / "store")
    monkeypatch.setattr(bytecode, "PACKAGES", ("some_package",))
    monkeypatch.setattr(sys, "path_hooks", list(sys.path_hooks))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "some_package").mkdir()
    (tmp_path / "some_package/__init__.py").write_text("")
    bytecode.install(tmp_path)
    yield tmp_path / "some_package"
    forget()


def forget():
    for name in [name for name in sys.modules if name.split(".")[0] == "some_package"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def loaded(package, text):
    """Return X of a module with that text, whose file's time never changes."""
    (package / "a.py").write_text(text)
    os.utime(package / "a.py", (1, 1))
    forget()
    return importlib.import_module("some_package.a").X


def test_a_change_of_the_same_size_within_one_second_is_seen(package):
    assert [loaded(package, f"X = {n}") for n in (1, 2, 1)] == [1, 2, 1]


def test_a_text_is_compiled_once_and_nothing_is_written_beside_it(package, monkeypatch):
    compiled = []
    compile_it = bytecode.Loader.source_to_code
    monkeypatch.setattr(
        bytecode.Loader, "source_to_code", lambda self, *given: compiled.append(given[1]) or compile_it(self, *given)
    )
    for _ in range(2):
        loaded(package, "X = 3")
    assert [path for path in compiled if path.endswith("a.py")] == [str(package / "a.py")]
    assert sorted(path.name for path in package.iterdir()) == ["__init__.py", "a.py"]


def test_a_syntax_error_names_its_file_and_line(package):
    with pytest.raises(SyntaxError) as error:
        loaded(package, "X = 1\nY = (")
    assert (error.value.filename, error.value.lineno) == (str(package / "a.py"), 2)
