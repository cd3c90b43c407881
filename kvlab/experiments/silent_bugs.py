"""What each bug of `kvlab.cache.broken` does, which comparison finds it, and what attention gives to an empty slot."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache
from kvlab.cache.broken import BUGS, SlotTooFar
from kvlab.decoding.degradation import CHUNK, EARLY_TOKENS, LATE_SHARE, Ids
from kvlab.decoding.equivalence import differing_entries
from kvlab.decoding.generation import greedy
from kvlab.errors import KvlabError
from kvlab.experiments.minigpt import (
    bug_damage,
    bug_first_difference,
    bug_prompt,
    held_out_run,
    held_out_texts,
    minigpt,
    recomputed,
    subject_prompts,
)
from kvlab.model import EXACT
from kvlab.model.ops import Floats

# What is next to the changes that `kvlab.experiments.minigpt` gives.


def right_loss(n_texts: int) -> float:
    """Return the mean loss after the prompt with the right cache on held-out texts, in nats."""
    return float(held_out_run("right", n_texts, CHUNK).losses[:, CHUNK:].mean())


def prompt_loss_change(bug: str, n_texts: int) -> float:
    """Return the mean change of the loss on the prompt itself, in nats."""
    return float(np.mean(bug_damage(bug, n_texts).by_position[: bug_prompt(bug)]))


# Which test finds which bug.


def prompts_with_other_tokens(bug: str, n_prompts: int, n_tokens: int) -> int:
    """Return after how many grammar prompts a bug changes any of `n_tokens` greedy tokens.

    We compare the tokens with the broken cache and those without a cache, one sequence at a time.

    Raises:
        KvlabError: there is no such bug.
    """
    return sum(changes.tokens for changes in _changes(bug, n_prompts, n_tokens))


def prompts_with_other_bytes(bug: str, n_prompts: int, n_tokens: int) -> int:
    """Return after how many grammar prompts a bug changes any byte of K, V or the logits, in any of `n_tokens` steps.

    Each step is given the token that decoding without a cache chose.

    Raises:
        KvlabError: there is no such bug.
    """
    return sum(changes.bytes for changes in _changes(bug, n_prompts, n_tokens))


def first_differing_step(bug: str) -> int | None:
    """Return the decode step, 0 for the prompt, at which two sequences side by side first differ in a byte.

    Raises:
        KvlabError: there is no such bug.
    """
    found = bug_first_difference(bug)
    return None if found is None else found.step


class _Changes(NamedTuple):
    """Whether a bug changes any byte of a run, and any token that it chooses."""

    bytes: bool
    tokens: bool


class _Right(NamedTuple):
    """A run with the right cache over the text that decoding without a cache makes of a prompt.

    Attributes:
        passes: of each pass the new tokens, their logits, and the token that decoding without a cache chose then.
        held: the cache after the last of them.
    """

    passes: list[tuple[Ids, Floats, int]]
    held: DenseCache


@cache
def _right_runs(n_prompts: int, n_tokens: int) -> list[_Right]:
    model, runs = minigpt(), []
    for prompt in subject_prompts("MiniGPT", n_prompts):
        right, text = _Right([], DenseCache.for_model(model.architecture)), tuple(prompt)
        for _ in range(n_tokens):
            new = np.array([text[right.held.position :]])
            chosen = greedy(recomputed([text])[0][0])
            right.passes.append((new, model.logits(model.forward(new, right.held)), chosen))
            text += (chosen,)
        runs.append(right)
    return runs


@cache
def _changes(bug: str, n_prompts: int, n_tokens: int) -> list[_Changes]:
    """Return what a bug changes after each grammar prompt. Raises `KvlabError` where there is no such bug."""
    if bug not in BUGS:
        raise KvlabError(f"unknown bug {bug!r}; known are {', '.join(BUGS)}")
    return [_changes_of(BUGS[bug], right) for right in _right_runs(n_prompts, n_tokens)]


def _changes_of(kind: type[DenseCache], right: _Right) -> _Changes:
    """Run another cache over the same text, until it has changed both or the text ends."""
    model, held = minigpt(), kind.for_model(minigpt().architecture)
    n_run, changed_bytes, changed_tokens = 0, False, False
    for new, right_logits, chosen in right.passes:
        logits = model.logits(model.forward(new, held))
        n_run += new.shape[1]
        run = (slice(None),) * 3 + (slice(n_run),)
        pairs = (
            (logits, right_logits),
            (held.keys[run], right.held.keys[run]),
            (held.values[run], right.held.values[run]),
        )
        changed_bytes = changed_bytes or any(differing_entries(a, b) for a, b in pairs)
        changed_tokens = changed_tokens or bool(logits[0, -1].argmax() != chosen)
        if changed_bytes and changed_tokens:
            break
    return _Changes(changed_bytes, changed_tokens)


# Why the empty slot heals.


class Attention(NamedTuple):
    """What the layers' attention did in decode steps over texts with a slot left empty after the prompt.

    Attributes:
        weights: what it gave to the empty slot, `(steps, n_layers)`, the mean over texts and heads.
        largest: the largest score of any other slot in reach, `(steps, n_layers)`; the empty slot's own is 0.
    """

    weights: NDArray[np.float64]
    largest: NDArray[np.float64]


def empty_slot_weights(n_texts: int, layer: int) -> list[float]:
    """Return the weight that a layer's attention gives to a slot left empty after the prompt, at each decode step.

    The mean over held-out texts and heads, with the bug `"slot_too_far"`.
    """
    return _of_layer(_attention(n_texts).weights, layer).tolist()


def empty_slot_weight(n_texts: int, layer: int, step: int) -> float:
    """Return what `empty_slot_weights` has for one decode step, counted from 0."""
    return empty_slot_weights(n_texts, layer)[step]


def largest_other_scores(n_texts: int, layer: int) -> list[float]:
    """Return the largest score of the slots that are filled, at each decode step; the empty slot's own is 0.

    The mean over held-out texts and heads, as for the weights.
    """
    return _of_layer(_attention(n_texts).largest, layer).tolist()


def early_largest_score(n_texts: int, layer: int) -> float:
    """Return the mean of `largest_other_scores` over the first steps after the prompt."""
    return float(np.mean(largest_other_scores(n_texts, layer)[:EARLY_TOKENS]))


def late_largest_score(n_texts: int, layer: int) -> float:
    """Return the mean of `largest_other_scores` over the last third."""
    largest = largest_other_scores(n_texts, layer)
    return float(np.mean(largest[-round(len(largest) * LATE_SHARE) :]))


def empty_slot_outdone_at(n_texts: int, layer: int) -> int:
    """Return the position from which on `largest_other_scores` are above 0, so that another slot outdoes the empty one.

    Raises:
        KvlabError: the last of them is not above 0.
    """
    at = next(step for step, score in enumerate([-1, *largest_other_scores(n_texts, layer)][::-1]) if score <= 0)
    if at == 0:
        raise KvlabError(f"in layer {layer} the empty slot is never outdone")
    return held_out_texts(n_texts).shape[1] - 1 - at


def _of_layer(by_layer: NDArray[np.float64], layer: int) -> NDArray[np.float64]:
    if not 0 <= layer < by_layer.shape[1]:
        raise KvlabError(f"there is no layer {layer}; the MiniGPT has layers 0 to {by_layer.shape[1] - 1}")
    return by_layer[:, layer]


@cache
def _attention(n_texts: int) -> Attention:
    model, texts = minigpt(), held_out_texts(n_texts)
    held = SlotTooFar.for_model(model.architecture, batch=n_texts)
    model.forward(texts[:, :CHUNK], held)
    weights: list[list[float]] = []
    largest: list[list[float]] = []
    for at in range(CHUNK, texts.shape[1] - 1):
        in_reach = held.position + 1
        noted_scores, noted_weights = _Noting(EXACT.scores), _Noting(EXACT.mix, of_result=False)
        kernel = EXACT._replace(scores=noted_scores, mix=noted_weights)
        model.forward(texts[:, at : at + 1], held, kernel)
        weights.append([float(of_layer[..., CHUNK].mean()) for of_layer in noted_weights.noted])
        others = [np.delete(of_layer[..., :in_reach], CHUNK, axis=-1) for of_layer in noted_scores.noted]
        largest.append([float(scores.max(axis=-1).mean()) for scores in others])
    return Attention(np.array(weights), np.array(largest))


class _Noting:
    """A product that keeps, for each layer, what it returned or what it was first given."""

    def __init__(self, product: Callable[[Floats, Floats], Floats], of_result: bool = True) -> None:
        self.product, self.of_result, self.noted = product, of_result, list[Floats]()

    def __call__(self, first: Floats, second: Floats) -> Floats:
        result = self.product(first, second)
        self.noted.append(result if self.of_result else first)
        return result
