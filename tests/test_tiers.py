"""Protects the two tiers of tests: no test is in neither, and every file says what it protects, and why it is slow.

Slow: it lets pytest collect every test three times.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
FILES = sorted(path for path in (ROOT / "tests").rglob("test_*.py"))


def docstring(path):
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def is_slow(path):
    """Return whether the file marks a test as slow."""
    return re.search(
        r"^(?:\s*@|pytestmark = |.*marks=)\(?pytest\.mark\.slow\b", path.read_text(encoding="utf-8"), re.MULTILINE
    )


def test_every_file_of_tests_says_first_what_it_protects():
    assert [path.name for path in FILES if not re.match(r'""".{20,}', path.read_text(encoding="utf-8"))] == []


def test_a_file_with_slow_tests_says_why_they_are_slow_and_no_other_does():
    says = {path.name for path in FILES if re.search(r"^Slow: \S", docstring(path), re.MULTILINE)}
    assert says == {path.name for path in FILES if is_slow(path)}


def commands(target):
    """Return the lines of a target of the Makefile that run pytest."""
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    return [line for line in recipe.splitlines() if "$(PYTEST)" in line]


def test_one_tier_runs_what_is_not_slow_and_the_other_leaves_nothing_out():
    assert commands("test") == ['\t$(PYTEST) -m "not slow"']
    assert commands("test-all") == ["\t$(PYTEST) --hypothesis-profile thorough $(TESTS)"]
    assert re.findall(r"^PYTEST := .*", MAKEFILE, re.MULTILINE) == [
        "PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile --timeout 1200"
    ]


def collected(*options):
    """Return the ids of the tests that pytest would run."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"^tests/\S+\.py::.*", done.stdout, re.MULTILINE))


@pytest.mark.slow
def test_no_test_is_in_neither_tier():
    fast, slow, every = collected("-m", "not slow"), collected("-m", "slow"), collected()
    assert fast
    assert slow
    assert not fast & slow
    assert fast | slow == every
    assert {test.split("::")[0] for test in every} == {
        path.relative_to(ROOT).as_posix() for path in FILES if "peers" not in path.parts
    }
