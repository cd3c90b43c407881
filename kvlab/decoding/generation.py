"""Decoding with a cache and without: the same forward pass, run over one token or over all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache, KVCache, RaggedBatch
from kvlab.errors import KvlabError
from kvlab.model import EXACT, Kernel, Model
from kvlab.model.ops import Floats

Logits = NDArray[np.float32]
Picker = Callable[[Logits], int]


@dataclass(frozen=True)
class Generation:
    """What a run of decoding gave.

    Attributes:
        prompt_ids: the prompt.
        ids: the generated ids alone.
        stopped: `"length"` (as many as asked), `"context"` (no room for more) or `"end"` (the end-of-text id).
        cache_bytes: bytes of the cache that the run kept; 0 without one.
    """

    prompt_ids: tuple[int, ...]
    ids: tuple[int, ...]
    stopped: str
    cache_bytes: int


def greedy(logits: Logits) -> int:
    """Return the id with the largest logit, `(V,)`; the smallest such id where two are equal.

    Raises:
        KvlabError: a logit is not finite, as damaged weights make them.
    """
    return int(_finite(logits).argmax())


def sampler(temperature: float, top_k: int | None, seed: int) -> Picker:
    """Return a picker that draws from `softmax(logits / temperature)`, cut to the `top_k` largest; seeded.

    Two pickers of the same seed draw the same ids from the same logits, so sampled runs can be compared too.

    Raises:
        KvlabError: the temperature is not above 0, or `top_k` is below 1; when drawing, a logit is not finite.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise KvlabError(f"temperature is {temperature}, and must be a finite number above 0; leave it out for greedy")
    if top_k is not None and top_k < 1:
        raise KvlabError(f"top-k is {top_k}, and must be at least 1")
    rng = np.random.default_rng(seed)

    def pick(logits: Logits) -> int:
        # Shifted first: at most 0, so that the smallest temperature gives −∞ at worst, and never ∞ − ∞.
        shifted = (_finite(logits) - logits.max()).astype(np.float64)
        with np.errstate(over="ignore"):
            scaled = shifted / temperature
        if top_k is not None and top_k < len(scaled):
            # A stable sort breaks ties by id, so exactly top_k candidates are left.
            scaled[np.argsort(-scaled, kind="stable")[top_k:]] = -np.inf
        p = np.exp(scaled)
        return int(rng.choice(len(p), p=p / p.sum()))

    return pick


def generate_cached(
    model: Model,
    prompt_ids: Sequence[int],
    n_tokens: int,
    pick: Picker = greedy,
    *,
    stop_ids: Collection[int] = (),
    cache: KVCache | None = None,
    kernel: Kernel = EXACT,
) -> Generation:
    """Decode with a KV cache: the prompt once (prefill), and then each new token alone (decode).

    A prompt longer than what the cache takes in one pass is split into several passes.

    Args:
        model: the model.
        prompt_ids: at least one id.
        n_tokens: how many tokens to generate; fewer when prompt and text reach the model's context.
        pick: how the next id is chosen from the logits `(V,)`.
        stop_ids: ids after which to stop.
        cache: an empty cache for one sequence; a dense one of the model's whole context if none is given.
        kernel: the products to run on.

    Raises:
        KvlabError: an empty prompt, one longer than the context, an id outside the vocabulary, `n_tokens` below 1, or
            a cache that holds something already.
    """
    ids, room = _begin(model, prompt_ids, n_tokens)
    cache = DenseCache.for_model(model.architecture) if cache is None else cache
    if cache.position:
        raise KvlabError(f"the cache holds {cache.position} tokens already; give an empty one")
    most = cache.most_at_once or room
    new = ids  # the tokens that the cache does not hold yet
    while len(ids) < room and not _ended(ids, prompt_ids, stop_ids):
        for start in range(0, len(new), most):
            hidden = model.forward(np.array([new[start : start + most]]), cache, kernel)
        new = [pick(model.logits(hidden[0, -1], kernel))]
        ids = ids + new
    return _finish(prompt_ids, ids, n_tokens, stop_ids, cache.nbytes)


def generate_uncached(
    model: Model,
    prompt_ids: Sequence[int],
    n_tokens: int,
    pick: Picker = greedy,
    *,
    stop_ids: Collection[int] = (),
    kernel: Kernel = EXACT,
) -> Generation:
    """Decode without a cache: each step runs all the tokens so far and throws their K and V away.

    Arguments and errors are those of `generate_cached`.
    """
    ids, room = _begin(model, prompt_ids, n_tokens)
    while len(ids) < room and not _ended(ids, prompt_ids, stop_ids):
        logits, _ = recompute(model, ids, kernel)
        ids = [*ids, pick(logits)]
    return _finish(prompt_ids, ids, n_tokens, stop_ids, cache_bytes=0)


def generate_batch(
    model: Model,
    prompts: Sequence[Sequence[int]],
    n_tokens: int,
    picks: Sequence[Picker],
    *,
    caches: Sequence[KVCache] = (),
    stop_ids: Collection[int] = (),
    kernel: Kernel = EXACT,
) -> list[Generation]:
    """Decode several prompts of any lengths side by side, each as it would be decoded alone.

    Each prompt is prefilled by itself; then every step runs the newest token of each sequence in one forward pass. A
    sequence that has ended leaves the batch.

    Args:
        model: the model.
        prompts: at least one prompt, of at least one id each.
        n_tokens: how many tokens to generate for each; fewer where prompt and text reach the model's context.
        picks: how the next id is chosen, for each prompt: a picker that draws has a state of its own.
        caches: an empty one for each prompt; dense ones if none are given.
        stop_ids: ids after which to stop.
        kernel: the products to run on.

    Raises:
        KvlabError: no prompt, not one picker a prompt, or what `generate_cached` refuses.
    """
    if not prompts or len(picks) != len(prompts):
        raise KvlabError(f"{len(prompts)} prompts and {len(picks)} pickers; give a prompt at least, and a picker each")
    begun = [_begin(model, prompt, n_tokens) for prompt in prompts]
    texts, rooms = [ids for ids, _ in begun], [room for _, room in begun]
    caches = caches or [DenseCache.for_model(model.architecture) for _ in prompts]

    def running() -> list[int]:
        return [
            row
            for row, prompt in enumerate(prompts)
            if len(texts[row]) < rooms[row] and not _ended(texts[row], prompt, stop_ids)
        ]

    def extend(row: int, hidden: Floats) -> None:
        texts[row] = [*texts[row], picks[row](model.logits(hidden, kernel))]

    for row in running():
        extend(row, model.forward(np.array([texts[row]]), caches[row], kernel)[0, -1])
    while rows := running():
        newest = np.array([texts[row][-1:] for row in rows])
        hidden = model.forward(newest, RaggedBatch([caches[row] for row in rows]), kernel)
        for row, states in zip(rows, hidden, strict=True):
            extend(row, states[-1])
    return [
        _finish(prompt, ids, n_tokens, stop_ids, cache.nbytes)
        for prompt, ids, cache in zip(prompts, texts, caches, strict=True)
    ]


def recompute(model: Model, ids: Sequence[int], kernel: Kernel = EXACT) -> tuple[Logits, DenseCache]:
    """Run all of `ids` from nothing. Return the last token's logits `(V,)`, and the K and V computed on the way.

    The buffer is allocated in this call: attention needs K and V of the whole sequence at hand, and a step
    without a cache computes each of them again.
    """
    workspace = DenseCache.for_model(model.architecture)
    hidden = model.forward(np.array([ids]), workspace, kernel)
    return model.logits(hidden[0, -1], kernel), workspace


def _finite(logits: Logits) -> Logits:
    if not np.isfinite(logits).all():
        raise KvlabError("the model's logits are not finite; its weights are damaged, or overflow in float32")
    return logits


def _begin(model: Model, prompt_ids: Sequence[int], n_tokens: int) -> tuple[list[int], int]:
    """Return the ids to start from and the length to stop at, having refused what cannot be run."""
    vocab_size, limit = model.architecture.vocab_size, model.architecture.max_context
    if n_tokens < 1:
        raise KvlabError(f"{n_tokens} tokens were asked for; ask for at least 1")
    if not prompt_ids:
        raise KvlabError("the prompt has no tokens; give at least one")
    if len(prompt_ids) > limit:
        raise KvlabError(f"the prompt has {len(prompt_ids)} tokens; the model's context is {limit}")
    for token in prompt_ids:
        if not 0 <= token < vocab_size:
            raise KvlabError(f"the prompt has the id {token}; the vocabulary goes from 0 to {vocab_size - 1}")
    return list(prompt_ids), min(len(prompt_ids) + n_tokens, limit)


def _ended(ids: Sequence[int], prompt_ids: Sequence[int], stop_ids: Collection[int]) -> bool:
    return len(ids) > len(prompt_ids) and ids[-1] in stop_ids


def _finish(
    prompt_ids: Sequence[int], ids: list[int], n_tokens: int, stop_ids: Collection[int], cache_bytes: int
) -> Generation:
    generated = ids[len(prompt_ids) :]
    if _ended(ids, prompt_ids, stop_ids):
        stopped = "end"
    else:
        stopped = "length" if len(generated) == n_tokens else "context"
    return Generation(tuple(prompt_ids), tuple(generated), stopped, cache_bytes)
