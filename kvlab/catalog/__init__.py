"""Models and devices as data, each with its source and the date on which it was read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kvlab.architecture import Architecture, gpt2_architecture
from kvlab.errors import KvlabError
from kvlab.model.checkpoint import MINIGPT, read_config

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class CatalogModel:
    """A published model.

    Attributes:
        architecture: its shapes.
        aliases: other spellings under which it is found.
        parameters: the published or counted number of parameters.
        source: where the shapes were read.
        read: when, as an ISO date.
    """

    architecture: Architecture
    aliases: tuple[str, ...]
    parameters: int | None
    source: str
    read: str


@dataclass(frozen=True)
class Processor:
    """A processor and its data caches, in bytes."""

    name: str
    cores: int
    l1d_bytes_per_core: int
    l2_bytes_per_core: int
    l3_bytes_shared: int
    source: str
    read: str


@cache
def models() -> tuple[CatalogModel, ...]:
    """Return the models: the grammar MiniGPT, read from its own folder, and the published ones."""
    minigpt = CatalogModel(
        gpt2_architecture(read_config(MINIGPT), "MiniGPT"), ("grammar minigpt",), None, "this project", "at build"
    )
    return (minigpt, *map(_model, json.loads((_HERE / "models.json").read_text(encoding="utf-8"))))


@cache
def processors() -> tuple[Processor, ...]:
    """Return the processors."""
    return tuple(Processor(**entry) for entry in json.loads((_HERE / "devices.json").read_text(encoding="utf-8")))


def model(name: str) -> CatalogModel:
    """Return a model by name or alias, whatever its case, spaces and hyphens. Raises `KvlabError` listing the names."""
    for entry in models():
        if _folded(name) in map(_folded, (entry.architecture.name, *entry.aliases)):
            return entry
    known = ", ".join(entry.architecture.name for entry in models())
    raise KvlabError(f"unknown model {name!r}; known are {known}")


def processor(name: str) -> Processor:
    """Return a processor by name. Raises `KvlabError` listing the names."""
    for entry in processors():
        if _folded(name) == _folded(entry.name):
            return entry
    raise KvlabError(f"unknown processor {name!r}; known are {', '.join(entry.name for entry in processors())}")


def shape(model_name: str, field: str) -> int:
    """Return one shape of a model, such as `n_layers`. Raises `KvlabError` for an unknown model or field."""
    return _integer_field(model(model_name).architecture, field, model_name)


def data_cache(processor_name: str, field: str) -> int:
    """Return one number of a processor, such as `l2_bytes_per_core`. Raises `KvlabError` likewise."""
    return _integer_field(processor(processor_name), field, processor_name)


def fitting_level(processor_name: str, size_bytes: int) -> str:
    """Return the nearest memory of a processor that holds `size_bytes` whole: `L1d`, `L2`, `L3` or `RAM`.

    Alone in it, as seen from one core: what else wants the same cache is not counted.
    """
    cpu = processor(processor_name)
    levels = (("L1d", cpu.l1d_bytes_per_core), ("L2", cpu.l2_bytes_per_core), ("L3", cpu.l3_bytes_shared))
    return next((name for name, size in levels if size_bytes <= size), "RAM")


def _integer_field(entry: object, field: str, name: str) -> int:
    value = getattr(entry, field, None)
    if not isinstance(value, int) or isinstance(value, bool):
        raise KvlabError(f"{name} has no number {field!r}")
    return value


def _model(entry: dict[str, Any]) -> CatalogModel:
    fields = dict(entry)
    about = {key: fields.pop(key) for key in ("parameters", "source", "read")}
    return CatalogModel(aliases=tuple(fields.pop("aliases")), architecture=Architecture(**fields), **about)


def _folded(name: str) -> str:
    return name.casefold().replace(" ", "").replace("-", "")
