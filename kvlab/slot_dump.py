"""The K and V of one slot of a run of the trained MiniGPT, as bytes: in the cache, and after a full recomputation."""

from __future__ import annotations

from functools import cache

from kvlab.errors import KvlabError
from kvlab.experiments import minigpt, minigpt_tokenizer
from kvlab.trace import Recomputation, Slot, compare_with_recomputation, trace

SHOWN_BYTES = 8  # two elements: enough to see that they are the same


def slot_bytes(prompt: str, n_tokens: int, position: int, layer: int, tensor: str, cached: bool) -> str:
    """Return the first bytes of a slot's first head, in hexadecimal, after `n_tokens` greedy steps behind `prompt`.

    Args:
        prompt: the prompt.
        n_tokens: steps; the token chosen last is in no slot.
        position: which slot.
        layer: which layer.
        tensor: `"K"` or `"V"`.
        cached: as the cache holds it, or as a pass over the whole text computes it.

    Raises:
        KvlabError: there is no such slot.
    """
    slot = _slot(prompt, n_tokens, position, layer, tensor)
    return (slot.cached if cached else slot.recomputed)[0].tobytes()[:SHOWN_BYTES].hex(" ")


def slot_differing(prompt: str, n_tokens: int, position: int, layer: int, tensor: str) -> int:
    """Return how many entries of a slot, in all heads, differ in their bytes. Raises as `slot_bytes` does."""
    return _slot(prompt, n_tokens, position, layer, tensor).differing_entries


def slot_entries(prompt: str, n_tokens: int, position: int, layer: int, tensor: str) -> int:
    """Return how many entries a slot has in all heads. Raises as `slot_bytes` does."""
    return _slot(prompt, n_tokens, position, layer, tensor).cached.size


def _slot(prompt: str, n_tokens: int, position: int, layer: int, tensor: str) -> Slot:
    for slot in _compared(prompt, n_tokens, position).slots:
        if (slot.layer, slot.tensor) == (layer, tensor):
            return slot
    raise KvlabError(f"there is no {tensor!r} in layer {layer}; a slot has K and V in each of the MiniGPT's layers")


@cache
def _compared(prompt: str, n_tokens: int, position: int) -> Recomputation:
    model = minigpt()
    return compare_with_recomputation(model, trace(model, minigpt_tokenizer().encode(prompt), n_tokens), position)
