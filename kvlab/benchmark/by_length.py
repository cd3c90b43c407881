"""The time of texts of the demo model by their length, with a cache and without; and of tokens by how they pass."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from kvlab.benchmark.per_token import TextRun
from kvlab.benchmark.timing import Task, Timed, interleaved
from kvlab.cache import DenseCache
from kvlab.generation import generate_cached, generate_uncached
from kvlab.model import Model
from kvlab.model.demo import demo_model

PROMPT_TOKENS, GENERATED_TOKENS = 8, 56
LENGTHS = (1, *range(8, GENERATED_TOKENS + 1, 8))
PASSED_TOKENS = 64
# A token is timed once a round of its whole text, which without a cache takes a tenth of a second.
MORE_ROUNDS, MORE_ROUNDS_OF_PASSES = 2, 4


def by_length(rounds: int) -> dict[str, Any]:
    """Return how long the first tokens of one text take together, in milliseconds, with a cache and without.

    By their number, one of `LENGTHS`; and without a cache how many times as long as the first pass the last one
    takes. A token's time is the least of its rounds, and a length's the sum over its tokens: what disturbs one token
    in one round is in no sum.
    """
    model, prompt_ids = demo_model(), list(range(1, PROMPT_TOKENS + 1))
    runs = {
        name: TextRun(model, prompt_ids, GENERATED_TOKENS, generate)
        for name, generate in (("cached", generate_cached), ("uncached", generate_uncached))
    }
    interleaved({name: run.once for name, run in runs.items()}, MORE_ROUNDS * rounds)
    timed = {name: run.tokens() for name, run in runs.items()}
    totals = {name: totals_by_length(tokens) for name, tokens in timed.items()}
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "generated_tokens": GENERATED_TOKENS,
        **{f"{name}_ms": {length: 1e3 * total for length, total in of.items()} for name, of in totals.items()},
        "uncached_over_cached": {
            length: total / totals["cached"][length] for length, total in totals["uncached"].items()
        },
        "last_pass_over_first": timed["uncached"][-1].least / timed["uncached"][0].least,
        "noise": max(noise_of_total(tokens) for tokens in timed.values()),
    }


def totals_by_length(tokens: list[Timed]) -> dict[str, float]:
    """Return the sum of the least times of the first tokens, in seconds, for each of `LENGTHS`."""
    sums = list(accumulate(token.least for token in tokens))
    return {str(length): sums[length - 1] for length in LENGTHS}


def noise_of_total(tokens: list[Timed]) -> float:
    """Return how far the whole text's times of odd and of even rounds lie apart, as a share of the smaller."""
    odd, even = (sum(min(token.seconds[start::2]) for token in tokens) for start in (0, 1))
    return abs(odd - even) / min(odd, even)


def by_passes(rounds: int) -> dict[str, Any]:
    """Return how long the same tokens take in one pass and one by one, in milliseconds, up to their hidden states."""
    model = demo_model()
    run = interleaved(
        {"one_pass": passes(model, PASSED_TOKENS), "one_by_one": passes(model, 1)}, MORE_ROUNDS_OF_PASSES * rounds
    )
    return {
        "tokens": PASSED_TOKENS,
        **{f"{name}_ms": 1e3 * timed.least for name, timed in run.items()},
        "one_by_one_over_one_pass": run["one_by_one"].least / run["one_pass"].least,
        "noise": max(timed.noise for timed in run.values()),
    }


def passes(model: Model, at_once: int) -> Task:
    """Return what runs `PASSED_TOKENS` tokens into an empty cache, so many of them in each pass."""
    ids, cache = np.arange(PASSED_TOKENS)[None], DenseCache.for_model(model.architecture)

    def run() -> None:
        cache.hold(0)
        for start in range(0, PASSED_TOKENS, at_once):
            model.forward(ids[:, start : start + at_once], cache)

    return run
