"""Does the cache change anything? Decoding with it and without, compared byte by byte.

Comparing tokens would be nearly an empty test: a wrong cache, or plain BLAS, moves the last bits of the logits long
before it moves an argmax. So logits, K and V are compared as they lie in memory, and the same comparison is made with
plain BLAS, where it must fail: the instrument is seen to be able to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache, KVCache
from kvlab.decoding.generation import Logits, Picker, generate_cached, greedy, recompute
from kvlab.errors import KvlabError
from kvlab.model import BLAS, EXACT, Kernel, Model

Recompute = Callable[[Model, Sequence[int], Kernel], tuple[Logits, DenseCache]]


@dataclass(frozen=True)
class Comparison:
    """Cached against uncached over some decoding steps.

    Attributes:
        steps: generated tokens that were compared.
        compared_logits: logits compared, `steps · V`.
        differing_logits: those of them whose bytes differ.
        compared_kv: entries of K and V compared: at each step, those of every token held.
        differing_kv: those of them whose bytes differ.
        differing_tokens: steps at which the greedy choice differs.
        max_abs_difference: the largest distance between two logits that were compared.
    """

    steps: int
    compared_logits: int
    differing_logits: int
    compared_kv: int
    differing_kv: int
    differing_tokens: int
    max_abs_difference: float

    @property
    def identical(self) -> bool:
        """Whether nothing that must agree differs."""
        return not (self.differing_logits or self.differing_kv or self.differing_tokens)


@dataclass(frozen=True)
class Verification:
    """The comparison on kernels that repeat their bytes, and the same one on plain BLAS.

    Attributes:
        exact: must be identical.
        blas: must not be, or the comparison could not have seen a difference.
    """

    exact: Comparison
    blas: Comparison

    @property
    def blas_differing_logits_share(self) -> float:
        """The share of logits that differ with plain BLAS."""
        return self.blas.differing_logits / self.blas.compared_logits


def verify(
    model: Model,
    prompts: Sequence[Sequence[int]],
    n_tokens: int,
    progress: Callable[[], None] = lambda: None,
    cache_for: Callable[[Model], DenseCache] = lambda model: DenseCache.for_model(model.architecture),
    recompute: Recompute = recompute,
) -> Verification:
    """Compare cached with uncached decoding over `n_tokens` greedy steps from each prompt, on both kernels.

    Args:
        model: the model.
        prompts: token ids of each prompt.
        n_tokens: steps a prompt; prompt and steps must fit in the model's context.
        progress: called once a prompt and kernel.
        cache_for: makes the cache under test.
        recompute: runs a text without a cache, as `kvlab.decoding.generation.recompute` does; one that has run it
            before may return what it found then.

    Raises:
        KvlabError: there is no prompt, `n_tokens` is below 1, a prompt and its tokens exceed the context, or a logit is
            not finite.
    """
    if not prompts:
        raise KvlabError("there is nothing to verify; give at least one prompt")
    limit = model.architecture.max_context
    for prompt in prompts:
        if len(prompt) + n_tokens > limit:
            raise KvlabError(
                f"a prompt of {len(prompt)} tokens and {n_tokens} more exceed the model's context of {limit}"
            )

    def compare_all(kernel: Kernel) -> Comparison:
        parts = []
        for prompt in prompts:
            parts.append(_compare_run(model, prompt, n_tokens, cache_for(model), kernel, recompute))
            progress()
        return total(parts)

    return Verification(exact=compare_all(EXACT), blas=compare_all(BLAS))


def seeded_prompts(vocab_size: int, n_prompts: int) -> list[list[int]]:
    """Return prompts for a model without a tokenizer: 1 to 16 ids each, of any token, the same at every call."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, vocab_size, rng.integers(1, 17)).tolist() for _ in range(n_prompts)]


def _compare_run(
    model: Model, prompt_ids: Sequence[int], n_tokens: int, cache: DenseCache, kernel: Kernel, recompute: Recompute
) -> Comparison:
    pick, steps = comparing_picker(model, prompt_ids, cache, kernel, recompute)
    generate_cached(model, prompt_ids, n_tokens, pick, cache=cache, kernel=kernel)
    return total(steps)


def comparing_picker(
    model: Model, prompt_ids: Sequence[int], cache: KVCache, kernel: Kernel, recompute: Recompute = recompute
) -> tuple[Picker, list[Comparison]]:
    """Return a greedy picker that compares each step with a recomputation, and the list to which it adds them.

    Both paths see the same ids at each step: those that the cached run has chosen.
    """
    ids, steps = list(prompt_ids), list[Comparison]()

    def pick(cached_logits: Logits) -> int:
        logits, workspace = recompute(model, ids, kernel)
        steps.append(_compare_step(cached_logits, logits, cache, workspace, len(ids)))
        ids.append(greedy(cached_logits))
        return ids[-1]

    return pick, steps


def _compare_step(
    cached_logits: Logits, logits: Logits, cache: KVCache, workspace: DenseCache, n_tokens: int
) -> Comparison:
    """Compare one step. K and V are compared where the cache keeps them as they were computed."""
    pairs = []
    if isinstance(cache, DenseCache):
        filled = (slice(None),) * 3 + (slice(n_tokens),)
        pairs = [(cache.keys[filled], workspace.keys[filled]), (cache.values[filled], workspace.values[filled])]
    return Comparison(
        steps=1,
        compared_logits=logits.size,
        differing_logits=differing_entries(cached_logits, logits),
        compared_kv=sum(a.size for a, _ in pairs),
        differing_kv=sum(differing_entries(a, b) for a, b in pairs),
        differing_tokens=int(cached_logits.argmax() != logits.argmax()),
        max_abs_difference=float(np.abs(cached_logits - logits).max()),
    )


def differing_entries(a: NDArray[np.floating], b: NDArray[np.floating]) -> int:
    """Return how many entries of two arrays of one shape and dtype differ in their bytes.

    Bytes and not values: 0.0 and −0.0 differ, and a NaN equals its own copy.

    Raises:
        KvlabError: another shape or dtype; nothing could be said entry by entry.
    """
    _require_alike(a, b)
    return _differing(a, b, np.dtype(f"u{a.dtype.itemsize}"))


def differing_bytes(a: NDArray[np.floating], b: NDArray[np.floating]) -> int:
    """Return how many bytes of two arrays of one shape and dtype differ. Raises as `differing_entries`."""
    _require_alike(a, b)
    return _differing(a, b, np.dtype(np.uint8))


def _require_alike(a: NDArray[np.floating], b: NDArray[np.floating]) -> None:
    if a.shape != b.shape or a.dtype != b.dtype:
        raise KvlabError(f"cannot compare {a.dtype}{a.shape} with {b.dtype}{b.shape} byte by byte")


def _differing(a: NDArray[np.floating], b: NDArray[np.floating], unit: np.dtype[Any]) -> int:
    return int(np.count_nonzero(np.ascontiguousarray(a).view(unit) != np.ascontiguousarray(b).view(unit)))


def total(parts: Sequence[Comparison]) -> Comparison:
    """Return comparisons as one."""
    return Comparison(
        steps=sum(p.steps for p in parts),
        compared_logits=sum(p.compared_logits for p in parts),
        differing_logits=sum(p.differing_logits for p in parts),
        compared_kv=sum(p.compared_kv for p in parts),
        differing_kv=sum(p.differing_kv for p in parts),
        differing_tokens=sum(p.differing_tokens for p in parts),
        max_abs_difference=max(p.max_abs_difference for p in parts),
    )
