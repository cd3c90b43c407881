"""What each bug of `kvlab.cache.broken` does, which comparison finds it, and what attention gives to an empty slot."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache
from kvlab.cache.broken import BUGS, SlotTooFar
from kvlab.damage import CHUNK, EARLY_TOKENS, LATE_SHARE, first_difference, teacher_forced
from kvlab.errors import KvlabError
from kvlab.experiments import (
    bug_damage,
    bug_first_difference,
    bug_prompt,
    held_out_texts,
    minigpt,
    minigpt_tokenizer,
)
from kvlab.generation import generate_cached, generate_uncached
from kvlab.grammar.corpus import sample_prompts
from kvlab.model import EXACT
from kvlab.model.ops import Floats

# What is beside the changes that `kvlab.experiments` gives.


def right_loss(n_texts: int) -> float:
    """Return the mean loss behind the prompt with the right cache on held-out texts, in nats."""
    texts = held_out_texts(n_texts)
    held = DenseCache.for_model(minigpt().architecture, batch=n_texts)
    return float(teacher_forced(minigpt(), held, texts, CHUNK).losses[:, CHUNK:].mean())


def prompt_loss_change(bug: str, n_texts: int) -> float:
    """Return the mean change of the loss on the prompt itself, in nats."""
    return float(bug_damage(bug, n_texts).by_position[: bug_prompt(bug)].mean())


def first_changed_position(bug: str, n_texts: int) -> int | None:
    """Return the first position at which any text's loss changes at all; None where none does."""
    return bug_damage(bug, n_texts).onset


# Which test finds which bug.


def prompts_with_other_tokens(bug: str, n_prompts: int, n_tokens: int) -> int:
    """Return behind how many grammar prompts a bug changes any of `n_tokens` greedy tokens.

    Compared are the tokens with the broken cache and those without a cache, one sequence at a time.

    Raises:
        KvlabError: there is no such bug.
    """
    make, model = _kind(bug), minigpt()
    return sum(
        generate_cached(model, prompt, n_tokens, cache=make.for_model(model.architecture)).ids != text[len(prompt) :]
        for prompt, text in _texts(n_prompts, n_tokens)
    )


def prompts_with_other_bytes(bug: str, n_prompts: int, n_tokens: int) -> int:
    """Return behind how many grammar prompts a bug changes any byte of K, V or the logits, in any of `n_tokens` steps.

    Each step is given the token that decoding without a cache chose.

    Raises:
        KvlabError: there is no such bug.
    """
    make, model = _kind(bug), minigpt()
    a = model.architecture
    return sum(
        first_difference(model, DenseCache.for_model(a), make.for_model(a), np.array([text[:-1]]), len(prompt))
        is not None
        for prompt, text in _texts(n_prompts, n_tokens)
    )


def first_differing_step(bug: str) -> int | None:
    """Return the decode step, 0 for the prompt, at which two sequences side by side first differ in a byte.

    Raises:
        KvlabError: there is no such bug.
    """
    found = bug_first_difference(bug)
    return None if found is None else found.step


def _kind(bug: str) -> type[DenseCache]:
    if bug not in BUGS:
        raise KvlabError(f"unknown bug {bug!r}; known are {', '.join(BUGS)}")
    return BUGS[bug]


@cache
def _texts(n_prompts: int, n_tokens: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return each prompt, and the text that decoding without a cache makes of it."""
    prompts = [tuple(minigpt_tokenizer().encode(prompt)) for prompt in sample_prompts(n_prompts)]
    return [(prompt, prompt + generate_uncached(minigpt(), prompt, n_tokens).ids) for prompt in prompts]


# Why the empty slot heals.


class Attention(NamedTuple):
    """What the layers' attention did in decode steps over texts with a slot left empty behind the prompt.

    Attributes:
        weights: what it gave to the empty slot, `(steps, n_layers)`, the mean over texts and heads.
        largest: the largest score of any other slot in reach, `(steps, n_layers)`; the empty slot's own is 0.
    """

    weights: NDArray[np.float64]
    largest: NDArray[np.float64]


def empty_slot_weights(n_texts: int, layer: int) -> list[float]:
    """Return the weight that a layer's attention gives to a slot left empty behind the prompt, at each decode step.

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
    """Return the mean of `largest_other_scores` over the first steps behind the prompt."""
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
