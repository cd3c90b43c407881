"""The transformers library, asked for what kvlab computes: logits, K and V, and greedy texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from agreement import Pass

transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)  # models this small are slower on two

CLASSES = {"gpt2": transformers.GPT2LMHeadModel, "llama": transformers.LlamaForCausalLM}
VERSIONS = f"torch {torch.__version__.partition('+')[0]}, transformers {transformers.__version__}"


def open_peer(folder: Path, dtype: torch.dtype = torch.float32, **changes: Any) -> transformers.PreTrainedModel:
    """Return the model of a folder, all of whose tensors it takes, and lacks none; `changes` are of its config.json.

    The dtype is given at loading: a model opened in half precision and widened afterwards would keep rotary frequencies
    in half precision.
    """
    model_type = transformers.AutoConfig.from_pretrained(folder).model_type
    model, info = CLASSES[model_type].from_pretrained(folder, dtype=dtype, output_loading_info=True, **changes)
    assert not any(info.values()), f"{folder}: {info}"
    return model


@torch.no_grad()
def prefill_peer(peer: transformers.PreTrainedModel, ids: Sequence[int]) -> Pass:
    """Run `ids` through the library in one pass."""
    output = peer(torch.tensor([list(ids)]), use_cache=True)
    layers = output.past_key_values.layers
    keys, values = (torch.cat([getattr(layer, kind) for layer in layers]) for kind in ("keys", "values"))
    return Pass(output.logits[0].numpy(), keys.numpy(), values.numpy())


def generate_peer(
    peer: transformers.PreTrainedModel, prompt: Sequence[int], n_tokens: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return how the library goes on greedily, `(n_tokens,)`, and its logits on the way, `(n_tokens, V)`."""
    peer.generation_config.eos_token_id = None  # as many tokens as asked for, whatever they are
    ids = torch.tensor([list(prompt)])
    output = peer.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        pad_token_id=0,
        max_new_tokens=n_tokens,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    return output.sequences[0, len(prompt) :].numpy(), torch.cat(output.logits).numpy()
