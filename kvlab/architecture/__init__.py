"""What a model is, as far as its shapes go; and the readers that find it in a `config.json`."""

from kvlab.architecture.architecture import Architecture
from kvlab.architecture.config import Config, read_config
from kvlab.architecture.gpt2 import gpt2_architecture
from kvlab.architecture.llama import llama_architecture
from kvlab.errors import KvlabError

__all__ = ["Architecture", "Config", "gpt2_architecture", "llama_architecture", "read_architecture", "read_config"]

READERS = {"gpt2": gpt2_architecture, "llama": llama_architecture}


def read_architecture(config: Config, name: str) -> Architecture:
    """Return the `Architecture` that a `config.json` describes; its `model_type` says which reader it needs.

    Raises:
        KvlabError: the type is not one that can be run, or its reader refuses the rest.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in READERS:
        raise KvlabError(f"{name}: model_type is {model_type!r}; only {' and '.join(map(repr, READERS))} can be opened")
    return READERS[model_type](config, name)
