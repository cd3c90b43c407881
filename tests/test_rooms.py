"""Protects what no tool can say of the sources: short modules, no stray division by 1024, no build output in git.

Which module may import which, and that only the command line prints, are contracts in pyproject.toml: `make check`.
"""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import kvlab

ROOT = Path(__file__).parents[1]
MODULES = sorted(p for room in ("kvlab", "figures_src") for p in (ROOT / room).rglob("*.py"))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def test_a_module_is_short_enough_to_be_read():
    assert MODULES
    long = [path for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > 300]
    # A page's module is data: the list of what the page shows.
    assert [name_of(path) for path in long if path.parent != ROOT / "figures_src/pages"] == []


# Division by 1024, 1_000_000, 10**9, 2**30, 1e9, and their disguises: a shift, a negative exponent.
POWERS = re.compile(
    r"/ *\(?(?:1024|1_?000(?:_?000)*|10 *\*\* *(?:[369]|12)|2 *\*\* *[1-4]0|1e(?:[369]|12))\b"
    r"|>> *[1-4]0\b|\b2 *\*\* *-[1-4]0\b"
)


def test_nothing_but_units_divides_by_a_power_of_a_thousand_or_of_1024():
    for division in ("n / 1024", "n / 10**9", "n / (1_000_000)", "n / 2**30", "n / 1e9", "n >> 20", "n * 2**-30"):
        assert POWERS.search(division)
    assert [name_of(path) for path in MODULES if POWERS.search(path.read_text(encoding="utf-8"))] == []


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
    allowed = {"kvlab/training/minigpt", "requirements.lock"}
    for path in tracked():
        name = name_of(path)
        assert path.suffix not in (".svg", ".woff2", ".png", ".csv") or "theme" in name, name
        assert path.stat().st_size < 300_000 or any(name.startswith(a) for a in allowed), name


def test_no_name_in_a_package_hides_one_of_its_modules():
    """An origin such as `kvlab.paging.waste.BLOCKS` has to run as it stands."""
    hidden = []
    for found in pkgutil.walk_packages(kvlab.__path__, "kvlab."):
        if not found.name.startswith(("kvlab.cli.", "kvlab.__main__")):
            module = importlib.import_module(found.name)
            parent, _, name = found.name.rpartition(".")
            hidden += [found.name] if getattr(sys.modules[parent], name) is not module else []
    assert hidden == []
