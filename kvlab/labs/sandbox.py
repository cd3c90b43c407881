"""Where a reader's file is run: a process of its own, with limits of time, memory and output.

It keeps accidents from the checker: a loop without an end, memory without a bound, a `print` in a loop, an `exit()`.
It is not a protection against hostile files: these may do whatever the user may, and say of themselves what they like.
Readers check their own files on their own machines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kvlab.labs.lab import Finding

ROOT = Path(__file__).parents[2]
# One thread: more would take address space, and two processes' bytes are compared with one another.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


@dataclass(frozen=True)
class Limits:
    """What a reader's file may use.

    Attributes:
        processor_seconds: of the processor; a busy machine takes nothing from it.
        seconds: from start to end, for a file that waits.
        memory_bytes: of address space.
        output_bytes: printed, and likewise written to any one file.
    """

    processor_seconds: int = 20
    seconds: float = 90
    memory_bytes: int = 1 << 30
    output_bytes: int = 4_000_000


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
    with tempfile.TemporaryDirectory(prefix="kvlab-lab-") as folder:
        results = Path(folder, "results")
        results.touch()
        order = {"observer": observer, "path": str(path.absolute()), "results": str(results), **asdict(limits)}
        outcome = Outcome(trouble=_carried_out(order, Path(folder), limits))
        *lines, _cut_off = results.read_text(encoding="utf-8").split("\n")
        for line in lines:
            kind, name, value = json.loads(line)
            if kind == "said":
                outcome.said[name] = value
            else:
                outcome.trouble = Finding(f"common.trouble.{name}", value) if kind == "trouble" else None
    return outcome


def _carried_out(order: dict[str, Any], folder: Path, limits: Limits) -> Finding:
    """Let a process carry out an order; return why it has ended if its results do not say so."""
    search = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    work = folder / "work"
    work.mkdir()
    # What is printed goes to a file, whose size the system limits; nobody reads it.
    with (folder / "printed").open("wb") as printed:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "kvlab.labs.sandbox_child", json.dumps(order)],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                cwd=work,
                env={**os.environ, **QUIET, "PYTHONPATH": os.pathsep.join(search), "PYTHONDONTWRITEBYTECODE": "1"},
                timeout=limits.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Finding("common.trouble.time", {"seconds": round(limits.seconds)})
    return _how_it_ended(done.returncode, limits)


def _how_it_ended(code: int, limits: Limits) -> Finding:
    """Return what the exit code of a process says of its end, if nothing else does."""
    if code >= 0:
        return Finding("common.trouble.exited", {"code": code})
    if -code == signal.SIGXCPU:
        return Finding("common.trouble.processor", {"seconds": limits.processor_seconds})
    if -code == signal.SIGXFSZ:
        return Finding("common.trouble.output", {"most": limits.output_bytes})
    return Finding("common.trouble.killed", {"signal": signal.Signals(-code).name})
