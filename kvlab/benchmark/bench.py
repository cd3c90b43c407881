"""`kvlab bench`: ratios of times measured in one run, each of the least of many interleaved rounds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from kvlab.benchmark import peers
from kvlab.benchmark.by_length import by_length, by_passes
from kvlab.benchmark.decode import (
    GPT2_SMALL,
    TOKEN,
    decode_step,
    filled_cache,
    plain_step,
    random_gpt2,
    reading,
    roofline,
)
from kvlab.benchmark.machine import last_level_cache
from kvlab.benchmark.per_token import per_token
from kvlab.benchmark.prefill import GPT2_WIDTH, plain_prefill, prefill
from kvlab.benchmark.timing import Task, Timed, interleaved
from kvlab.decoding.generation import generate_cached, generate_uncached
from kvlab.model import GPT2, load_model
from kvlab.training import MINIGPT

Results = dict[str, Any]
CONTEXTS, CONTEXTS_QUICK = (16, 64, 256, 512, 1023), (256,)
ROUNDS, ROUNDS_QUICK = 41, 10
PROMPT_TOKENS, GENERATED_TOKENS = 16, 64
# A step of the MiniGPT is too short to be timed alone, and a few rounds of it would be over in an instant.
REPEAT_MINI, MORE_ROUNDS_MINI = 3, 10


def bench(quick: bool = False, progress: Callable[[], None] = lambda: None) -> Results:
    """Measure everything and return it, with `None` for a peer that is not installed.

    Args:
        quick: one context and fewer rounds.
        progress: called once for each of the `steps(quick)` parts.
    """
    rounds = ROUNDS_QUICK if quick else ROUNDS
    gpt2, mini = _gpt2_small(quick, progress), _mini(rounds)
    progress()
    cost = max(part["identity_decode_cost"] for part in (gpt2, mini))
    identity = {"decode_cost": cost, "noise": max(gpt2["noise"], mini["noise"])}
    others = {"prefill": _prefill(rounds), "generation": _generation(rounds), "per_token": per_token(rounds)}
    demo = {"demo_by_length": by_length(rounds), "demo_by_passes": by_passes(rounds)}
    results = {"gpt2_small": gpt2, "mini": mini, **others, **demo, "identity": identity, "rounds": rounds}
    progress()
    return results


def steps(quick: bool = False) -> int:
    """Return how many parts `bench` has."""
    return len(CONTEXTS_QUICK if quick else CONTEXTS) + 2


def _gpt2_small(quick: bool, progress: Callable[[], None]) -> Results:
    """Return the ratios of one decode step of GPT-2 small: their medians over the contexts, and each of them."""
    rounds, contexts = (ROUNDS_QUICK, CONTEXTS_QUICK) if quick else (ROUNDS, CONTEXTS)
    model = random_gpt2(GPT2_SMALL)
    cache = filled_cache(model)
    others, runs, (read, read_bytes) = _peers(model, with_sdpa=not quick), {}, reading(model)
    for context in contexts:
        tasks = {
            "kvlab": decode_step(model, cache, context),
            "plain": plain_step(model, cache, context),
            "roofline": roofline(model, context),
            "reading": read,
        }
        runs[context] = interleaved(tasks | {name: peer(context) for name, peer in others.items()}, rounds)
        progress()

    def over(slower: str, faster: str) -> float | None:
        found = [_ratio(run, slower, faster) for run in runs.values()]
        return None if None in found else median(ratio for ratio in found if ratio is not None)

    bandwidth = {context: read_bytes / run["reading"].least for context, run in runs.items()}
    return {
        "contexts": list(contexts),
        "last_level_cache_bytes": last_level_cache(),
        "decode_ms": {str(context): run["kvlab"].least * 1e3 for context, run in runs.items()},
        "roofline_ms": {str(context): run["roofline"].least * 1e3 for context, run in runs.items()},
        "bandwidth_bytes_per_second": {str(context): speed for context, speed in bandwidth.items()},
        "decode_over_roofline": {str(context): _ratio(run, "kvlab", "roofline") for context, run in runs.items()},
        "decode_over_roofline_median": over("kvlab", "roofline"),
        "transformers_over_kvlab": over("transformers", "kvlab"),
        "transformers_sdpa_over_kvlab": over("transformers_sdpa", "kvlab"),
        "torch_over_kvlab": over("torch", "kvlab"),
        "identity_decode_cost": over("kvlab", "plain"),
        "noise": max(timed.noise for run in runs.values() for timed in run.values()),
    }


def _mini(rounds: int, context: int = 64) -> Results:
    """Return a decode step of the MiniGPT at half its context."""
    model = load_model(MINIGPT)
    assert isinstance(model, GPT2)
    cache = filled_cache(model)
    tasks = {"kvlab": decode_step(model, cache, context), "plain": plain_step(model, cache, context)}
    others = {name: peer(context) for name, peer in _peers(model).items()}
    run = interleaved(tasks | others, MORE_ROUNDS_MINI * rounds, REPEAT_MINI)
    return {
        "context": context,
        "decode_us_per_token": run["kvlab"].least * 1e6,
        "transformers_over_kvlab": _ratio(run, "transformers", "kvlab"),
        "transformers_sdpa_over_kvlab": _ratio(run, "transformers_sdpa", "kvlab"),
        "torch_over_kvlab": _ratio(run, "torch", "kvlab"),
        "identity_decode_cost": _ratio(run, "kvlab", "plain"),
        "noise": max(timed.noise for timed in run.values()),
    }


def _generation(rounds: int) -> Results:
    """Return how much longer the MiniGPT takes for a text without a cache."""
    model = load_model(MINIGPT)
    tasks = {
        "cached": lambda: generate_cached(model, [TOKEN] * PROMPT_TOKENS, GENERATED_TOKENS),
        "uncached": lambda: generate_uncached(model, [TOKEN] * PROMPT_TOKENS, GENERATED_TOKENS),
    }
    run = interleaved(tasks, rounds)
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "generated_tokens": GENERATED_TOKENS,
        "uncached_over_cached": _ratio(run, "uncached", "cached"),
        "noise": max(timed.noise for timed in run.values()),
    }


def _prefill(rounds: int) -> Results:
    """Return what byte identity costs in prefill, at the MiniGPT's size and at GPT-2's width."""
    mini = load_model(MINIGPT)
    assert isinstance(mini, GPT2)
    small = interleaved({"kvlab": prefill(mini, 64), "plain": plain_prefill(mini, 64)}, MORE_ROUNDS_MINI * rounds)
    wide = random_gpt2(GPT2_WIDTH)
    large = interleaved({"kvlab": prefill(wide, 256), "plain": plain_prefill(wide, 256)}, rounds)
    return {
        "exact_over_blas_mini": _ratio(small, "kvlab", "plain"),
        "exact_over_blas_gpt2_small": _ratio(large, "kvlab", "plain"),
        "noise": max(timed.noise for timed in (*small.values(), *large.values())),
    }


def _peers(model: GPT2, with_sdpa: bool = True) -> dict[str, Callable[[int], Task]]:
    """Return what makes a step of each peer that is installed, given the context."""
    if not peers.available():
        return {}
    found: dict[str, Callable[[int], Task]] = {
        "transformers": peers.Transformers(model).step,
        "torch": partial(peers.torch_step, model),
    }
    return found | ({"transformers_sdpa": peers.Transformers(model, "sdpa").step} if with_sdpa else {})


def _ratio(run: dict[str, Timed], slower: str, faster: str) -> float | None:
    return run[slower].least / run[faster].least if slower in run else None
