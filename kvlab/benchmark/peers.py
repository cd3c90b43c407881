"""The same step in other people's code, where it is installed: transformers as it comes, and torch by hand."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

from kvlab.benchmark.decode import TOKEN
from kvlab.benchmark.timing import Task
from kvlab.cache import DenseCache
from kvlab.model import GPT2


def available() -> bool:
    """Return whether torch and transformers are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers"))


class Transformers:
    """`GPT2LMHeadModel` with the weights of one of our models, eager.

    Args:
        model: ours.
        attention: the library's name of its attention: `"eager"` or `"sdpa"`.
    """

    def __init__(self, model: GPT2, attention: str = "eager") -> None:
        self.library = _transformers_model(model, attention)
        self.architecture = model.architecture

    def step(self, context: int) -> Task:
        """Return one decode step after `context` tokens, on the library's own growing cache, as `generate` runs it.

        What a step appends is cut off again, which costs a view.
        """
        import torch
        from transformers import DynamicCache

        a, kv_cache, ids = self.architecture, DynamicCache(), torch.tensor([[TOKEN]])
        for layer in range(a.n_layers):
            kv_cache.update(*torch.randn(2, 1, a.n_kv_heads, context, a.head_dim), layer)

        def step() -> Any:
            with torch.inference_mode():
                logits = self.library(ids, past_key_values=kv_cache, use_cache=True).logits
            kv_cache.crop(-1)
            return logits

        return step


def _transformers_model(model: GPT2, attention: str) -> Any:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel
    from transformers.utils import logging

    logging.set_verbosity_error()

    torch.set_num_threads(1)
    a = model.architecture
    config = GPT2Config(
        vocab_size=a.vocab_size,
        n_positions=a.max_context,
        n_embd=a.d_model,
        n_layer=a.n_layers,
        n_head=a.n_heads,
        n_inner=a.d_ff,
        bos_token_id=0,
        eos_token_id=0,
        attn_implementation=attention,
    )
    with torch.device("meta"):
        library = GPT2LMHeadModel(config)
    library.load_state_dict(_state_dict(model), assign=True)
    library.tie_weights()
    return library.eval()


def _state_dict(model: GPT2) -> dict[str, Any]:
    """Return the weights under the library's names and in its orientation; the queries' scale is taken out again."""
    import torch

    a = model.architecture
    tensors = {"wte.weight": model.wte, "wpe.weight": model.wpe, "ln_f.weight": model.ln_f.weight[0]}
    tensors |= {"ln_f.bias": model.ln_f.bias[0]}
    names = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
    for layer, block in enumerate(model.blocks):
        for name, map in zip(names, block, strict=True):
            weight, bias = map.weight.T, map.bias[0]
            if name == "attn.c_attn":
                weight, bias = weight.copy(), bias.copy()
                weight[:, : a.d_model] *= math.sqrt(a.head_dim)
                bias[: a.d_model] *= math.sqrt(a.head_dim)
            tensors[f"h.{layer}.{name}.weight"] = weight if weight.shape[1] > 1 else weight[:, 0]
            tensors[f"h.{layer}.{name}.bias"] = bias
    state = {f"transformer.{name}": torch.from_numpy(tensor.copy()) for name, tensor in tensors.items()}
    return state | {"lm_head.weight": state["transformer.wte.weight"]}


def torch_step(model: GPT2, context: int) -> Task:
    """Return the same step written by hand in torch: the same weights in the same memory, a preallocated cache."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    a, tensor = model.architecture, torch.from_numpy
    wte, wpe, head = tensor(model.wte), tensor(model.wpe), tensor(model.head)
    blocks = [[(tensor(map.weight), tensor(map.bias[0])) for map in block] for block in model.blocks]
    last = tensor(model.ln_f.weight[0]), tensor(model.ln_f.bias[0])
    filled = DenseCache.for_model(a)
    keys, values = (tensor(buffer).normal_() for buffer in (filled.keys, filled.values))

    def norm(x: Any, weight: Any, bias: Any) -> Any:
        return functional.layer_norm(x, (a.d_model,), weight.reshape(-1), bias, a.norm_epsilon)

    def step() -> Any:
        with torch.inference_mode():
            x = wte[TOKEN] + wpe[context]
            for layer, (ln_1, c_attn, c_proj, ln_2, c_fc, mlp_c_proj) in enumerate(blocks):
                q, k, v = functional.linear(norm(x, *ln_1), *c_attn).view(3, a.n_heads, a.head_dim)
                keys[layer, 0, :, context], values[layer, 0, :, context] = k, v
                held = keys[layer, 0, :, : context + 1], values[layer, 0, :, : context + 1]
                weights = torch.softmax(held[0] @ q[:, :, None], 1)  # (H, S, 1)
                mixed = (weights.transpose(1, 2) @ held[1]).reshape(-1)
                x = x + functional.linear(mixed, *c_proj)
                hidden = functional.gelu(functional.linear(norm(x, *ln_2), *c_fc), approximate="tanh")
                x = x + functional.linear(hidden, *mlp_c_proj)
            return head @ norm(x, *last)

    return step
