"""Lab 02: what gets past the property test when one part of it is left out. Run, not reasoned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache
from kvlab.equivalence import differing_entries
from kvlab.errors import KvlabError
from kvlab.experiments import minigpt, minigpt_tokenizer
from kvlab.generation import recompute
from kvlab.grammar.corpus import sample_prompts
from kvlab.labs.broken_02 import BROKEN
from kvlab.model.ops import Floats

Ids = NDArray[np.integer]
TOLERANCE = 1e-3  # of a logit or an entry: a hundred times what plain products differ by


def _tokens_differ(a: Floats, b: Floats) -> bool:
    return bool((a.argmax(-1) != b.argmax(-1)).any())


def _beyond_tolerance(a: Floats, b: Floats) -> bool:
    return not np.allclose(a, b, rtol=0, atol=TOLERANCE)


def _bytes_differ(a: Floats, b: Floats) -> bool:
    return differing_entries(a, b) > 0


@dataclass(frozen=True)
class Weakened:
    """The property test with parts left out; as it stands here, complete.

    Attributes:
        n_prompts: prompts.
        n_tokens: steps behind each.
        batched: prompts of one length share a cache; otherwise each has its own.
        all_rows: every row of a batch is compared; otherwise the first.
        differ: tells whether two arrays differ too much.
        what: which are compared.
    """

    n_prompts: int = 50
    n_tokens: int = 64
    batched: bool = True
    all_rows: bool = True
    differ: Callable[[Floats, Floats], bool] = _bytes_differ
    what: tuple[str, ...] = ("logits", "K", "V")

    def passes_on(self, kind: type[DenseCache]) -> bool:
        """Return whether a cache gets past it."""
        return not any(self._sees(texts, kind) for texts in self._batches())

    def _batches(self) -> Iterator[Ids]:
        prompts = [minigpt_tokenizer().encode(prompt) for prompt in sample_prompts(self.n_prompts)]
        if not self.batched:
            yield from (np.array([prompt]) for prompt in prompts)
            return
        for length in sorted({len(prompt) for prompt in prompts}):
            yield np.array([prompt for prompt in prompts if len(prompt) == length])

    def _sees(self, texts: Ids, kind: type[DenseCache]) -> bool:
        model, rows = minigpt(), range(len(texts) if self.all_rows else 1)
        held, new = kind.for_model(model.architecture, batch=len(texts)), texts
        for _ in range(self.n_tokens):
            logits = model.logits(model.forward(new, held)[:, -1])
            if any(self._row_differs(logits[row], held, row, texts[row]) for row in rows):
                return True
            new = logits.argmax(-1)[:, None]
            texts = np.concatenate([texts, new], axis=1)
        return False

    def _row_differs(self, logits: Floats, held: DenseCache, row: int, text: Ids) -> bool:
        found = {"logits": logits, "K": held.keys[:, row, :, : len(text)], "V": held.values[:, row, :, : len(text)]}
        expected = dict(zip(("logits", "K", "V"), _without(tuple(text.tolist())), strict=True))
        return any(self.differ(found[name], expected[name]) for name in self.what)


WEAKENED: Mapping[str, Weakened] = {
    "complete": Weakened(),
    "tokens": Weakened(differ=_tokens_differ, what=("logits",)),
    "tolerance": Weakened(differ=_beyond_tolerance),
    "no_logits": Weakened(what=("K", "V")),
    "logits_alone": Weakened(what=("logits",)),
    "no_batch": Weakened(batched=False),
    "first_row": Weakened(all_rows=False),
    "few_steps": Weakened(n_tokens=8),
    "few_prompts": Weakened(n_prompts=5),
}


def gets_past(weakness: str) -> str:
    """Return the names of the caches of `kvlab.labs.broken_02` that get past a test of `WEAKENED`, in their order.

    Names are separated by spaces; none is an empty text.

    Raises:
        KvlabError: there is no such test.
    """
    if weakness not in WEAKENED:
        raise KvlabError(f"unknown test {weakness!r}; known are {', '.join(WEAKENED)}")
    return " ".join(_past(weakness))


def how_many_get_past(weakness: str) -> int:
    """Return how many do. Raises as `gets_past` does."""
    return len(gets_past(weakness).split())


@cache
def _past(weakness: str) -> list[str]:
    return [name for name, kind in BROKEN.items() if WEAKENED[weakness].passes_on(kind)]


@cache
def _without(ids: tuple[int, ...]) -> tuple[Floats, Floats, Floats]:
    """Return logits, K and V of a text computed from nothing; each text once, since many caches are run on it."""
    logits, workspace = recompute(minigpt(), ids)
    n = len(ids)
    return logits, workspace.keys[:, 0, :, :n].copy(), workspace.values[:, 0, :, :n].copy()
