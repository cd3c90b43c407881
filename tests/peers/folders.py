"""Model folders written by the transformers library, with random weights: what people bring to kvlab."""

from pathlib import Path
from typing import NamedTuple

import torch
import transformers
from library import CLASSES

GPT2 = transformers.GPT2Config
LLAMA = transformers.LlamaConfig


class Folder(NamedTuple):
    """How a folder is made.

    Attributes:
        config: the shapes.
        dtype: of its tensors.
        part_size: its tensors are in as many files as it takes for this size.
    """

    config: transformers.PretrainedConfig
    dtype: torch.dtype
    part_size: str = "5GB"


def gpt2(**changes: object) -> transformers.PretrainedConfig:
    """Return a GPT-2 of odd widths; primes where heads do not forbid it."""
    shapes = {"n_layer": 3, "n_head": 5, "n_embd": 70, "n_inner": 109, "n_positions": 83, "vocab_size": 211}
    return GPT2(**{**shapes, "bos_token_id": 0, "eos_token_id": 0, **changes})


def llama(**changes: object) -> transformers.PretrainedConfig:
    """Return a Llama of odd widths: heads of 22 on a width of 63, which the library wants to be a multiple of the 9."""
    shapes = {
        "num_hidden_layers": 3,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "head_dim": 22,
        "hidden_size": 63,
        "intermediate_size": 109,
        "vocab_size": 211,
        "max_position_embeddings": 83,
    }
    return LLAMA(**{**shapes, "bos_token_id": 0, "eos_token_id": 0, **changes})


MHA = {"num_attention_heads": 5, "num_key_value_heads": 5, "head_dim": None, "hidden_size": 70}
BASE = {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}, "rms_norm_eps": 1e-5}

FOLDERS = {
    "gpt2, tied, float32": Folder(gpt2(), torch.float32),
    "gpt2, untied, float16, several files": Folder(
        gpt2(tie_word_embeddings=False, n_inner=None), torch.float16, part_size="100KB"
    ),
    "gpt2, tied, bfloat16": Folder(gpt2(), torch.bfloat16),
    "llama, GQA, untied, float32, several files": Folder(llama(), torch.float32, part_size="100KB"),
    "llama, MQA, tied, bfloat16": Folder(llama(num_key_value_heads=1, tie_word_embeddings=True), torch.bfloat16),
    "llama, MHA, untied, float16": Folder(llama(**MHA, **BASE), torch.float16),
}


def save(name: str, folder: Path) -> None:
    """Let the library write one of FOLDERS.

    Weights are normal with standard deviation 0.2, norms and biases too: with the library's own 0.02 attention is
    nearly uniform, and half of the mathematics would go untested.
    """
    config, dtype, part_size = FOLDERS[name]
    model = CLASSES[config.model_type](config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.2, generator=generator)
    model.to(dtype).save_pretrained(folder, max_shard_size=part_size)
