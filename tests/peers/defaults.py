"""Writes `kvlab/sizing/defaults.json` anew from the library's configuration classes: `make golden`."""

import ast
import dataclasses
import json
from pathlib import Path
from typing import Any

import transformers
from transformers import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from kvlab import sizing

FOLDER = Path(sizing.__file__).parent
PATH = FOLDER / "defaults.json"


def literals() -> set[str]:
    """Return every string that the readers' sources write: the keys that they ask for are among them."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.rglob("*.py")]
    constants = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


# Their models look for `head_dim`, which is no field of their classes, and derive it where it is absent.
LOOK_FOR_HEAD_DIM = {
    "cohere",
    "cohere2",
    "granite",
    "granitemoe",
    "jamba",
    "olmo",
    "olmo2",
    "olmo3",
    "phi",
    "phi3",
    "phimoe",
    "qwen2",
    "qwen2_moe",
    "qwen3_moe",
    "smollm3",
    "starcoder2",
}

# Old names of keys that classes still take, and do not list among their aliases.
OLD_NAMES = {"bloom": {"n_embed": "hidden_size"}, "falcon": {"n_embed": "hidden_size"}}


def aliases_of(config_class: type[PreTrainedConfig], defaults: dict[str, Any]) -> dict[str, str]:
    """Return the other names of keys. A class saves a key by the name that it maps to, be that a field's or not."""
    both_ways = config_class.attribute_map | {key: alias for alias, key in config_class.attribute_map.items()}
    aliases = {alias: key for alias, key in both_ways.items() if key in defaults and alias not in defaults}
    return aliases | OLD_NAMES.get(config_class.model_type, {})


def class_entry(model_type: str, read: set[str]) -> dict[str, Any]:
    """Return what a configuration class says of the keys that are read."""
    config_class = CONFIG_MAPPING[model_type]
    defaults: dict[str, Any] = {"head_dim": None} if model_type in LOOK_FOR_HEAD_DIM else {}
    for field in dataclasses.fields(config_class):
        if field.name in read and field.name not in ("model_type", "dtype", "is_encoder_decoder", "text_config"):
            made = field.default_factory is not dataclasses.MISSING
            defaults[field.name] = field.default_factory() if made else field.default
    aliases = aliases_of(config_class, defaults)
    return {"class": config_class.__name__, "defaults": defaults} | ({"aliases": aliases} if aliases else {})


def collected() -> dict[str, Any]:
    """Return the whole file's contents."""
    read = literals()
    classes = {model_type: class_entry(model_type, read) for model_type in sorted(sizing.model_types())}
    return {"transformers": transformers.__version__, "classes": classes}


def main() -> None:
    """Write the file."""
    PATH.write_text(json.dumps(collected(), indent=1) + "\n", encoding="utf-8")
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
