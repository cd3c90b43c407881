"""What a model is, as far as its shapes go; and the readers that find it in a `config.json`."""

from kvlab.architecture.architecture import Architecture
from kvlab.architecture.gpt2 import gpt2_architecture

__all__ = ["Architecture", "gpt2_architecture"]
