"""The time of each token of one text: with a cache, and without. The first token's is that of the prompt, in both."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from kvlab.benchmark.timing import Timed, interleaved
from kvlab.decoding.generation import Generation, Logits, generate_cached, generate_uncached, greedy
from kvlab.model import Model, load_model
from kvlab.training import MINIGPT
from kvlab.training.tokenizer import Tokenizer

PROMPT, GENERATED_TOKENS = "Yesterday I", 50
# The tokens at either end of the text whose times are compared. The first one is the prompt's and left out.
COMPARED = 10
FIRST, LAST = slice(1, 1 + COMPARED), slice(-COMPARED, None)
# A text takes some milliseconds, and each of its tokens is timed once a round.
MORE_ROUNDS = 3

Generate = Callable[..., Generation]


def per_token(rounds: int) -> dict[str, Any]:
    """Return the least time of each token of a text of the MiniGPT, in milliseconds, with a cache and without.

    And for each run how many times as long its last `COMPARED` tokens take as its first ones after the prompt's.
    """
    model = load_model(MINIGPT)
    prompt_ids = Tokenizer.from_file(MINIGPT / "tokenizer.json").encode(PROMPT)
    runs = {
        name: TextRun(model, prompt_ids, GENERATED_TOKENS, generate)
        for name, generate in (("cached", generate_cached), ("uncached", generate_uncached))
    }
    interleaved({name: run.once for name, run in runs.items()}, MORE_ROUNDS * rounds)
    tokens = {name: run.tokens() for name, run in runs.items()}
    return {
        "prompt_tokens": len(prompt_ids),
        "generated_tokens": GENERATED_TOKENS,
        "compared_tokens": COMPARED,
        **{f"{name}_ms": [token.least * 1e3 for token in timed] for name, timed in tokens.items()},
        **{f"{name}_last_over_first": last_over_first(timed) for name, timed in tokens.items()},
        "noise": max(noise_of_ends(timed) for timed in tokens.values()),
    }


class TextRun:
    """One way to generate `n_tokens` tokens of a text, and the times of its tokens in each round."""

    def __init__(self, model: Model, prompt_ids: list[int], n_tokens: int, generate: Generate) -> None:
        self.model, self.prompt_ids, self.n_tokens, self.generate = model, prompt_ids, n_tokens, generate
        self.rounds: list[list[float]] = []

    def once(self) -> None:
        """Generate the text, and note when each token is chosen."""
        marks = [time.perf_counter()]

        def pick(logits: Logits) -> int:
            chosen = greedy(logits)
            marks.append(time.perf_counter())
            return chosen

        self.generate(self.model, self.prompt_ids, self.n_tokens, pick)
        self.rounds.append([end - start for start, end in pairwise(marks)])

    def tokens(self) -> list[Timed]:
        """Return the rounds of each token, without the round that `interleaved` does not count."""
        return [Timed(seconds) for seconds in zip(*self.rounds[1:], strict=True)]


def last_over_first(tokens: list[Timed]) -> float:
    """Return how many times as long the last tokens take as the first ones, by the sums of their least times."""
    least = [token.least for token in tokens]
    return sum(least[LAST]) / sum(least[FIRST])


def noise_of_ends(tokens: list[Timed]) -> float:
    """Return how far those sums lie apart between the odd and the even rounds at most, as a share of the smaller."""
    halves = [[min(token.seconds[start::2]) for token in tokens] for start in (0, 1)]
    sums = [[sum(half[end]) for half in halves] for end in (FIRST, LAST)]
    return max(abs(odd - even) / min(odd, even) for odd, even in sums)
