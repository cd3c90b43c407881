"""Lab 01, inside the sandbox: what the class in the reader's file does, seen and not judged."""

from collections.abc import Callable
from types import ModuleType
from typing import Any


def observe(solution: ModuleType, say: Callable[[str, Any], None]) -> None:
    """Say the names of the file."""
    say("names", sorted(n for n in vars(solution) if not n.startswith("_")))
