"""Runs of the Llama-style demo model that a page quotes: literal arguments in, plain results out.

Prompts are token ids, since the demo model has no tokenizer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from kvlab.accounting import operations
from kvlab.accounting.memory import kv_cache_bytes
from kvlab.cache import DenseCache, GrowingCache, HalfCache, KVCache
from kvlab.cache.broken import BUGS
from kvlab.decoding.equivalence import Comparison, comparing_picker, differing_entries, total
from kvlab.decoding.generation import generate_batch, generate_cached, generate_uncached
from kvlab.errors import KvlabError
from kvlab.model import BLAS, EXACT, Kernel, Llama
from kvlab.model.demo import DEMO, demo_model
from kvlab.model.ops import Floats

Prompts = Sequence[Sequence[int]]
KERNELS = {"exact": EXACT, "blas": BLAS}
CACHES: Mapping[str, type[DenseCache | HalfCache]] = {"dense": DenseCache, "fp16": HalfCache, **BUGS}
FP32_BYTES = 4  # the demo model's weights and cache


@cache
def _demo() -> Llama:
    return demo_model()


# What the model is.


def bytes_per_token() -> int:
    """Return the bytes that a slot of the demo model's cache occupies: those of the arrays, divided by its slots."""
    return DenseCache.for_model(DEMO).nbytes // DEMO.max_context


def parameters() -> int:
    """Return how many numbers the demo model's weights are: counted in its arrays, not derived from its shapes."""
    demo = _demo()
    arrays = [demo.embed_tokens, demo.norm, demo.head, *(array for block in demo.blocks for array in block)]
    return sum(array.size for array in arrays)


# Equivalence: sequences that are decoded in one batch with caches, and each of them again without.


def equivalence(prompts: Prompts, n_tokens: int, cache_name: str = "dense") -> Comparison:
    """Return the comparison, byte by byte, of decoding with caches and without.

    The sequences run side by side: each prompt is prefilled by itself, and every further pass has the newest token of
    all of them. Next to it each text is run again at every step, alone and from nothing.

    Args:
        prompts: the ids of each sequence's prompt.
        n_tokens: steps.
        cache_name: `"dense"`, `"fp16"` for one that stores half precision, or a bug of `kvlab.cache.broken`.

    Raises:
        KvlabError: there is no such cache, or the prompts cannot be run.
    """
    return total(_steps(_frozen(prompts), n_tokens, cache_name, "exact"))


def differing_logits_by_step(prompts: Prompts, n_tokens: int, cache_name: str) -> list[int]:
    """Return how many logits differ in their bytes, step by step. Arguments and errors: `equivalence`."""
    return [step.differing_logits for step in _steps(_frozen(prompts), n_tokens, cache_name, "exact")]


def blas_differing_share(prompts: Prompts, n_tokens: int) -> float:
    """Return the share of logits that differ where all products are plain BLAS, rounded to whole percents.

    Rounded because the last bits of a BLAS are its own affair: two processors disagree on them.
    """
    found = total(_steps(_frozen(prompts), n_tokens, "dense", "blas"))
    return round(found.differing_logits / found.compared_logits, 2)


def _frozen(prompts: Prompts) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, prompts))


@cache
def _steps(
    prompts: tuple[tuple[int, ...], ...], n_tokens: int, cache_name: str, kernel_name: str
) -> tuple[Comparison, ...]:
    """Return the comparison of each step, of all sequences together."""
    if cache_name not in CACHES:
        raise KvlabError(f"unknown cache {cache_name!r}; known are {', '.join(CACHES)}")
    demo, kernel = _demo(), KERNELS[kernel_name]
    caches = [CACHES[cache_name].for_model(DEMO) for _ in prompts]
    compared = [comparing_picker(demo, ids, cached, kernel) for ids, cached in zip(prompts, caches, strict=True)]
    generate_batch(demo, prompts, n_tokens, [pick for pick, _ in compared], caches=caches, kernel=kernel)
    return tuple(total(step) for step in zip(*(steps for _, steps in compared), strict=True))


# Passes: which tokens they run, and what they come to.


def tokens_projected(prompt: Sequence[int], n_tokens: int, cached: bool) -> int:
    """Return how many tokens the passes of a greedy run have in all: recorded as they run, not derived."""
    demo = _Recorded(**vars(_demo()))
    (generate_cached if cached else generate_uncached)(demo, prompt, n_tokens)
    return sum(demo.passes)


@dataclass(frozen=True)
class _Recorded(Llama):
    """A model that notes how many tokens each of its forward passes has."""

    passes: list[int] = field(default_factory=list)

    def forward(self, ids: np.ndarray, cache: KVCache, kernel: Kernel = EXACT) -> Floats:
        self.passes.append(ids.shape[1])
        return super().forward(ids, cache, kernel)


def held_by_token(n_tokens: int) -> list[int]:
    """Return the bytes of all arrays of a cache that grows with its tokens, after each of `n_tokens` tokens."""
    kv_cache, sizes = GrowingCache.for_model(DEMO), []
    for token in range(n_tokens):
        _demo().forward(np.array([[token]]), kv_cache)
        sizes.append(kv_cache.nbytes)
    return sizes


def sizes_matching(n_tokens: int) -> int:
    """Return at how many of the first `n_tokens` lengths such a cache takes the bytes that the formula says."""
    shapes = (DEMO.n_layers, DEMO.n_kv_heads, DEMO.head_dim)
    return sum(
        size == kv_cache_bytes(*shapes, context, 1, FP32_BYTES)
        for context, size in enumerate(held_by_token(n_tokens), 1)
    )


def pass_split_differing(n_tokens: int) -> int:
    """Return how many numbers differ in their bytes where `n_tokens` tokens run in one pass and one by one.

    Compared are the hidden states of all the tokens, and their K and V in all layers.
    """
    ids, together, apart = np.arange(n_tokens)[None], DenseCache.for_model(DEMO), DenseCache.for_model(DEMO)
    whole = _demo().forward(ids, together)
    parts = np.concatenate([_demo().forward(ids[:, [at]], apart) for at in range(n_tokens)], axis=1)
    pairs = ((whole, parts), (together.keys, apart.keys), (together.values, apart.values))
    return sum(differing_entries(a, b) for a, b in pairs)


def passes_made(n_tokens: int, at_once: int) -> int:
    """Return how many passes run `n_tokens` tokens, so many of them in each. Raises as `passes_work`."""
    return len(_starts(n_tokens, at_once))


def passes_work(n_tokens: int, at_once: int) -> operations.Operation:
    """Return what passes over `n_tokens` tokens come to, so many of them in each, up to their hidden states.

    Args:
        n_tokens: tokens of one sequence, with nothing before.
        at_once: tokens of a pass: all of them in prefill, 1 in decode; the last pass has what is left.

    Raises:
        KvlabError: a pass without tokens.
    """
    parts = (_operations(held, min(at_once, n_tokens - held)) for held in _starts(n_tokens, at_once))
    return sum((operation for one in parts for operation in one), operations.Operation("passes"))


def _starts(n_tokens: int, at_once: int) -> range:
    if at_once < 1:
        raise KvlabError(f"{at_once} tokens make no pass; give at least 1")
    return range(0, n_tokens, at_once)


def _operations(held: int, n_tokens: int) -> tuple[operations.Operation, ...]:
    return operations.operations(DEMO, operations.Pass(1, held, n_tokens, 0, 1, DEMO.max_context), FP32_BYTES)
