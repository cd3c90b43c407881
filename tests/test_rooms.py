"""Data flows one way, kvlab → figures_src → hook → pages; and what must not stand in the project does not."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(p for room in ("kvlab", "figures_src") for p in (ROOT / room).rglob("*.py"))
KVLAB = [path for path in MODULES if path.is_relative_to(ROOT / "kvlab")]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def imported(path):
    """Return the dotted names that a module imports; of `from room import thing`, the room and `room.thing`."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively; say the whole name"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def rooms(path):
    return {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", KVLAB, ids=name_of)
def test_kvlab_imports_no_other_room_and_nothing_of_the_site(path):
    assert not rooms(path) & {"figures_src", "tests", "mkdocs", "markdown", "matplotlib", "math_core"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_hook_knows_the_site_generator(path):
    if path.name != "hook.py":
        assert "mkdocs" not in rooms(path)


@pytest.mark.parametrize("path", [p for p in MODULES if "markup" in p.parts or "figures" in p.parts], ids=name_of)
def test_markup_and_drawing_do_not_know_the_pages(path):
    assert not [name for name in imported(path) if name.startswith(("figures_src.pages", "figures_src.book"))]


def test_the_accounting_knows_no_model_and_the_model_no_accounting():
    for path in KVLAB:
        names = imported(path)
        if path.parent.name == "accounting":
            allowed = ("kvlab.accounting", "kvlab.errors", "kvlab.units")
            assert not [n for n in names if n.startswith("kvlab.") and not n.startswith(allowed)], path
        if path.parent.name in ("model", "cache"):
            assert not [n for n in names if n.startswith("kvlab.accounting")], path


@pytest.mark.parametrize("path", [p for p in MODULES if "cli" not in p.parts], ids=name_of)
def test_nothing_but_the_command_line_prints(path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    assert not [n for n in nodes if isinstance(n, ast.Name) and n.id == "print"]
    assert not [n for n in nodes if isinstance(n, ast.Attribute) and n.attr in ("stdout", "stderr")]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_enough_to_be_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 360


# Division by 1024, 1_000_000, 10**9, 2**30, 1e9, and their disguises: a shift, a negative exponent.
POWERS = re.compile(
    r"/ *\(?(?:1024|1_?000(?:_?000)*|10 *\*\* *(?:[369]|12)|2 *\*\* *[1-4]0|1e(?:[369]|12))\b"
    r"|>> *[1-4]0\b|\b2 *\*\* *-[1-4]0\b"
)


def test_the_only_division_by_a_power_of_a_thousand_or_of_1024_is_in_units():
    for path in MODULES:
        if name_of(path) in ("kvlab/units.py",):
            continue
        text = path.read_text(encoding="utf-8")
        assert not POWERS.search(text), name_of(path)


def tracked():
    """Return the project's files, as git would commit them."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_no_file_names_a_package_index_or_a_path_of_a_machine():
    for path in tracked():
        if path.suffix in (".safetensors", ".woff2", ".npz", ".png") or path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"--(?:extra-)?index-url \S|https?://[^ \"]*/simple/|files\.pythonhosted", text), path
        assert not re.search(r"(?<![\w.])/(?:work|home|root|Users)/\w", text), path


def test_no_build_output_is_committed():
    allowed = {"kvlab/grammar/minigpt", "requirements.lock"}
    for path in tracked():
        name = name_of(path)
        assert path.suffix not in (".svg", ".woff2", ".png", ".csv") or "theme" in name, name
        assert path.stat().st_size < 300_000 or any(name.startswith(a) for a in allowed), name
