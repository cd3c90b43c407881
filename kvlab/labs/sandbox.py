"""Where a reader's file is run: a process of its own with limits, killed with all that it started, whatever it does.

What is seen there comes back through a pipe that the file does not know of, each line behind a word drawn for this one
run: nothing that it prints can be taken for a result.
"""

from __future__ import annotations

import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kvlab.labs.lab import Finding

ROOT = Path(__file__).parents[2]
GLANCE_SECONDS = 0.05  # between two looks whether the process is still there
# One thread: more would take address space, and two processes' bytes are compared with one another.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


@dataclass(frozen=True)
class Limits:
    """What a reader's file may use.

    Attributes:
        processor_seconds: of the processor; a busy machine takes nothing from it.
        seconds: from start to end, for a file that waits.
        memory_bytes: of address space.
        output_bytes: printed, and likewise said.
        file_bytes: written to any one file.
    """

    processor_seconds: int = 20
    seconds: float = 90
    memory_bytes: int = 1 << 30
    output_bytes: int = 4_000_000
    file_bytes: int = 16_000_000


def limit(of: str) -> float:
    """Return a limit that holds where none is said, by the name of its attribute."""
    value: float = getattr(Limits(), of)
    return value


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        said: what was observed, by name; what was said before any trouble is there.
        trouble: why the run did not come to its end; None when it did.
    """

    said: dict[str, Any] = field(default_factory=dict)
    trouble: Finding | None = None


def run(observer: str, path: Path, limits: Limits = Limits()) -> Outcome:
    """Let `observer`, such as `kvlab.labs.lab_01.probe:observe`, look at the reader's file at work.

    Raises:
        OSError: the system starts no process.
    """
    word = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory(prefix="kvlab-lab-") as folder,
        _started(observer, path, limits, word, folder) as (
            child,
            results,
            output,
        ),
    ):
        return _Listener(child, results, output, limits, word).listen()


@contextmanager
def _started(
    observer: str, path: Path, limits: Limits, word: str, folder: str
) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """Start the process in a group of its own; give it, its results and its output; end the whole group."""
    results, say = os.pipe()
    output, printed = os.pipe()
    order = {"observer": observer, "path": str(path.absolute()), "word": word, "channel": say, **asdict(limits)}
    search = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, **QUIET, "PYTHONPATH": os.pathsep.join(search), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONINSPECT", None)
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "kvlab.labs.sandbox_child", json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            pass_fds=[say],
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
    except BaseException:
        os.close(results)
        os.close(output)
        raise
    finally:
        os.close(say)
        os.close(printed)
    try:
        yield child, results, output
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)  # all that it started, too
        child.wait()
        os.close(results)
        os.close(output)


class _Listener:
    """Reads results and output until the process has said that it is done, is gone, or has used too much."""

    def __init__(self, child: subprocess.Popen[bytes], results: int, output: int, limits: Limits, word: str) -> None:
        self.child, self.limits = child, limits
        self.word = word.encode()
        self.outcome = Outcome()
        self.done = False
        self.unread = b""
        self.bytes_read = {results: 0, output: 0}
        self.results = results
        self.selector = selectors.DefaultSelector()
        for channel in (results, output):
            os.set_blocking(channel, False)
            self.selector.register(channel, selectors.EVENT_READ)

    def listen(self) -> Outcome:
        """Return what came of the run."""
        deadline = time.monotonic() + self.limits.seconds
        with self.selector:
            while not (self.done or self.outcome.trouble):
                ended = self.child.poll() is not None
                self._read_all(0 if ended else GLANCE_SECONDS)
                if ended and not self.done:
                    self.outcome.trouble = self.outcome.trouble or self._how_it_ended()
                elif time.monotonic() > deadline:
                    self.outcome.trouble = Finding("common.trouble.time", {"seconds": round(self.limits.seconds)})
        return self.outcome

    def _read_all(self, wait_seconds: float) -> None:
        """Read what there is, waiting for it at most once."""
        while ready := self.selector.select(wait_seconds):
            wait_seconds = 0
            for key, _ in ready:
                read = os.read(key.fd, 1 << 16)
                if not read:
                    self.selector.unregister(key.fd)
                self._take(key.fd, read)
            if self.done or self.outcome.trouble:
                return
        if not self.selector.get_map():
            time.sleep(wait_seconds)  # both channels are closed, and the process is not over

    def _take(self, channel: int, read: bytes) -> None:
        self.bytes_read[channel] += len(read)
        if self.bytes_read[channel] > self.limits.output_bytes:
            self.outcome.trouble = Finding("common.trouble.output", {"most": self.limits.output_bytes})
        elif channel == self.results:
            *lines, self.unread = (self.unread + read).split(b"\n")
            for line in lines:
                self._understand(line)

    def _understand(self, line: bytes) -> None:
        """Take a line of results; what does not begin with the run's own word is none."""
        word, _, message = line.partition(b" ")
        if word != self.word:
            return
        kind, name, value = json.loads(message)
        if kind == "said":
            self.outcome.said[name] = value
        elif kind == "trouble":
            self.outcome.trouble = Finding(f"common.trouble.{name}", value)
        else:
            self.done = True

    def _how_it_ended(self) -> Finding:
        """Return why a process that said nothing of it has ended."""
        code = self.child.returncode
        if code >= 0:
            return Finding("common.trouble.exited", {"code": code})
        # The hard limit, where a file catches the signal of the soft one, comes as SIGKILL: nobody else sends it here.
        if -code in (signal.SIGXCPU, signal.SIGKILL):
            return Finding("common.trouble.processor", {"seconds": self.limits.processor_seconds})
        return Finding("common.trouble.killed", {"signal": signal.Signals(-code).name})
