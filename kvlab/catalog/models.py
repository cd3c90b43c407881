"""Published models: each is a configuration, as a `config.json` would have it, with its source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from kvlab.architecture import Config, read_config
from kvlab.catalog.entries import folded, read_data, unknown
from kvlab.catalog.sources import Source, source
from kvlab.errors import KvlabError
from kvlab.sizing import Decoder, read_decoder
from kvlab.training import MINIGPT


@dataclass(frozen=True)
class CatalogModel:
    """A published model.

    Attributes:
        decoder: what its configuration says.
        config: that configuration: the keys of its published `config.json` that matter to its size.
        sources: the files in which its keys were read.
        aliases: other spellings under which it is found.
        published_parameters: its number of parameters as a file prints it, exactly; None where none was found.
        parameters_source: that file.
        notes: what else is to be known, each a phrase that pages translate.
    """

    decoder: Decoder
    config: Config
    sources: tuple[Source, ...]
    aliases: tuple[str, ...] = ()
    published_parameters: int | None = None
    parameters_source: Source | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.decoder.name

    @property
    def parameters_status(self) -> str:
        """How the counted number of parameters relates to the published one: equal, different, or only counted."""
        if self.published_parameters is None:
            return "counted"
        return "equal" if self.published_parameters == self.decoder.parameters else "different"


@cache
def all_models() -> tuple[CatalogModel, ...]:
    """Return the models: the grammar MiniGPT, read from its own folder, and the published ones."""
    config = read_config(MINIGPT / "config.json")
    minigpt = CatalogModel(
        decoder=read_decoder(config, "MiniGPT"),
        config=config,
        sources=(Source("this project", read="at build"),),
        aliases=("grammar minigpt",),
    )
    return (minigpt, *map(_model, read_data("models.json")))


def model(name: str) -> CatalogModel:
    """Return a model by name or alias, whatever its case, spaces and hyphens. Raises `KvlabError` naming close ones."""
    entry = find(name)
    if entry is None:
        raise unknown_model(name)
    return entry


def unknown_model(name: str) -> KvlabError:
    """Return the error for a name that no model has."""
    return unknown("model", name, (entry.name for entry in all_models()), "kvlab models")


def find(name: str) -> CatalogModel | None:
    """Return a model by name or alias, or None."""
    spelled = folded(name)
    return next((m for m in all_models() if spelled in map(folded, (m.name, *m.aliases))), None)


def _model(entry: dict[str, Any]) -> CatalogModel:
    printed = dict(entry.get("published_parameters", {}))
    return CatalogModel(
        decoder=read_decoder(entry["config"], entry["name"]),
        config=entry["config"],
        sources=tuple(map(source, entry["sources"])),
        aliases=tuple(entry.get("aliases", ())),
        published_parameters=printed.pop("count", None),
        parameters_source=source(printed) if printed else None,
        notes=tuple(entry.get("notes", ())),
    )
