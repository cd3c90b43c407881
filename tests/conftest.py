"""What all tests share: numbers that are the same every day, the built site, one browser, and what was left out."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import small_project
from hypothesis import settings
from pinned import pinned
from playwright.sync_api import Browser

from figures_src.pdf.browser import chromium
from kvlab.benchmark import record

ROOT = Path(__file__).parents[1]
LEFT_OUT = pytest.StashKey[int]()
# Few examples of each property in the fast tier, many in `make test-all`. A busy machine fails no test.
settings.register_profile("fast", max_examples=10, deadline=None)
settings.register_profile("thorough", max_examples=200, deadline=None)
settings.load_profile("fast")

# No build measures while tests run, and what is built has the same numbers every day. For the builds, which run
# in processes of their own, as for the tests themselves.
os.environ["KVLAB_RECORDS"] = str(ROOT / ".cache" / "pinned")
record.keep(pinned())


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], Any]], Any]:
    """Return `once(name, make)`: what make() gives, as JSON, made by the first pytest-xdist worker that asks."""
    mine = tmp_path_factory.getbasetemp()
    shared = mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine

    def make_once(name: str, make: Callable[[], Any]) -> Any:
        kept = shared / f"{name}.json"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                kept.write_text(json.dumps(make()), encoding="utf-8")
        return json.loads(kept.read_text(encoding="utf-8"))

    return make_once


def build(folder: Path) -> str:
    """Build the site in a process of its own: an exception inside i18n's nested build leaves mkdocs patched."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(folder)


@pytest.fixture(scope="session")
def site(once: Callable[[str, Callable[[], Any]], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site's folder."""
    return Path(once("site", lambda: build(tmp_path_factory.mktemp("built") / "site")))


@pytest.fixture(scope="session")
def small_built(once: Callable[[str, Callable[[], Any]], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small project, built once; nobody changes it."""

    def make() -> str:
        project = small_project.write(tmp_path_factory.mktemp("small") / "project")
        project.built()
        return str(project.root)

    return Path(once("small", make))


@pytest.fixture
def small(small_built: Path, tmp_path: Path) -> small_project.Project:
    """A copy of the small project, built already, to be changed."""
    shutil.copytree(small_built, tmp_path / "project")
    return small_project.Project(tmp_path / "project")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a worker."""
    with chromium() as one:
        yield one


def pytest_configure(config: pytest.Config) -> None:
    """Count what `-m` leaves out."""
    config.stash[LEFT_OUT] = 0


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what `-m` leaves out, in the process that collects."""
    if items:
        items[0].config.stash[LEFT_OUT] += len(items)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that reports: each worker of pytest-xdist has collected everything."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a worker."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what the fast tier has left out."""
    if config.stash[LEFT_OUT] and config.option.markexpr == "not slow":
        terminalreporter.write_line(f"{config.stash[LEFT_OUT]} slow tests were left to `make test-all`.")
