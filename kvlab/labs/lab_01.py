"""Lab 01: the reader writes a KV cache."""

from __future__ import annotations

from pathlib import Path

from kvlab.labs import sandbox
from kvlab.labs.lab import Result

CHECKS = ("loads",)


def check(path: Path) -> Result:
    """Return which checks the class in the reader's file passes."""
    outcome = sandbox.run("kvlab.labs.probe_01:observe", path)
    return Result.of(CHECKS, [] if outcome.trouble else CHECKS, [outcome.trouble] if outcome.trouble else [])
