"""What has passed, kept from one check to the next where a system keeps such state.

A convenience: where it cannot be read, nothing has been checked yet; where it cannot be written, a check says so and
is none the worse.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from platformdirs import user_state_path

from kvlab.errors import KvlabError
from kvlab.files import write_atomically
from kvlab.labs.lab import Result


@dataclass(frozen=True)
class Checked:
    """The last check of one lab.

    Attributes:
        passed: names of the checks that passed.
        failed: names of the others.
        last: the day of it, as an ISO date.
        done: the first day on which all passed; None if they never did.
    """

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    last: str
    done: str | None = None


def folder() -> Path:
    """Return where progress is kept: the reader's own state, or what `KVLAB_PROGRESS` names.

    Raises:
        KvlabError: this user has no home directory.
    """
    named = os.environ.get("KVLAB_PROGRESS")
    if named:
        return Path(named)
    try:
        return user_state_path("kvlab")
    except RuntimeError:
        raise KvlabError("this user has no home directory") from None


def recall() -> dict[str, Checked]:
    """Return the last check of each lab, by number. What is missing, damaged or of another make is as good as none."""
    try:
        kept = json.loads((folder() / "labs.json").read_text(encoding="utf-8"))
        return {number: _read(entry) for number, entry in kept.items()}
    except (KvlabError, OSError, ValueError, TypeError, AttributeError):
        return {}


def remember(number: str, result: Result, today: date | None = None) -> str:
    """Keep the result of a check; return why it could not be kept, or nothing."""
    kept = recall()
    day = (today or date.today()).isoformat()
    earlier = kept.get(number)
    checked = Checked(result.passed, result.failed, day, earlier.done if earlier else None)
    if not checked.failed:
        checked = replace(checked, done=checked.done or day)
    try:
        write_atomically(
            folder() / "labs.json", json.dumps({n: asdict(c) for n, c in {**kept, number: checked}.items()})
        )
    except KvlabError as error:
        return str(error)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _read(entry: dict[str, object]) -> Checked:
    passed, failed, last, done = (entry.get(name) for name in ("passed", "failed", "last", "done"))
    if not (isinstance(passed, list) and isinstance(failed, list) and isinstance(last, str)):
        raise TypeError
    return Checked(tuple(map(str, passed)), tuple(map(str, failed)), last, done if isinstance(done, str) else None)
