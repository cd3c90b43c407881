"""Reading keys of a `config.json`: each is checked, and what is wrong is named with its key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kvlab.errors import KvlabError

Config = Mapping[str, object]

LARGEST = 10**15  # no model comes near; products of numbers with thousands of digits could not even be written


LARGEST_FILE = 4_000_000  # bytes; the longest that people publish list some thousand labels in a tenth of it


def read_config(path: Path) -> dict[str, Any]:
    """Return a `config.json` as a dictionary.

    Raises:
        KvlabError: it cannot be read, is too large, is not JSON or no object, or has a key twice.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise KvlabError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise KvlabError(f"{path} is larger than {LARGEST_FILE:,} bytes; a configuration is some thousand")
    try:
        config = json.loads(content.decode("utf-8"), object_pairs_hook=_without_repetition)
    except RecursionError:
        raise KvlabError(f"{path} is nested too deeply for a configuration") from None
    except ValueError as error:
        raise KvlabError(f"{path} is not valid JSON: {error!s:.200}") from None
    if not isinstance(config, dict):
        raise KvlabError(f"{path} holds a JSON {type(config).__name__}; a configuration is an object")
    return config


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON leaves open which of two values of one key counts.
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r:.60} is there twice")
        found[key] = value
    return found


def integer(config: Config, key: str, name: str, default: int | None = None) -> int:
    """Return a positive integer, at most `LARGEST`; `default`, if there is one, where the key is absent or null.

    Raises:
        KvlabError: the key is missing and has no default, or its value is not such an integer.
    """
    value = config.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        found = f"is {value!r}" if key in config else "is missing"
        raise KvlabError(f"{name}: {key} {found}; config.json must give it as a positive integer")
    if value > LARGEST:
        raise KvlabError(f"{name}: {key} has {len(str(value))} digits, and may be {LARGEST:,} at most")
    return value


def flag(config: Config, key: str, name: str, default: bool) -> bool:
    """Return a boolean, `default` where the key is absent. Raises `KvlabError` for anything else."""
    value = config.get(key, default)
    if not isinstance(value, bool):
        raise KvlabError(f"{name}: {key} is {value!r}, and must be true or false")
    return value


def epsilon(config: Config, key: str, name: str, default: float) -> float:
    """Return what a norm adds below its root, `default` where the key is absent.

    Raises:
        KvlabError: it is not a number between 0 and 1.
    """
    value = config.get(key, default)
    if not isinstance(value, float) or not 0 < value < 1:
        raise KvlabError(f"{name}: {key} is {value!r}, and must be a number between 0 and 1")
    return value


def require_implemented(config: Config, implemented: Mapping[str, tuple[object, ...]], name: str) -> None:
    """Raise `KvlabError` for a key that changes the mathematics and has a value that is not implemented.

    Args:
        config: the configuration.
        implemented: the values that are, by key; the first is the one that an absent key means.
        name: of the model.
    """
    for key, values in implemented.items():
        if config.get(key, values[0]) not in values:
            raise KvlabError(f"{name}: {key} is {config[key]!r}; implemented is {' or '.join(map(repr, values))}")
