"""Requests for the simulation: prompts and outputs of lengths that nobody knows beforehand."""

from __future__ import annotations

import math
import random
from typing import NamedTuple

from kvlab.errors import KvlabError
from kvlab.units.whole import whole_number

# Means of ShareGPT, in tokens, as the paper prints them (arXiv 2309.06180, figure 11).
MEAN_PROMPT, MEAN_OUTPUT = 161.31, 337.99

# The spread is not printed; it is the one number chosen here to meet the paper. What a sequence holds and what it has
# yet to write are, seen at a random step, mean prompt + x to x, with x = ½ · mean output · e^(σ²). Figure 2 has 20.4 to
# 13.3 of them in Orca (Max), which gives σ = 0.76. The prompts get the same; they move little.
SPREAD = 0.76


class Request(NamedTuple):
    """What a user asks for, and what the model will answer.

    Attributes:
        prompt: tokens given.
        output: tokens that will be generated; known to nobody before the last of them.
    """

    prompt: int
    output: int

    @property
    def final(self) -> int:
        """Tokens that the sequence has in the end."""
        return self.prompt + self.output


def draw_requests(n_requests: int, seed: int, max_context: int) -> tuple[Request, ...]:
    """Return requests with log-normal lengths, prompt and output independent of each other.

    Each is rounded to whole tokens, at least one. What does not fit is cut off: a prompt at one token less than
    `max_context`, an output at what the prompt leaves.

    Raises:
        KvlabError: a count is not a whole number, or the context has no room for a prompt and an output.
    """
    for name, count in (("n_requests", n_requests), ("seed", seed), ("max_context", max_context)):
        whole_number(f"draw_requests: {name}", count)
    if max_context < 2:
        raise KvlabError(f"a context of {max_context} has no room for a prompt and an output; give at least 2")
    rng, requests = random.Random(seed), []
    for _ in range(n_requests):
        prompt = min(_length(rng, MEAN_PROMPT), max_context - 1)
        requests.append(Request(prompt, min(_length(rng, MEAN_OUTPUT), max_context - prompt)))
    return tuple(requests)


def _length(rng: random.Random, mean: float) -> int:
    # The mean of a log-normal is e^(µ + σ²/2).
    return max(1, round(rng.lognormvariate(math.log(mean) - SPREAD**2 / 2, SPREAD)))
