"""Models of any shape with random weights: what tests of the forward pass run on."""

import numpy as np

from kvlab.architecture import Architecture
from kvlab.model import Model
from kvlab.model.checkpoint import model_from_tensors

# Every axis has a prime of its own where it may, so that two swapped axes cannot pass. The head size is 2 × 7: heads
# and head size make the width.
PRIMES = Architecture("primes", "gpt2", 3, 5 * 14, 5, 5, 14, 109, 211, 83)


# A Llama whose head size is not the width over the heads; the widths are no multiples of 32 either.
LLAMA_PRIMES = Architecture("llama primes", "llama", 3, 67, 6, 2, 22, 109, 211, 83, tied_head=False)


def random_tensors(a: Architecture, seed: int = 0) -> dict[str, np.ndarray]:
    """Return tensors by the names and in the orientations of the transformers library, without a prefix."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, np.ndarray] = {}

    def tensor(name, shape):
        tensors[name] = (rng.standard_normal(shape) * 0.2).astype(np.float32)
        return tensors[name]

    model_from_tensors(a, tensor)
    return tensors


def random_model(a: Architecture = PRIMES, seed: int = 0) -> Model:
    """Return a model of the given shapes with random weights."""
    tensors = random_tensors(a, seed)
    return model_from_tensors(a, lambda name, _: tensors[name])
