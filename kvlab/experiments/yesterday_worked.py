"""The experiment `yesterday-worked`: the K and V that a run has left in the cache, entry by entry, and its attention.

Literal arguments in, plain results out, as in `kvlab.experiments.minigpt`. Numbers are rounded: the last bits of a run
belong to the processor that made it. Bytes are compared with bytes of the same machine, and those are all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kvlab.decoding.equivalence import differing_bytes
from kvlab.decoding.recomputation import Recomputation, Slot, compare_with_recomputation
from kvlab.decoding.trace import Trace, trace
from kvlab.errors import KvlabError
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer

PROMPT, N_TOKENS, POSITION = "Yesterday I", 6, 1
TENSORS = ("K", "V")
# The picture has a tenth of a unit to a shade; a table of a few entries and a row of weights have room for more.
ENTRY_DECIMALS, ELEMENT_DECIMALS, WEIGHT_DECIMALS = 1, 2, 2
FIRST_BYTES = 8  # of a slot: two numbers in float32


@cache
def traced(prompt: str, n_tokens: int) -> Trace:
    """Return the greedy run of the MiniGPT after `prompt`, step by step. Raises `KvlabError` as `trace` does."""
    tokenizer = minigpt_tokenizer()
    return trace(minigpt(), tokenizer.encode(prompt), n_tokens, text_of=tokenizer.token)


def held_tokens(prompt: str, n_tokens: int) -> list[str]:
    """Return the token of each slot that the run has filled, as text."""
    return [str(token.text) for token in traced(prompt, n_tokens).held]


def n_held(prompt: str, n_tokens: int) -> int:
    """Return how many slots the run has filled."""
    return len(traced(prompt, n_tokens).held)


def last_held(prompt: str, n_tokens: int) -> str:
    """Return the token of the last slot filled, whose query the last step asked with, as text."""
    return held_tokens(prompt, n_tokens)[-1]


def chosen_last(prompt: str, n_tokens: int) -> str:
    """Return the token that the last step chose, which no slot holds yet, as text."""
    return str(traced(prompt, n_tokens).steps[-1].chosen.text)


def held_entries(prompt: str, n_tokens: int, tensor: str, layer: int) -> list[list[list[float]]]:
    """Return the entries of K or V that one layer holds after the run, rounded: by head, slot and element.

    Raises:
        KvlabError: there is no such tensor or layer.
    """
    held: list[list[list[float]]] = _rounded(_held(prompt, n_tokens, tensor, layer), ENTRY_DECIMALS)
    return held


def largest_entry(prompt: str, n_tokens: int, tensor: str) -> float:
    """Return the largest magnitude among these entries of all layers. Raises as `held_entries` does."""
    layers = range(minigpt().architecture.n_layers)
    entries = np.array([held_entries(prompt, n_tokens, tensor, layer) for layer in layers])
    return float(np.abs(entries).max())


def entries_of_one_sign(prompt: str, n_tokens: int, tensor: str, layer: int) -> int:
    """Return how many of a layer's elements, of all heads, have one sign in every slot. Raises as `held_entries`."""
    held = _held(prompt, n_tokens, tensor, layer)
    return int((np.all(held > 0, axis=1) | np.all(held < 0, axis=1)).sum())


def slot_element(
    prompt: str, n_tokens: int, position: int, tensor: str, layer: int, head: int, element: int, cached: bool
) -> float:
    """Return one element of a head's key or value at a position, rounded: as cached, or as recomputed.

    Raises:
        KvlabError: there is no such position, tensor, layer, head or element.
    """
    slot = _slot(prompt, n_tokens, position, tensor, layer)
    vectors = slot.cached if cached else slot.recomputed
    if not (0 <= head < vectors.shape[0] and 0 <= element < vectors.shape[1]):
        raise KvlabError(f"no element {element} of head {head}; there are {len(vectors)} heads of {vectors.shape[1]}")
    return float(round(float(vectors[head, element]), ELEMENT_DECIMALS) + 0.0)


def slot_bytes(prompt: str, n_tokens: int, position: int, tensor: str, layer: int) -> int:
    """Return the bytes of one position's K or V in a layer. Raises `KvlabError` where there is none."""
    return _slot(prompt, n_tokens, position, tensor, layer).cached.nbytes


def slot_bytes_differing(prompt: str, n_tokens: int, position: int, tensor: str, layer: int) -> int:
    """Return how many of these bytes differ from those of a full recomputation. Raises as `slot_bytes` does."""
    slot = _slot(prompt, n_tokens, position, tensor, layer)
    return differing_bytes(slot.cached, slot.recomputed)


def slot_first_bytes(prompt: str, n_tokens: int, position: int, tensor: str, layer: int, cached: bool) -> str:
    """Return the first bytes of a slot's first head in hexadecimal, as cached or as recomputed. Errors as above."""
    slot = _slot(prompt, n_tokens, position, tensor, layer)
    return (slot.cached if cached else slot.recomputed)[0].tobytes()[:FIRST_BYTES].hex(" ")


def slot_entries(prompt: str, n_tokens: int, position: int, tensor: str, layer: int) -> int:
    """Return how many entries a slot has in all heads. Raises as `slot_bytes` does."""
    return _slot(prompt, n_tokens, position, tensor, layer).cached.size


def slot_entries_differing(prompt: str, n_tokens: int, position: int, tensor: str, layer: int) -> int:
    """Return how many of them differ in their bytes from a full recomputation. Raises as `slot_bytes` does."""
    return _slot(prompt, n_tokens, position, tensor, layer).differing_entries


def all_bytes(prompt: str, n_tokens: int) -> int:
    """Return the bytes of K and V of every position that the run has filled."""
    return sum(slot.cached.nbytes for slot in _all_slots(prompt, n_tokens))


def all_bytes_differing(prompt: str, n_tokens: int) -> int:
    """Return how many of these bytes differ from those of a full recomputation."""
    return sum(differing_bytes(slot.cached, slot.recomputed) for slot in _all_slots(prompt, n_tokens))


def attention_row(prompt: str, n_tokens: int, layer: int, head: int) -> list[float]:
    """Return the weights with which the last step's query attended to each slot, rounded; the slots from 0 on.

    Raises:
        KvlabError: there is no such layer or head.
    """
    weights = traced(prompt, n_tokens).steps[-1].attention
    if not (0 <= layer < weights.shape[0] and 0 <= head < weights.shape[1]):
        raise KvlabError(f"no head {head} in layer {layer}; there are {weights.shape[1]} in each of {weights.shape[0]}")
    row: list[float] = _rounded(weights[layer, head], WEIGHT_DECIMALS)
    return row


def attention_to_slot(prompt: str, n_tokens: int, slot: int, which: str) -> float:
    """Return the `"least"` or the `"most"` that any head of that query gave to one slot, rounded as the row is.

    Raises:
        KvlabError: there is no such slot, or something else is asked for.
    """
    weights = traced(prompt, n_tokens).steps[-1].attention
    if not 0 <= slot < weights.shape[2] or which not in ("least", "most"):
        raise KvlabError(f"no {which!r:.20} of slot {slot}; there are the least and the most of {weights.shape[2]}")
    found = weights[..., slot]
    return round(float(found.min() if which == "least" else found.max()), WEIGHT_DECIMALS)


def attention_bytes(prompt: str, n_tokens: int) -> int:
    """Return the bytes of the last step's weights, in all layers and heads."""
    return traced(prompt, n_tokens).steps[-1].attention.nbytes


def attention_bytes_differing(prompt: str, n_tokens: int) -> int:
    """Return how many of these differ from the bytes of the last row of one pass over all the tokens, from nothing."""
    run = traced(prompt, n_tokens)
    again = trace(minigpt(), [token.id for token in run.held], 1)
    return differing_bytes(run.steps[-1].attention, again.steps[0].attention)


def summary() -> dict[str, object]:
    """Return all that the experiment says: tokens, slots of `POSITION` with their first bytes, and the attention."""
    run, of = traced(PROMPT, N_TOKENS), (PROMPT, N_TOKENS)
    return {
        "prompt": PROMPT,
        "text": minigpt_tokenizer().decode(run.generation.ids),
        "held_tokens": held_tokens(*of),
        "chosen_last": chosen_last(*of),
        "compared_bytes": all_bytes(*of),
        "differing_bytes": all_bytes_differing(*of),
        "position": POSITION,
        "slots": [
            {
                "layer": slot.layer,
                "tensor": slot.tensor,
                "compared_bytes": slot.cached.nbytes,
                "differing_bytes": differing_bytes(slot.cached, slot.recomputed),
                "cached_first_bytes_hex": slot.cached.tobytes()[:FIRST_BYTES].hex(),
                "recomputed_first_bytes_hex": slot.recomputed.tobytes()[:FIRST_BYTES].hex(),
            }
            for slot in _compared(*of, POSITION).slots
        ],
        "attention": run.steps[-1].attention.tolist(),
        "attention_bytes": attention_bytes(*of),
        "attention_differing_bytes": attention_bytes_differing(*of),
    }


def _held(prompt: str, n_tokens: int, tensor: str, layer: int) -> NDArray[np.floating]:
    """Return the entries that one layer holds after the run, `(n_kv_heads, n_held, head_dim)`."""
    run = traced(prompt, n_tokens)
    buffers = dict(zip(TENSORS, (run.cache.keys, run.cache.values), strict=True))
    if tensor not in buffers or not 0 <= layer < run.cache.shape[0]:
        raise KvlabError(f"no {tensor!r:.20} in layer {layer}; there are K and V in 0 to {run.cache.shape[0] - 1}")
    return buffers[tensor][layer, 0, :, : len(run.held)]


def _rounded(numbers: NDArray[np.floating], decimals: int) -> list:  # type: ignore[type-arg]  # as deep as the array
    """Return numbers as nested lists, rounded; no zero has a sign."""
    return (np.round(numbers.astype(np.float64), decimals) + 0.0).tolist()


@cache
def _compared(prompt: str, n_tokens: int, position: int) -> Recomputation:
    return compare_with_recomputation(minigpt(), traced(prompt, n_tokens), position)


def _slot(prompt: str, n_tokens: int, position: int, tensor: str, layer: int) -> Slot:
    slots: Sequence[Slot] = _compared(prompt, n_tokens, position).slots
    found = [slot for slot in slots if (slot.tensor, slot.layer) == (tensor, layer)]
    if not found:
        raise KvlabError(f"no {tensor!r:.20} in layer {layer}; there are K and V in 0 to {slots[-1].layer}")
    return found[0]


def _all_slots(prompt: str, n_tokens: int) -> Iterator[Slot]:
    for position in range(len(traced(prompt, n_tokens).held)):
        yield from _compared(prompt, n_tokens, position).slots
