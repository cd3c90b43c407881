"""The reader's cache inside the real MiniGPT, and the comparison of its run with the uncached one, byte by byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvlab.architecture import Architecture
from kvlab.cache import DenseCache, Positions, Reading, causal_readings
from kvlab.decoding.generation import generate_cached, greedy, recompute
from kvlab.model import Model, load_model
from kvlab.training import MINIGPT
from kvlab.training.corpus import sample_prompts
from kvlab.training.tokenizer import Tokenizer

Floats = NDArray[np.floating]

PROMPTS, TOKENS = 3, 40  # enough to pass the first block of slots that a query reads


class AdaptedCache:
    """Answers what a forward pass asks (`kvlab.cache.protocol`) with a cache that has only `length` and `update`.

    Where tokens stand and where they are written is the cache's own doing. A query reads whole blocks of slots, the
    last of which are filled up here, and masked.
    """

    most_at_once: int | None = None
    nbytes = 0

    def __init__(self, cache: Any, a: Architecture) -> None:
        self.cache, self.capacity = cache, a.max_context
        self.filled: dict[int, tuple[Floats, Floats]] = {}  # what each layer returned last

    @property
    def position(self) -> int:
        """Tokens held, as the cache says."""
        length = self.cache.length
        return int(length() if callable(length) else length)

    def require_room(self, batch: int, n_tokens: int) -> None:
        """Refuse nothing: the cache itself is to refuse."""

    def positions(self, n_tokens: int) -> Positions:
        """Return the positions of the next tokens, counted from the cache's length."""
        return np.arange(self.position, self.position + n_tokens)[None]

    def readable(self, n_tokens: int) -> list[Reading]:
        """Return the slots up to each token's own, in whole blocks."""
        return causal_readings(self.position, n_tokens, self.capacity)

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        """Update the cache, and keep what it returns until it is read."""
        keys, values = self.cache.update(layer, k, v)
        self.filled[layer] = np.asarray(keys), np.asarray(values)

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        """Return what the cache returned, filled up with empty slots."""
        keys, values = (_padded(array, reading.n_slots) for array in self.filled[layer])
        return keys, values

    def advance(self, n_tokens: int) -> None:
        """Do nothing: the cache counts for itself."""


def _padded(array: Floats, n_slots: int) -> Floats:
    padded = np.zeros((*array.shape[:2], n_slots, array.shape[3]), array.dtype)
    there = array[:, :, :n_slots]
    padded[:, :, : there.shape[2]] = there
    return padded


def compare_in_minigpt(made: Callable[..., Any]) -> dict[str, Any]:
    """Return where decoding with a cache of this class first differs from decoding without one; nothing if it does not.

    Compared at each step: the logits, and K and V of every token held.
    """
    model = load_model(MINIGPT)
    a = model.architecture
    tokenizer = Tokenizer.from_file(MINIGPT / "tokenizer.json")
    for text in sample_prompts(PROMPTS):
        cache = AdaptedCache(made(a.n_layers, 1, a.n_kv_heads, a.max_context, a.head_dim), a)
        difference = _first_difference(model, tokenizer.encode(text), cache)
        if difference:
            return {"prompt": text, **difference}
    return {}


def _first_difference(model: Model, prompt_ids: list[int], cache: AdaptedCache) -> dict[str, Any]:
    ids = list(prompt_ids)
    found: list[dict[str, Any]] = [{}]

    def pick(cached_logits: Floats) -> int:
        logits, workspace = recompute(model, ids)
        if not found[0]:
            what = _what_differs(cache, workspace, len(ids))
            if not what and cached_logits.tobytes() != logits.tobytes():
                what = "logits"
            found[0] = {"step": len(ids) - len(prompt_ids), "what": what} if what else {}
        ids.append(greedy(logits))
        return ids[-1]

    generate_cached(model, prompt_ids, TOKENS, pick, cache=cache)
    return found[0]


def _what_differs(cache: AdaptedCache, workspace: DenseCache, n_held: int) -> str:
    """Return `"K"` or `"V"` where a layer's entries of the tokens held differ from the recomputed ones."""
    for layer, pair in cache.filled.items():
        for what, mine, theirs in zip("KV", pair, (workspace.keys, workspace.values), strict=True):
            right = theirs[layer, :, :, :n_held]
            if mine.shape != right.shape or mine.dtype != right.dtype or mine.tobytes() != right.tobytes():
                return what
    return ""
