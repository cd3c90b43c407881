"""The cache that a run left, against a full recomputation of its text, slot by slot."""

from __future__ import annotations

from dataclasses import dataclass

from kvlab.decoding.equivalence import differing_entries
from kvlab.decoding.generation import recompute
from kvlab.decoding.trace import Trace
from kvlab.errors import KvlabError
from kvlab.model import Model
from kvlab.model.ops import Floats


@dataclass(frozen=True)
class Slot:
    """One position's slot of K or of V in one layer: as cached, and as recomputed.

    Attributes:
        layer: the layer.
        tensor: `"K"` or `"V"`.
        cached: its entries in the cache, `(n_kv_heads, head_dim)`.
        recomputed: its entries after a full recomputation, likewise.
    """

    layer: int
    tensor: str
    cached: Floats
    recomputed: Floats

    @property
    def differing_entries(self) -> int:
        """How many entries differ in their bytes."""
        return differing_entries(self.cached, self.recomputed)


@dataclass(frozen=True)
class Recomputation:
    """The cache of a run against a full recomputation of its text.

    Attributes:
        position: the position looked at.
        slots: its K and V in each layer.
        compared_entries: entries of K and V of every position held.
        differing_entries: for each position held, how many of its entries differ in their bytes.
    """

    position: int
    slots: tuple[Slot, ...]
    compared_entries: int
    differing_entries: tuple[int, ...]

    @property
    def identical(self) -> bool:
        """Whether no entry of any position differs."""
        return not any(self.differing_entries)


def compare_with_recomputation(model: Model, traced: Trace, position: int | None = None) -> Recomputation:
    """Compare the cache of a run, byte by byte, with the K and V of one pass over its whole text.

    Args:
        model: the model that was traced.
        traced: the run.
        position: the position whose slots are shown; the last token of the prompt if none is given.

    Raises:
        KvlabError: the cache holds no such position.
    """
    prompt_ids, held = traced.generation.prompt_ids, traced.cache.position
    position = len(prompt_ids) - 1 if position is None else position
    if not 0 <= position < held:
        raise KvlabError(f"position {position} is not in the cache; the run leaves 0 to {held - 1} there")
    _, again = recompute(model, [*prompt_ids, *traced.generation.ids])
    pairs = {"K": (traced.cache.keys, again.keys), "V": (traced.cache.values, again.values)}

    def slots(t: int) -> tuple[Slot, ...]:
        return tuple(
            Slot(layer, tensor, cached[layer, 0, :, t], recomputed[layer, 0, :, t])
            for layer in range(model.architecture.n_layers)
            for tensor, (cached, recomputed) in pairs.items()
        )

    return Recomputation(
        position=position,
        slots=slots(position),
        compared_entries=sum(cached[..., :held, :].size for cached, _ in pairs.values()),
        differing_entries=tuple(sum(slot.differing_entries for slot in slots(t)) for t in range(held)),
    )
