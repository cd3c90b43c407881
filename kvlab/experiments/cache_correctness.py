"""The experiment `cache-correctness`: what was compared, the tokens chosen, and how near a choice was to another.

Both model families, greedy, in whole runs. Literal arguments in, plain results out, as in `kvlab.experiments.minigpt`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from kvlab.decoding.generation import Logits, generate_cached, greedy
from kvlab.experiments.minigpt import blas_differing_share, subject, subject_prompts, verification

N_PROMPTS, N_TOKENS = 50, 64
ENTRY_BYTES = np.dtype(np.float32).itemsize
# Two logits are close that another processor's rounding could put the other way round. Plain BLAS, which rounds in
# another order, has moved no logit of either model by half of this; a claim of the page holds it to that.
CLOSE = 1e-4


class Chosen(NamedTuple):
    """What greedy runs chose.

    Attributes:
        ids: the generated ids, a run a prompt.
        margins: at each step, by how much the best logit exceeds the second best.
    """

    ids: tuple[tuple[int, ...], ...]
    margins: tuple[float, ...]


@cache
def chosen(n_prompts: int, n_tokens: int, model_name: str) -> Chosen:
    """Return what a model chooses after its prompts. Raises `KvlabError` for an unknown model or a run too long."""
    margins: list[float] = []

    def pick_and_note(logits: Logits) -> int:
        second, best = np.partition(logits.astype(np.float64), -2)[-2:]
        margins.append(float(best - second))
        return greedy(logits)

    model = subject(model_name)
    runs = [
        generate_cached(model, prompt, n_tokens, pick_and_note).ids for prompt in subject_prompts(model_name, n_prompts)
    ]
    return Chosen(tuple(runs), tuple(margins))


def compared_bytes(n_prompts: int, n_tokens: int, model_name: str) -> int:
    """Return the bytes that were compared: at each step those of all logits, and of K and V of every token held."""
    exact = verification(n_prompts, n_tokens, model_name).exact
    return ENTRY_BYTES * (exact.compared_logits + exact.compared_kv)


def ids_sha256(n_prompts: int, n_tokens: int, model_name: str) -> str:
    """Return the SHA-256 of the ids that a model chooses, in hex: decimal numbers, a line a prompt, spaces between."""
    return sha256_of(chosen(n_prompts, n_tokens, model_name).ids)


def sha256_of(runs: Sequence[Sequence[int]]) -> str:
    """Return the SHA-256 of ids written as decimal numbers, each run on a line that ends, with spaces between them."""
    written = "".join(" ".join(map(str, ids)) + "\n" for ids in runs)
    return hashlib.sha256(written.encode()).hexdigest()


def close_choices(n_prompts: int, n_tokens: int, model_name: str) -> int:
    """Return at how many steps the two best logits were closer to each other than `CLOSE`."""
    return sum(margin < CLOSE for margin in chosen(n_prompts, n_tokens, model_name).margins)


def close() -> float:
    """Return the distance below which two logits count as close."""
    return CLOSE


def harmless() -> float:
    """Return how far rounding may move a logit, either way, without turning a choice that is not close."""
    return CLOSE / 2


def blas_differing_tokens(n_prompts: int, n_tokens: int, model_name: str) -> int:
    """Return at how many steps the choice itself differs when the same comparison runs on plain BLAS."""
    return verification(n_prompts, n_tokens, model_name).blas.differing_tokens


def blas_largest_distance(n_prompts: int, n_tokens: int, model_name: str) -> float:
    """Return the largest distance between two logits there: of this machine's BLAS, and of no other."""
    return verification(n_prompts, n_tokens, model_name).blas.max_abs_difference


def summary(model_name: str) -> dict[str, str | int | float]:
    """Return all that the experiment says of a model, units in the names. Raises `KvlabError` for an unknown one."""
    sizes = (N_PROMPTS, N_TOKENS, model_name)
    exact = verification(*sizes).exact
    return {
        "model": model_name,
        "prompts": N_PROMPTS,
        "tokens_per_prompt": N_TOKENS,
        "steps": exact.steps,
        "compared_bytes": compared_bytes(*sizes),
        "compared_logits": exact.compared_logits,
        "differing_logits": exact.differing_logits,
        "compared_kv_entries": exact.compared_kv,
        "differing_kv_entries": exact.differing_kv,
        "differing_tokens": exact.differing_tokens,
        "ids_sha256": ids_sha256(*sizes),
        "close_choices": close_choices(*sizes),
        "blas_differing_logits_share": blas_differing_share(*sizes),
        "blas_differing_tokens": blas_differing_tokens(*sizes),
    }
