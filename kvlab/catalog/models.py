"""Published models: each is a configuration, as a `config.json` would have it, with its source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from kvlab.architecture import Config, read_config
from kvlab.catalog.entries import folded, read_data, unknown
from kvlab.errors import KvlabError
from kvlab.sizing import Decoder, read_decoder
from kvlab.training import MINIGPT


@dataclass(frozen=True)
class CatalogModel:
    """A published model.

    Attributes:
        decoder: what its configuration says.
        config: that configuration, as its `config.json` would have it.
        aliases: other spellings under which it is found.
        parameters: the published or counted number of parameters; None where only a rounded one is published.
        parameters_status: which of these it is.
        source: where the shapes were read.
        read: when, as an ISO date.
        note: what else is to be known.
    """

    decoder: Decoder
    config: Config
    aliases: tuple[str, ...]
    parameters: int | None
    parameters_status: str
    source: str
    read: str
    note: str = ""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.decoder.name


@cache
def all_models() -> tuple[CatalogModel, ...]:
    """Return the models: the grammar MiniGPT, read from its own folder, and the published ones."""
    config = read_config(MINIGPT / "config.json")
    minigpt = CatalogModel(
        decoder=read_decoder(config, "MiniGPT"),
        config=config,
        aliases=("grammar minigpt",),
        parameters=None,
        parameters_status="counted at build",
        source="this project",
        read="at build",
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
    about = {key: value for key, value in entry.items() if key not in ("name", "config", "aliases")}
    decoder = read_decoder(entry["config"], entry["name"])
    return CatalogModel(decoder, entry["config"], tuple(entry["aliases"]), **about)
