"""`make time`: what the builds cost, next to what they may, in a copy of the project.

CPU-seconds are those of all processes, so that two processors count twice. Seconds run from the save of a file until a
real server answers with the new page. Both depend on the machine, and on what else it does.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
PAGE, OTHER = "theory/05-worked-example", "theory/02-memory-cost"
FORMULA, FACTOR = "kvlab/accounting/memory.py", "return {} * n_layers * n_kv_heads * head_dim * context"
TWICE = {"": "262,144\u00a0B", "es/": "262\u202f144\u00a0B"}  # the MiniGPT's cache with twice the factor
MKDOCS = [sys.executable, "-m", "mkdocs"]
AT_REST = 3  # seconds after which the server has loaded all that it can
LONG = 300  # seconds after which nothing more is awaited


def main() -> None:
    """Print the table."""
    table = Table("", "measured", "target")
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        for row in (*builds(project), *live(project)):
            table.add_row(*row)
    Console().print(table)


class Project:
    """A copy of what git has of the project, to be built and changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        self.environment = os.environ | {"KVLAB_RECORDS": str(folder / "records"), "PYTHONPATH": str(folder)}

    def run(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start mkdocs there, and let it say nothing."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            [*MKDOCS, *arguments], cwd=self.folder, env=self.environment, stdout=quiet, stderr=quiet
        )

    def build(self) -> None:
        """Build the site."""
        assert self.run("build", "--strict").wait() == 0, "the copy of the project does not build"

    def add_sentence(self, word: str) -> None:
        """Write one more sentence, which ends with `word`, in English."""
        self._edit(f"docs/en/{PAGE}.md", "\n\n## ", f"\n\nOne more sentence: {word}.\n\n## ")

    def change_factor(self, old: int, new: int) -> None:
        """Change the factor of the formula of a cache's bytes."""
        self._edit(FORMULA, FACTOR.format(old), FACTOR.format(new))

    def _edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r} to change"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


def builds(project: Project) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each build by itself."""
    began = time.monotonic()
    cpu = _cpu(project.build)
    yield "first build, nothing kept, measuring included", f"{time.monotonic() - began:.0f} s, {cpu:.0f} CPU-s", "60 s"
    yield "nothing changed", f"{_cpu(project.build):.1f} CPU-s", "3 CPU-s"
    project.add_sentence("built")
    yield "one sentence changed", f"{_cpu(project.build):.1f} CPU-s", "4 CPU-s"
    project.change_factor(2, 8)
    yield "one formula changed", f"{_cpu(project.build):.1f} CPU-s", ""
    project.change_factor(8, 2)
    project.build()


def live(project: Project) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each thing that a live server does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    with _served(project, address):
        pages = {name: f"http://{address}/{name}.html" for name in (PAGE, f"es/{PAGE}", OTHER)}
        _until(pages[PAGE], "</html>")
        yield "live server up", f"{time.monotonic() - began:.1f} s", "4 s"
        time.sleep(AT_REST)
        project.add_sentence("live")
        yield "a saved sentence on its page", f"{_until(pages[PAGE], 'One more sentence: live'):.2f} s", "1 s"
        time.sleep(AT_REST)
        began = time.monotonic()
        project.change_factor(2, 4)
        for language, text in TWICE.items():
            _until(pages[f"{language}{PAGE}"], text)
        yield "a saved formula on the page that is looked at", f"{time.monotonic() - began:.2f} s", "2 s"
        _until(pages[OTHER], "</html>")  # it waits until it is right
        yield "and on all pages", f"{time.monotonic() - began:.1f} s", "6 s"


@contextmanager
def _served(project: Project, address: str) -> Iterator[None]:
    server = project.run("serve", "--dev-addr", address)
    try:
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def _until(address: str, text: str) -> float:
    """Return the seconds until a page has a text."""
    began = time.monotonic()
    while time.monotonic() < began + LONG:
        try:
            with urllib.request.urlopen(address) as page:
                if text in page.read().decode():
                    return time.monotonic() - began
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"{address} never said {text!r}")


def _cpu(work: Callable[[], None]) -> float:
    """Return the CPU-seconds of the processes that `work` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
