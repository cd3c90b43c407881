"""The other end of the sandbox: sets its own limits, loads the reader's file, and lets a lab's observer look at it.

Run as `python -m kvlab.labs.sandbox_child ORDER`, by `kvlab.labs.sandbox` and by nothing else.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

Observer = Callable[[ModuleType, Callable[[str, Any], None]], None]

NAME = "solution"  # of the reader's module: never "__main__", so that what it does when it is run is not done here
LONGEST_TEXT = 200  # letters of an exception that are passed on


def main(order: dict[str, Any]) -> None:
    """Carry out an order and end without ceremony: no thread, no `atexit` of the reader's file runs on."""
    path = Path(order["path"])
    module, _, function = order["observer"].partition(":")
    observe: Observer = getattr(importlib.import_module(module), function)
    sys.argv = [str(path)]
    _limit(order)
    ballast = bytearray(1 << 23)  # let go when memory is short, so that this can still be said
    with Path(order["results"]).open("a", encoding="utf-8", buffering=1) as results:  # a line is written when it ends

        def send(kind: str, name: str = "", value: Any = None) -> None:
            results.write(json.dumps([kind, name, value]) + "\n")

        try:
            observe(_load(path), partial(send, "said"))
            send("done")
        except MemoryError:
            del ballast
            send("trouble", "memory", {"bytes": order["memory_bytes"]})
        except BaseException as error:
            send("trouble", *_told(error, path))
        finally:
            os._exit(0)


def _limit(order: dict[str, Any]) -> None:
    """Set the limits. What a system does not know is left out: on macOS, that of memory."""
    seconds = order["processor_seconds"]
    limits = {
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_AS: (order["memory_bytes"],) * 2,
        resource.RLIMIT_FSIZE: (order["output_bytes"],) * 2,
        resource.RLIMIT_CORE: (0, 0),
    }
    for name, limit in limits.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(name, limit)
    # Python would raise an exception instead, which an observer could take for one of the file's own.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)


def _load(path: Path) -> ModuleType:
    """Return the reader's file as a module. What lies next to it can be imported, and shadows nothing."""
    sys.path.append(str(path.parent))
    module = ModuleType(NAME)
    module.__file__ = str(path)
    sys.modules[NAME] = module
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    return module


def _told(error: BaseException, path: Path) -> tuple[str, dict[str, str | int]]:
    """Return the kind of trouble that an exception is, and what to say of it."""
    line = line_of(error, path)
    if isinstance(error, SyntaxError) and not line:  # of the file itself, and not of something that it compiles
        return ("syntax" if error.lineno else "unreadable"), {
            "line": error.lineno or 0,
            "text": error.msg[:LONGEST_TEXT],
        }
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return "exited", {"code": error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 0}
    return ("raised" if line else "raised_outside"), {"error": name_of(error), "line": line}


def name_of(error: BaseException) -> str:
    """Return an exception's kind and what it says, in one line that is not too long."""
    said = ""
    with suppress(Exception):  # the reader's own kind of exception may say anything, or raise
        said = " ".join(str(error).split())[:LONGEST_TEXT]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def line_of(error: BaseException, path: Path | str) -> int:
    """Return the innermost line of the reader's file that an exception came through; 0 where there is none."""
    frames = traceback.walk_tb(error.__traceback__)
    lines = [line for frame, line in frames if frame.f_code.co_filename == str(path)]
    return lines[-1] if lines else 0


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
