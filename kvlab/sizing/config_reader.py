"""A configuration's keys, with the defaults of its class to fall back on, and a record of which were needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from kvlab.architecture.config import LARGEST, Config
from kvlab.errors import KvlabError
from kvlab.sizing.decoder import Inferred

# Keys that change what some family stores. Where a configuration has one that its family does not read, either it says
# something else than it means or its family has changed since: in both cases its size is not known here.
STORING = (
    "attention_chunk_size",
    "global_head_dim",
    "head_dim",
    "kv_lora_rank",
    "kv_n_heads",
    "multi_query",
    "num_global_key_value_heads",
    "num_key_value_heads",
    "num_kv_heads",
    "num_kv_shared_layers",
    "per_layer_config",
    "sliding_window",
    "window_size",
)
MOST_LAYERS = 10_000  # layers are read one by one; no model comes near
MOST_SHOWN = 60


class Defaults(NamedTuple):
    """What a configuration class of the transformers library says of keys that a file leaves out.

    Attributes:
        config_class: its name.
        values: default values by key.
        aliases: other spellings of keys that the class takes.
    """

    config_class: str
    values: Mapping[str, Any]
    aliases: Mapping[str, str]


@cache
def defaults_of(model_type: str) -> Defaults:
    """Return the defaults of a model type's configuration class."""
    entry = _data()["classes"][model_type]
    return Defaults(entry["class"], entry["defaults"], entry.get("aliases", {}))


@cache
def _data() -> Any:
    return json.loads(Path(__file__).with_name("defaults.json").read_text(encoding="utf-8"))


class Keys:
    """The keys of one configuration.

    Attributes:
        name: of the model, for messages.
        model_type: of the model, for messages.
        inferred: what was taken from the class, by key.
        asked: the keys that were looked at, if only to be ignored.
        read: the keys whose values count.
    """

    def __init__(self, config: Config, name: str, model_type: str, defaults: Defaults) -> None:
        self.config, self.name, self.model_type, self.defaults = config, name, model_type, defaults
        self.inferred: dict[str, Inferred] = {}
        self.asked: set[str] = set()
        self.read: set[str] = set()
        for alias, key in defaults.aliases.items():
            if alias in config and key in config and config[alias] != config[key]:
                raise self.refusal(f"{key} is {shown(config[key])} and {alias}, its other name, {shown(config[alias])}")

    def value(self, key: str, otherwise: Any = None) -> Any:
        """Return a key's value as it is written; where it is absent its default, or `otherwise` if it has none."""
        self.asked.add(key)
        self.read.add(key)
        for spelling in (key, *(alias for alias, meant in self.defaults.aliases.items() if meant == key)):
            if spelling in self.config:
                return self.config[spelling]
        default = self.defaults.values.get(key, otherwise)
        if default is not None:
            self.infer(key, default)
        return default

    def infer(self, key: str, value: Any) -> Any:
        """Note that the class gives `key` this value, and return it."""
        self.inferred[key] = Inferred(key, value, self.defaults.config_class)
        return value

    def integer(self, key: str, least: int = 1, otherwise: int | None = None) -> int:
        """Return an integer of at least `least`. Raises `KvlabError` for anything else, an absent key included."""
        value = self.value(key, otherwise)
        if value is None and key not in self.config:
            raise self.refusal(f"{key} is missing, and {self.defaults.config_class} has no default for it")
        return self.checked(key, value, least)

    def integer_or(self, key: str, fallback: int) -> int:
        """Return an integer; where it is null, in the file or by default, what the class then puts there."""
        value = self.value(key)
        return self.infer(key, fallback) if value is None else self.checked(key, value)

    def optional(self, key: str) -> int | None:
        """Return an integer, or None where it is null."""
        value = self.value(key)
        return None if value is None else self.checked(key, value)

    def flag(self, key: str) -> bool:
        """Return a boolean. Raises `KvlabError` for anything else."""
        value = self.value(key)
        if not isinstance(value, bool):
            found = f"is {shown(value)}" if key in self.config else "is missing"
            raise self.refusal(f"{key} {found}, and must be true or false")
        return value

    def flag_if_there(self, key: str) -> bool:
        """Return a boolean that an absent key denies."""
        return key in self.config and self.flag(key)

    def is_on(self, option: bool | str) -> bool:
        """Return a constant as it is, and of a key its flag."""
        return self.flag(option) if isinstance(option, str) else option

    def items(self, key: str) -> list[Any] | None:
        """Return a list, or None where it is null. Raises `KvlabError` for anything else."""
        value = self.value(key)
        if value is not None and not isinstance(value, list):
            raise self.refusal(f"{key} is {shown(value)}, and must be a list")
        return value

    def n_layers(self, key: str) -> int:
        """Return the number of layers, which is not without bound: they are gone through one by one."""
        count = self.integer(key)
        if count > MOST_LAYERS:
            raise self.refusal(f"{key} is {shown(count)}, and may be {MOST_LAYERS:,} at most")
        return count

    def head_dim(self, d_model: int, n_heads: int) -> int:
        """Return the elements of a head: `head_dim` where the family has it, or `d / H`.

        Raises:
            KvlabError: the heads do not divide the width.
        """
        if "head_dim" in self.defaults.values:
            given = self.optional("head_dim")
            if given is not None:
                return given
        if d_model % n_heads:
            raise self.refusal(f"a width of {d_model} is not a multiple of {n_heads} heads")
        derived = d_model // n_heads
        if "head_dim" in self.defaults.values:
            return self.infer("head_dim", derived)
        self.require("head_dim", derived)
        return derived

    def kv_heads(self, n_heads: int, key: str = "num_key_value_heads") -> int:
        """Return the K/V heads, as many as query heads where it is null.

        Raises:
            KvlabError: query heads cannot be shared out among them.
        """
        return self.dividing(self.integer_or(key, n_heads), n_heads, key)

    def dividing(self, n_kv_heads: int, n_heads: int, key: str) -> int:
        """Return `n_kv_heads`. Raises `KvlabError` where `n_heads` is not a multiple of it."""
        if n_heads % n_kv_heads:
            raise self.refusal(f"{n_heads} query heads cannot be shared out among {key} = {n_kv_heads}")
        return n_kv_heads

    def require(self, key: str, *allowed: object) -> None:
        """Raise `KvlabError` where a key is there with a value that this family does not have."""
        self.asked.add(key)
        value = self.config.get(key, allowed[0])
        if not any(type(value) is type(one) and value == one for one in (None, *allowed)):
            known = " or ".join(shown(one) for one in allowed)
            raise self.refusal(f"{key} is {shown(value)}, where this family has only {known}")

    def checked(self, key: str, value: object, least: int = 1) -> int:
        """Return `value`. Raises `KvlabError` where it is not an integer from `least` to `LARGEST`."""
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= LARGEST:
            raise self.refusal(f"{key} is {shown(value)}, and must be a whole number from {least} to {LARGEST:,}")
        return value

    def refuse_unread(self) -> None:
        """Raise `KvlabError` for a key that changes what other families store, and that this one does not read."""
        for key in STORING:
            if key not in self.asked and self.config.get(key) is not None:
                raise self.refusal(
                    f"{key} is {shown(self.config[key])}, but {self.defaults.config_class} has no such key"
                )

    def refusal(self, why: str) -> KvlabError:
        """Return the error that says what is wrong with this configuration."""
        return KvlabError(f"{self.name} (model_type {self.model_type}): {why}")


def shown(value: object) -> str:
    """Return a value as JSON, cut short: a file may hold a very long one."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return f"a number above {LARGEST:,}"
    # Few of its parts, before it is written: a deep or long value would take its time.
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    written = json.dumps(value, ensure_ascii=True)
    return written if len(written) <= MOST_SHOWN else f"{written[:MOST_SHOWN]}…"
