"""The memory of any decoder, from the `config.json` that the transformers library writes.

Its `model_type` alone says which reader it needs. A missing key takes the default of that type's configuration class,
and is named as inferred; what no reader knows, and what contradicts itself, is refused. Nothing is guessed.
"""

from kvlab.sizing.decoder import Decoder, Inferred
from kvlab.sizing.families.registry import model_types, read_decoder

__all__ = ["Decoder", "Inferred", "model_types", "read_decoder"]
