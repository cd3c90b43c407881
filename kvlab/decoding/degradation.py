"""What a wrong cache costs: the loss at each position against the right cache, and the first byte that differs.

Both are teacher-forced, as decoding would run: the prompt in chunks, and then one token of a given text at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache, KVCache, slot_offset
from kvlab.decoding.equivalence import differing_entries
from kvlab.errors import KvlabError
from kvlab.model import Model

Ids = NDArray[np.integer]

CHUNK = 16  # tokens of the prompt in one pass

# Where damage is looked at: at the first few tokens after the prompt, and at the last third of all after it.
EARLY_TOKENS = 4
LATE_SHARE = 1 / 3

# A change is seen when it passes both: three standard errors over the texts, which chance passes once in 700 times, and
# a hundredth of a nat: less than one percent of the MiniGPT's loss, and two standard errors of that loss itself over a
# hundred texts, so that it cannot be seen without running the right cache on the same texts.
STANDARD_ERRORS = 3
VISIBLE_NATS = 0.01


class Run(NamedTuple):
    """One cache's run over texts.

    Attributes:
        losses: nats for the token that comes next, at each position, `(n_texts, T)`.
        choices: the greedy choice at each position, `(n_texts, T)`.
    """

    losses: NDArray[np.float64]
    choices: Ids


@dataclass(frozen=True)
class Damage:
    """The change of the loss from the right cache to another, on the same texts.

    Attributes:
        change: nats, `(n_texts, T)`.
        prompt: tokens of the prompt; decoding begins at this position.
        choices_changed: the share of greedy choices after the prompt that differ.
    """

    change: NDArray[np.float64]
    prompt: int
    choices_changed: float

    @property
    def by_position(self) -> list[float]:
        """The mean change at each position, `T` of them."""
        return list(self.change.mean(axis=0).tolist())

    @property
    def early_loss(self) -> float:
        """The mean change right after the prompt."""
        return float(self.early.mean())

    @property
    def late_loss(self) -> float:
        """The mean change over the last third."""
        return float(self.late.mean())

    @property
    def early(self) -> NDArray[np.float64]:
        """Each text's mean change right after the prompt, `(n_texts,)`."""
        return self.change[:, self.prompt : self.prompt + EARLY_TOKENS].mean(axis=1)

    @property
    def late(self) -> NDArray[np.float64]:
        """Each text's mean change over the last third, `(n_texts,)`."""
        n_late = round((self.change.shape[1] - self.prompt) * LATE_SHARE)
        return self.change[:, -n_late:].mean(axis=1)

    @property
    def onset(self) -> int | None:
        """The first position at which any text's loss changes at all; None where none does."""
        changed = self.change.any(axis=0)
        return int(changed.argmax()) if changed.any() else None

    @property
    def verdict(self) -> str:
        """What becomes of the damage, by rule.

        `"silent"`: seen neither early nor late. `"late"`: seen late, and not one loss changes before the early tokens
        are over. `"heals"`: seen early, and late no more. Seen at both times, or late alone: `"worsens"` or `"fades"`
        where late differs visibly from early, and `"stays"` where it does not.
        """
        if not _seen(self.late):
            return "heals" if _seen(self.early) else "silent"
        if self.onset is not None and self.onset >= self.prompt + EARLY_TOKENS:
            return "late"
        if _seen(self.late - self.early):
            return "worsens"
        return "fades" if _seen(self.early - self.late) else "stays"


def _seen(change: NDArray[np.float64]) -> bool:
    """Tell whether a change of each text, `(n_texts,)`, is a rise of the mean that can be seen."""
    standard_error = change.std(ddof=1) / np.sqrt(len(change))
    return bool(change.mean() > max(VISIBLE_NATS, STANDARD_ERRORS * standard_error))


def damage(right: Run, other: Run, prompt: int) -> Damage:
    """Return what the other cache's run cost, both over the same texts after prompts of `prompt` tokens.

    Raises:
        KvlabError: the runs are not of the same texts' shape, there is no second text (nothing could be said about
            chance), or the texts end before the last third is over.
    """
    n_texts, n_tokens = right.losses.shape
    if other.losses.shape != right.losses.shape:
        raise KvlabError(
            f"a run over {other.losses.shape} tokens cannot be compared with one over {(n_texts, n_tokens)}"
        )
    if n_texts < 2:
        raise KvlabError("the damage to one text does not measure a cache; give at least 2")
    if n_tokens < prompt + 2 * EARLY_TOKENS:
        raise KvlabError(f"texts of {n_tokens} tokens are too short after a prompt of {prompt}")
    changed = right.choices[:, prompt:] != other.choices[:, prompt:]
    return Damage(other.losses - right.losses, prompt, float(changed.mean()))


def teacher_forced(model: Model, cache: KVCache, texts: Ids, prompt: int) -> Run:
    """Return the losses of `texts`, `(n_texts, T + 1)`, run through an empty cache for as many sequences.

    Raises:
        KvlabError: the texts do not fit in the cache or in the model's context.
    """
    runs = []
    for start, stop in _passes(prompt, texts.shape[1] - 1):
        logits = model.logits(model.forward(texts[:, start:stop], cache))
        runs.append(Run(_losses(logits, texts[:, start + 1 : stop + 1]), logits.argmax(-1)))
    return Run(*(np.concatenate(parts, axis=1) for parts in zip(*runs, strict=True)))


def _losses(logits: NDArray[np.floating], targets: Ids) -> NDArray[np.float64]:
    """Return `log Σ exp(z) − z_target`, in float64: the changes that are looked for may be a ten-thousandth."""
    z = logits - logits.max(axis=-1, keepdims=True).astype(np.float64)
    return np.log(np.exp(z).sum(axis=-1)) - np.take_along_axis(z, targets[..., None], axis=-1)[..., 0]


def _passes(prompt: int, n_tokens: int) -> Iterator[tuple[int, int]]:
    """Yield where each pass starts and stops: the prompt's chunks, and then each token alone."""
    for start in range(0, prompt, CHUNK):
        yield start, min(start + CHUNK, prompt)
    for start in range(prompt, n_tokens):
        yield start, start + 1


class Difference(NamedTuple):
    """Where two runs first differ, in the order in which a pass computes.

    Attributes:
        step: the decode step, counted from 1; 0 is the prompt.
        layer: the layer; None where the logits alone differ.
        what: `"K"`, `"V"` or `"logits"`.
        slot: the slot; None for logits, as are the two that follow.
        kv_head: the K/V head.
        offset_bytes: of the first byte that differs, from the start of the K (or V) buffer.
    """

    step: int
    layer: int | None
    what: str
    slot: int | None = None
    kv_head: int | None = None
    offset_bytes: int | None = None


def first_difference(model: Model, right: DenseCache, other: DenseCache, texts: Ids, prompt: int) -> Difference | None:
    """Return the first difference, byte by byte, of two empty caches run over `texts`, `(n_texts, T)`; None if none.

    Compared after each pass: the slots of all the tokens so far, in each layer K and then V, and the logits.
    """
    for start, stop in _passes(prompt, texts.shape[1]):
        logits = [model.logits(model.forward(texts[:, start:stop], cache)) for cache in (right, other)]
        step = max(0, stop - prompt)
        for layer in range(model.architecture.n_layers):
            for what, a, b in (("K", right.keys, other.keys), ("V", right.values, other.values)):
                if differing_entries(a[layer, :, :, :stop], b[layer, :, :, :stop]):
                    return Difference(step, layer, what, *_first_byte(a, b, layer, stop))
        if differing_entries(*logits):
            return Difference(step, None, "logits")
    return None


def _first_byte(a: NDArray[np.floating], b: NDArray[np.floating], layer: int, n_slots: int) -> tuple[int, int, int]:
    """Return slot, K/V head and offset of the first differing byte among a layer's first `n_slots` slots."""
    differ = a[layer].view(np.uint8)[:, :, :n_slots] != b[layer].view(np.uint8)[:, :, :n_slots]
    row, kv_head, slot, byte = (int(index) for index in np.argwhere(differ)[0])
    _, batch, n_kv_heads, capacity, head_dim = a.shape
    sizes = {"batch": batch, "n_kv_heads": n_kv_heads, "capacity": capacity, "head_dim": head_dim}
    return slot, kv_head, slot_offset(layer, row, kv_head, slot, **sizes, bytes_per_element=a.itemsize) + byte
