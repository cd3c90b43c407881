"""The multiply-adds of the MiniGPT's passes, counted while they run, next to what the accounting says of them.

A count knows no formula: it takes the shapes of each product's operands, and files the product under the operation
whose weight it multiplies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from kvlab.cache import READ_TILE, DenseCache
from kvlab.catalog.passes import operation as accounted
from kvlab.errors import KvlabError
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer
from kvlab.model import EXACT, GPT2, Kernel
from kvlab.model.ops import Floats

OPERATIONS = {"c_attn": "qkv", "attn_c_proj": "output", "c_fc": "mlp", "mlp_c_proj": "mlp"}


@dataclass
class Count:
    """A count of one pass or of several; hand `kernel` to the model.

    Attributes:
        model: whose products are counted.
        adds: multiply-adds by operation; of attention those of every slot that is read, masked or not.
        pairs: (query, key) pairs whose weight is not zero, over all layers, by query head.
    """

    model: GPT2
    adds: Counter[str] = field(default_factory=Counter)
    pairs: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.pairs = np.zeros(self.model.architecture.n_heads, np.int64)
        self.kernel = Kernel(self._linear, self._scores, self._mix)
        self._operation_of = {id(self.model.head): "head"} | {
            id(getattr(block, name).weight): operation
            for block in self.model.blocks
            for name, operation in OPERATIONS.items()
        }

    def _linear(self, x: Floats, weight: Floats) -> Floats:
        self.adds[self._operation_of[id(weight)]] += len(x) * weight.size
        return EXACT.linear(x, weight)

    def _scores(self, keys: Floats, q: Floats) -> Floats:
        scores = EXACT.scores(keys, q)
        self.adds["scores"] += scores.size * q.shape[-1]
        return scores

    def _mix(self, p: Floats, values: Floats) -> Floats:
        self.adds["weighted sum"] += p.size * values.shape[-1]
        self.pairs += np.count_nonzero(p, axis=(1, 2))  # a head a row: the heads of a GPT2 share no K and V
        return EXACT.mix(p, values)


@cache
def _passes(prompt: str) -> Mapping[str, Count]:
    """Return what was counted in the prefill of a prompt and in the decode step after it, logits included."""
    model, ids = minigpt(), minigpt_tokenizer().encode(prompt)
    kv_cache, counts = DenseCache.for_model(model.architecture), {}
    for phase in ("prefill", "decode"):
        counts[phase] = count = Count(model)
        hidden = model.forward(np.array([ids]), kv_cache, count.kernel)
        ids = [int(model.logits(hidden[:, -1], count.kernel).argmax())]
    return counts


def prompt_tokens(prompt: str) -> int:
    """Return how many tokens the MiniGPT's tokenizer makes of a prompt."""
    return len(minigpt_tokenizer().encode(prompt))


def counted_flops(prompt: str, phase: str, operation: str) -> int:
    """Return the FLOPs of one operation of the MiniGPT, two for each multiply-add that was counted while it ran.

    Args:
        prompt: what is prefilled.
        phase: `"prefill"`, or `"decode"` for the one step after it.
        operation: a name of `accounting.work.operations` that has products.

    Raises:
        KvlabError: there is no such phase, or no such operation.
    """
    found = {(name, of): 2 * adds for name, count in _passes(prompt).items() for of, adds in count.adds.items()}
    if (phase, operation) not in found:
        raise KvlabError(f"nothing was counted as {operation!r} in {phase!r}")
    return found[phase, operation]


def counted_pairs(prompt: str, phase: str) -> int:
    """Return the (query, key) pairs of a phase whose weight was not zero, over all layers and query heads.

    Raises:
        KvlabError: there is no such phase.
    """
    if phase not in _passes(prompt):
        raise KvlabError(f"unknown phase {phase!r}; known are prefill and decode")
    return int(_passes(prompt)[phase].pairs.sum())


def operations_counted(prompt: str) -> int:
    """Return how many operations were counted, those of prefill and those of decode together."""
    return sum(len(count.adds) for count in _passes(prompt).values())


def operations_miscounted(prompt: str) -> int:
    """Return for how many of them the accounting comes to other FLOPs than were counted, on the slots that are read."""
    tokens = prompt_tokens(prompt)
    new_tokens = {"prefill": (0, tokens), "decode": (tokens, 1)}
    return sum(
        2 * adds != accounted("MiniGPT", name, held, new, 1, 4, block=READ_TILE).flops_read
        for phase, (held, new) in new_tokens.items()
        for name, adds in _passes(prompt)[phase].adds.items()
    )
