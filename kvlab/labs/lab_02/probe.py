"""Lab 02, inside the sandbox: what the reader's test says of the right cache, and of each broken one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from kvlab.architecture import Architecture
from kvlab.cache import DenseCache
from kvlab.labs.lab_02.broken import BROKEN
from kvlab.labs.sandbox_child import line_of, name_of

TEST = "test_with_equals_without"

Say = Callable[[str, Any], None]


class Watched(DenseCache):
    """A right cache that counts what goes through it.

    Attributes:
        made: all that were made, in order.
        passes: forward passes; each gives logits for one more token.
    """

    made: list[Watched]
    passes = 0

    @classmethod
    def for_model(cls, architecture: Architecture, batch: int = 1, dtype: DTypeLike = np.float32) -> Self:
        """Return an empty cache, and note it."""
        cache = super().for_model(architecture, batch, dtype)
        cls.made.append(cache)
        return cache

    def advance(self, n_tokens: int) -> None:
        """Count the tokens, and the pass."""
        super().advance(n_tokens)
        self.passes += 1

    def texts(self) -> list[bytes]:
        """Return for each sequence what tells its text from another: the keys of the first layer."""
        return [row[:, : self._held].tobytes() for row in self.keys[0]] if self._held else []


def observe_right(solution: ModuleType, say: Say) -> None:
    """Say whether the test is there, what it says of the right cache, and what it ran through that."""
    test = getattr(solution, TEST, None)
    say("there", callable(test) and _takes_one(test))
    if not callable(test) or not _takes_one(test):
        return
    Watched.made = []
    say("verdict", _verdict(test, Watched, solution))
    say("caches", len(Watched.made))
    longest: dict[bytes, int] = {}
    for cache in Watched.made:
        for text in cache.texts():
            longest[text] = max(longest.get(text, 0), cache.passes)
    say("tokens", sorted(longest.values(), reverse=True))


def observe_broken(solution: ModuleType, say: Say) -> None:
    """Say of each broken cache what the test says of it, one after the other."""
    test = getattr(solution, TEST)
    for name, broken in BROKEN.items():
        say(name, _verdict(test, broken, solution)["verdict"])


def _takes_one(test: Callable[..., Any]) -> bool:
    try:
        inspect.signature(test).bind(None)
    except (TypeError, ValueError):
        return False
    return True


def _verdict(test: Callable[..., Any], kind: type[DenseCache], solution: ModuleType) -> dict[str, str | int]:
    """Return what a test says: `passes`, `returns` (neither), `fails`, or `raises` another exception than it should."""
    path = str(solution.__file__)
    try:
        returned = test(kind.for_model)
    except AssertionError as error:
        return {"verdict": "fails", "error": name_of(error), "line": line_of(error, path)}
    except MemoryError:
        raise
    except Exception as error:
        return {"verdict": "raises", "error": name_of(error), "line": line_of(error, path)}
    if returned is not None:
        return {"verdict": "returns", "kind": type(returned).__name__}
    return {"verdict": "passes"}
