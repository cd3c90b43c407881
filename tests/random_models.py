"""Models of any shape with random weights: what tests of the forward pass run on."""

import numpy as np

from kvlab.architecture import Architecture
from kvlab.model.gpt2 import GPT2, gpt2_from_tensors

# Every axis has a prime of its own where it may, so that two swapped axes cannot pass. The head size is 2 × 7: heads
# and head size make the width.
PRIMES = Architecture("primes", "gpt2", 3, 5 * 14, 5, 5, 14, 109, 211, 83)


def random_tensors(a: Architecture, seed: int = 0) -> dict[str, np.ndarray]:
    """Return tensors by the names and in the orientations of the transformers library."""
    d, rng = a.d_model, np.random.default_rng(seed)
    shapes = {"wte.weight": (a.vocab_size, d), "wpe.weight": (a.max_context, d)}
    shapes |= {"ln_f.weight": (d,), "ln_f.bias": (d,)}
    for layer in range(a.n_layers):
        h = f"h.{layer}"
        for norm in ("ln_1", "ln_2"):
            shapes |= {f"{h}.{norm}.weight": (d,), f"{h}.{norm}.bias": (d,)}
        linears = {"attn.c_attn": (d, 3 * d), "attn.c_proj": (d, d), "mlp.c_fc": (d, a.d_ff), "mlp.c_proj": (a.d_ff, d)}
        for name, shape in linears.items():
            shapes |= {f"{h}.{name}.weight": shape, f"{h}.{name}.bias": shape[1:]}
    if not a.tied_head:
        shapes["lm_head.weight"] = (a.vocab_size, d)
    return {name: (rng.standard_normal(shape) * 0.2).astype(np.float32) for name, shape in shapes.items()}


def random_model(a: Architecture = PRIMES, seed: int = 0) -> GPT2:
    """Return a model of the given shapes with random weights."""
    return gpt2_from_tensors(a, random_tensors(a, seed))
