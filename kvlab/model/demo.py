"""The demo model: a Llama so small that its arithmetic can be followed, with weights drawn from a seed."""

from __future__ import annotations

import numpy as np

from kvlab.architecture import Architecture
from kvlab.model.llama import Llama, llama_from_tensors
from kvlab.model.ops import Floats

DEMO = Architecture(
    name="demo",
    family="llama",
    n_layers=2,
    d_model=64,
    n_heads=4,
    n_kv_heads=2,
    head_dim=16,
    d_ff=172,
    vocab_size=256,
    max_context=128,
    tied_head=False,
)
SEED = 42


def demo_model() -> Llama:
    """Return the demo model: norms of ones, all other weights normal with the standard deviation 1/√(columns).

    Drawn one after the other from one generator, in the order in which the model asks for them.
    """
    rng = np.random.default_rng(SEED)

    def tensor(name: str, shape: tuple[int, ...]) -> Floats:
        if name.endswith("norm.weight"):
            return np.ones(shape, np.float32)
        return rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[-1]))

    return llama_from_tensors(DEMO, tensor)
