"""Writes `tests/golden/caches.json` anew: what the library's classes store, measured without weights. `make golden`.

A small model is run with random weights. A large one is on torch's `meta` device, where it has shapes and no numbers:
a forward pass costs little, and leaves a cache whose tensors are as large as those of the real one.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
import transformers
from library import VERSIONS
from sizing_case import Config
from sizing_cases import CASES, PUBLISHED
from sizing_golden import PATH, Measured, counted
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.cache_utils import get_layer_types_and_kwargs

from kvlab.sizing.families.registry import NESTED

LONG, BATCH = 29, 3
# Windows are where what is stored changes its course; a case writes each of them.
WINDOW_KEYS = ("sliding_window", "attention_chunk_size", "window_size")
# The width of an MLP, or of one expert, in the first of these that a class has; four times the model's in none.
WIDTH_KEYS = ("moe_intermediate_size", "ffn_dim", "ffn_hidden_size", "n_inner", "intermediate_size")
HEADLESS = ("qwen2_vl_text", "qwen2_5_vl_text", "qwen3_vl_text")  # the library has them inside of others only

transformers.logging.set_verbosity_error()


def configuration(config: Config) -> transformers.PreTrainedConfig:
    """Return the library's configuration object; it changes nested dictionaries, and is given copies."""
    return AutoConfig.for_model(**copy.deepcopy(dict(config)))


def build(config: transformers.PreTrainedConfig, device: str = "cpu") -> transformers.PreTrainedModel:
    """Return the model of a configuration, in bfloat16."""
    auto = AutoModelForCausalLM
    if config.model_type in HEADLESS:
        auto = AutoModel
    elif config.model_type in NESTED:
        auto = AutoModelForImageTextToText
    with torch.device(device), no_tower_of_timm():
        # One expert after the other: the kernel for all of them at once is particular about widths.
        how = {"experts_implementation": "eager"} if device == "cpu" else {}
        return auto.from_config(config, dtype=torch.bfloat16, **how).eval()


@contextmanager
def no_tower_of_timm() -> Iterator[None]:
    """Leave Gemma 3n's image tower out: it is of the timm library, and no part of its decoder."""
    whole = AutoModel.from_config

    def from_config(config: transformers.PreTrainedConfig, **options: Any) -> nn.Module:
        return nn.Identity() if config.model_type == "gemma3n_vision" else whole(config, **options)

    with patch.object(AutoModel, "from_config", from_config):
        yield


def parameters(model: transformers.PreTrainedModel) -> int:
    """Return the elements of a model's decoder and head; a tied head is the embedding, and counts once."""
    parts = [model]
    if model.config.model_type in NESTED:
        parts = [model.get_decoder(), model.get_output_embeddings()]
    return sum(one.numel() for one in {id(p): p for part in parts for p in part.parameters()}.values())


@torch.no_grad()
def filled_cache(model: transformers.PreTrainedModel, context: int, batch: int) -> transformers.Cache:
    """Return the cache that one pass over `batch` texts of `context` tokens leaves."""
    ids = torch.ones((batch, context), dtype=torch.long, device=model.device)
    return model(input_ids=ids, use_cache=True, **last_logits_only(model)).past_key_values


def heads(cache: transformers.Cache) -> list[list[int]]:
    """Return the K/V heads of each kind of layer, and the elements of K and V of one; of a latent, both together."""
    kv = [(layer.keys, layer.values) for layer in cache.layers if getattr(layer, "keys", None) is not None]
    return sorted(map(list, {(k.shape[1], k.shape[-1] + v.shape[-1]) for k, v in kv}))


def shape(config: transformers.PreTrainedConfig) -> list[int | None]:
    """Return the sizes of a decoder as its class resolves them."""
    text = config.get_text_config(decoder=True)
    widths = (getattr(text, key, None) for key in WIDTH_KEYS)
    width = next((width for width in widths if width is not None), 4 * text.hidden_size)
    context = getattr(text, "max_position_embeddings", getattr(text, "max_seq_len", None))
    limit = None if getattr(text, "alibi", False) else context  # ALiBi has no table of positions that could end
    d_ff = max(width) if isinstance(width, list) else width
    return [text.num_hidden_layers, text.hidden_size, text.num_attention_heads, d_ff, text.vocab_size, limit]


def layers(config: transformers.PreTrainedConfig) -> list[list[Any]]:
    """Return the types and windows of layers as a class derives them; GPT-Neo has a key of its own for them."""
    text = config.get_text_config(decoder=True)
    if text.model_type == "gpt_neo":
        local = ("sliding_attention", text.window_size)
        return counted(local if kind == "local" else ("full_attention", None) for kind in text.attention_layers)
    pairs = zip(*get_layer_types_and_kwargs(text), strict=True)
    return counted((kind, options.get("sliding_window")) for kind, options in pairs)


def cache_bytes(cache: transformers.Cache) -> tuple[int, int]:
    """Return the bytes of K and V, and those of all states."""
    kv = [getattr(layer, kind, None) for layer in cache.layers for kind in ("keys", "values")]
    states = [
        state
        for layer in cache.layers
        for kind in ("conv_states", "recurrent_states")
        for state in getattr(layer, kind, {}).values()
    ]
    return total_bytes(kv), total_bytes(states)


def last_logits_only(model: transformers.PreTrainedModel) -> Mapping[str, int]:
    """Return the option for it where a model has it: a head of 250,000 entries for 8,000 tokens takes its time."""
    return {"logits_to_keep": 1} if "logits_to_keep" in model.forward.__code__.co_varnames else {}


def total_bytes(tensors: list[torch.Tensor | None]) -> int:
    """Return the bytes of those tensors that are there."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)


def windows(config: Config) -> set[int]:
    """Return the windows that a configuration writes, in its `text_config` too."""
    written = {config.get(key) for key in WINDOW_KEYS} - {None}
    return written | (windows(config["text_config"]) if "text_config" in config else set())


def questions(config: Config) -> list[tuple[int, int]]:
    """Return contexts and batches to measure: around each window and beyond it, and once several texts."""
    around = {window + offset for window in windows(config) for offset in (-1, 0, 1)}
    return [(context, 1) for context in sorted(around | {1, LONG}) if context] + [(LONG, BATCH)]


def questions_of_large(config: Config) -> list[tuple[int, int]]:
    """Return the fewest contexts that tell a window from any other: one token less than it, and one more."""
    around = {window + offset for window in windows(config) for offset in (-1, 1)}
    return [(context, 1) for context in sorted(around or {LONG})]


def measured(name: str) -> Measured:
    """Return what the library stores of one of CASES."""
    config = CASES[name].config
    is_large = name in PUBLISHED
    asked = questions_of_large(config) if is_large else questions(config)
    return answers(configuration(config), asked, "meta" if is_large else "cpu")


def answers(config: transformers.PreTrainedConfig, asked: Sequence[tuple[int, int]], device: str = "cpu") -> Measured:
    """Return what the library stores of some contexts and batches."""
    model = build(config, device)
    caches = [filled_cache(model, *one) for one in asked]
    return {
        "parameters": parameters(model),
        "shape": shape(config),
        "layers": layers(config),
        "heads": heads(caches[0]),
        "bytes": [[*one, *cache_bytes(cache)] for one, cache in zip(asked, caches, strict=True)],
    }


def main() -> None:
    """Write the file, a line a case."""
    lines = [f"  {json.dumps(name)}: {json.dumps(measured(name))}" for name in CASES]
    body = ",\n".join(lines)
    PATH.write_text(f'{{\n "versions": {json.dumps(VERSIONS)},\n "cases": {{\n{body}\n }}\n}}\n', encoding="utf-8")
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes, {VERSIONS}")


if __name__ == "__main__":
    main()
