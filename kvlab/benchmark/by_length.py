"""The time of texts of the demo model by their length, with a cache and without; and of tokens by how they pass."""

from __future__ import annotations

import time
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from kvlab.benchmark.per_token import TextRun
from kvlab.benchmark.timing import Timed, interleaved
from kvlab.cache import DenseCache
from kvlab.decoding.generation import generate_cached, generate_uncached
from kvlab.model import Model
from kvlab.model.demo import demo_model

PROMPT_TOKENS, GENERATED_TOKENS = 8, 56
LENGTHS = (1, *range(8, GENERATED_TOKENS + 1, 8))
PASSED_TOKENS = 64
# A round of passes takes some milliseconds, and one of texts a tenth of a second.
MORE_ROUNDS_OF_TEXTS, MORE_ROUNDS_OF_PASSES = 2, 4


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
    interleaved({name: run.once for name, run in runs.items()}, MORE_ROUNDS_OF_TEXTS * rounds)
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
    """Return how long the same tokens take in one pass and one by one, in milliseconds, up to their hidden states.

    A pass's time is the least of its rounds, and that of several the sum over them.
    """
    model = demo_model()
    runs = {"one_pass": PassRun(model, PASSED_TOKENS), "one_by_one": PassRun(model, 1)}
    interleaved({name: run.once for name, run in runs.items()}, MORE_ROUNDS_OF_PASSES * rounds)
    timed = {name: run.passes() for name, run in runs.items()}
    seconds = {name: sum(one.least for one in passes) for name, passes in timed.items()}
    return {
        "tokens": PASSED_TOKENS,
        **{f"{name}_ms": 1e3 * total for name, total in seconds.items()},
        "one_by_one_over_one_pass": seconds["one_by_one"] / seconds["one_pass"],
        "noise": max(noise_of_total(passes) for passes in timed.values()),
    }


class PassRun:
    """`PASSED_TOKENS` tokens that run in passes of so many from an empty cache, and their times by round."""

    def __init__(self, model: Model, at_once: int) -> None:
        self.model, self.at_once = model, at_once
        self.ids, self.cache = np.arange(PASSED_TOKENS)[None], DenseCache.for_model(model.architecture)
        self.rounds: list[list[float]] = []

    def once(self) -> None:
        """Run the passes, and note when each ends."""
        self.cache.hold(0)
        marks = [time.perf_counter()]
        for start in range(0, PASSED_TOKENS, self.at_once):
            self.model.forward(self.ids[:, start : start + self.at_once], self.cache)
            marks.append(time.perf_counter())
        self.rounds.append([end - start for start, end in pairwise(marks)])

    def passes(self) -> list[Timed]:
        """Return the rounds of each pass, without the round that `interleaved` does not count."""
        return [Timed(seconds) for seconds in zip(*self.rounds[1:], strict=True)]
