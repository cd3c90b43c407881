"""The formula turned around: how much of a cache fits in a memory next to the weights."""

from __future__ import annotations

from dataclasses import dataclass

from kvlab.accounting import layers
from kvlab.accounting.formats import Element, state_element_bytes
from kvlab.accounting.memory import devices_for_weights
from kvlab.sizing import arithmetic
from kvlab.sizing.decoder import Decoder


@dataclass(frozen=True)
class Fit:
    """What a memory has room for.

    Attributes:
        free_bytes: what the weights leave; negative where they alone are too large.
        tokens: how many each sequence of the batch can have; None where no number of them is too many.
        over_limit: whether these are more than the model was made for.
        sequences: how many of the context fit; None where no context is given.
        memories_for_weights: how many such memories the weights alone take, spread evenly.
    """

    free_bytes: int
    tokens: int | None
    over_limit: bool
    sequences: int | None
    memories_for_weights: int


def fitted(decoder: Decoder, memory: int, weight_bytes: int, context: int | None, batch: int, element: Element) -> Fit:
    """Return what fits in a memory next to the weights.

    Args:
        decoder: the model.
        memory: in bytes, at least 1.
        weight_bytes: of the weights.
        context: tokens of each sequence, for the question of how many sequences.
        batch: sequences, for the question of how many tokens.
        element: how K and V are stored.
    """
    free = memory - weight_bytes
    budget, state = max(free, 0), state_element_bytes(element)
    tokens = layers.largest_context(decoder.layers, budget, batch, element, state)
    return Fit(
        free_bytes=free,
        tokens=tokens,
        over_limit=tokens is not None and arithmetic.over_limit(decoder, tokens),
        sequences=None if context is None else layers.largest_batch(decoder.layers, budget, context, element, state),
        memories_for_weights=devices_for_weights(weight_bytes, memory),
    )
