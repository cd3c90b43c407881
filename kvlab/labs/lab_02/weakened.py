"""Lab 02: what gets past the property test when one part of it is left out. Run, not reasoned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from kvlab.cache import DenseCache
from kvlab.decoding.equivalence import differing_entries
from kvlab.errors import KvlabError
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer, recomputed
from kvlab.labs.lab_02.broken import BROKEN
from kvlab.model.ops import Floats
from kvlab.training.corpus import sample_prompts

TOLERANCE = 1e-3  # of a logit or an entry: a hundred times what plain products differ by


def _tokens_differ(a: Floats, b: Floats) -> bool:
    return bool((a.argmax(-1) != b.argmax(-1)).any())


def _beyond_tolerance(a: Floats, b: Floats) -> bool:
    return not bool((np.abs(a - b) <= TOLERANCE).all())


def _bytes_differ(a: Floats, b: Floats) -> bool:
    return differing_entries(a, b) > 0


DIFFER: Mapping[str, Callable[[Floats, Floats], bool]] = {
    "tokens": _tokens_differ,
    "tolerance": _beyond_tolerance,
    "bytes": _bytes_differ,
}
Seen = frozenset[tuple[str, str]]  # by which test of DIFFER a sequence differs, and in what


@dataclass(frozen=True)
class Weakened:
    """The property test with parts left out; as it stands here, complete.

    Attributes:
        n_prompts: prompts.
        n_tokens: steps after each.
        batched: prompts of one length share a cache; otherwise each has its own.
        all_rows: every row of a batch is compared; otherwise the first.
        differ: the name in `DIFFER` of what tells whether two arrays differ too much.
        what: which are compared.
    """

    n_prompts: int = 50
    n_tokens: int = 64
    batched: bool = True
    all_rows: bool = True
    differ: str = "bytes"
    what: tuple[str, ...] = ("logits", "K", "V")

    def passes_on(self, cache_name: str) -> bool:
        """Return whether a cache of `kvlab.labs.lab_02.broken` gets past it."""
        return not any(self._fails(run) for run in self._runs(cache_name))

    def _runs(self, cache_name: str) -> Iterator[_Run]:
        prompts = [tuple(minigpt_tokenizer().encode(prompt)) for prompt in sample_prompts(self.n_prompts)]
        if not self.batched:
            yield from (_run(cache_name, (prompt,)) for prompt in prompts)
            return
        for length in sorted({len(prompt) for prompt in prompts}):
            yield _run(cache_name, tuple(prompt for prompt in prompts if len(prompt) == length))

    def _fails(self, run: _Run) -> bool:
        rows = slice(None if self.all_rows else 1)
        looked_for = {(self.differ, what) for what in self.what}
        return any(looked_for & seen for step in run.steps(self.n_tokens) for seen in step[rows])


WEAKENED: Mapping[str, Weakened] = {
    "complete": Weakened(),
    "tokens": Weakened(differ="tokens", what=("logits",)),
    "tolerance": Weakened(differ="tolerance"),
    "no_logits": Weakened(what=("K", "V")),
    "logits_alone": Weakened(what=("logits",)),
    "no_batch": Weakened(batched=False),
    "first_row": Weakened(all_rows=False),
    "few_steps": Weakened(n_tokens=8),
    "few_prompts": Weakened(n_prompts=5),
}


def gets_past(weakness: str) -> str:
    """Return the names of the caches of `kvlab.labs.lab_02.broken` that get past a test of `WEAKENED`, in their order.

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
    return [name for name in BROKEN if WEAKENED[weakness].passes_on(name)]


class _Run:
    """A run with a cache on some prompts: several tests look at it, and it goes on only as far as one of them does."""

    def __init__(self, cache_name: str, prompts: tuple[tuple[int, ...], ...]) -> None:
        self._taken: list[list[Seen]] = []
        self._next = _steps(BROKEN[cache_name], prompts)

    def steps(self, n_tokens: int) -> Iterator[list[Seen]]:
        """Yield what is seen of each prompt, a step at a time."""
        for step in range(n_tokens):
            if step == len(self._taken):
                self._taken.append(next(self._next))
            yield self._taken[step]


@cache
def _run(cache_name: str, prompts: tuple[tuple[int, ...], ...]) -> _Run:
    return _Run(cache_name, prompts)


def _steps(kind: type[DenseCache], prompts: tuple[tuple[int, ...], ...]) -> Iterator[list[Seen]]:
    model, texts = minigpt(), np.array(prompts)
    held, new = kind.for_model(model.architecture, batch=len(texts)), texts
    while True:
        logits = model.logits(model.forward(new, held)[:, -1])
        expected = recomputed([tuple(text) for text in texts.tolist()])
        yield [_seen(logits[row], held, row, *expected[row]) for row in range(len(texts))]
        new = logits.argmax(-1)[:, None]
        texts = np.concatenate([texts, new], axis=1)


def _seen(logits: Floats, held: DenseCache, row: int, right_logits: Floats, right: DenseCache) -> Seen:
    n = right.position
    pairs = {
        "logits": (logits, right_logits),
        "K": (held.keys[:, row, :, :n], right.keys[:, 0]),
        "V": (held.values[:, row, :, :n], right.values[:, 0]),
    }
    return frozenset(
        (name, what)
        for what, pair in pairs.items()
        if _bytes_differ(*pair)  # or nothing else differs either
        for name, differ in DIFFER.items()
        if differ(*pair)
    )
