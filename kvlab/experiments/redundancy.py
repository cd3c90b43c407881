"""What decoding computes again without a cache, counted and compared while the trained MiniGPT runs.

Literal arguments in, plain results out, as in `kvlab.experiments.minigpt`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from kvlab.cache import DenseCache
from kvlab.decoding.generation import generate_cached, recompute
from kvlab.errors import KvlabError
from kvlab.experiments.flop_counter import Count
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer, positions_computed


def tokens_of_step(prompt: str, n_tokens: int, cached: bool, step: int) -> int:
    """Return how many tokens the forward pass of one step of a greedy run computed; the first step is 0.

    Raises:
        KvlabError: the run has no such step.
    """
    return _pass(prompt, n_tokens, cached, step)[1]


def tokens_held(prompt: str, n_tokens: int, step: int) -> int:
    """Return how many tokens the cache held when a step of a greedy run began. Raises as `tokens_of_step` does."""
    return _pass(prompt, n_tokens, True, step)[0]


def _pass(prompt: str, n_tokens: int, cached: bool, step: int) -> tuple[int, int]:
    passes = positions_computed(prompt, n_tokens, cached)
    if not 0 <= step < len(passes):
        raise KvlabError(f"the run has steps 0 to {len(passes) - 1}; there is no {step}")
    return passes[step]


def counted_pairs(length: int, cached: bool) -> int:
    """Return the pairs of query and key that attention weighed, in one head of one layer, while a text grew.

    The text grows from its first token to `length` tokens, a pass for each length; the last pass has `length` in reach.
    A pair counts where its weight is not 0: a masked key has none. Every head of every layer must come to one count.

    Raises:
        KvlabError: the text does not fit in the model's context, or two heads weighed different numbers of pairs.
    """
    per_head, rest = divmod(_counted(length, cached)[0], minigpt().architecture.n_layers)
    if rest:
        raise KvlabError("the layers weighed different numbers of pairs")
    return per_head


def counted_tokens(length: int, cached: bool) -> int:
    """Return the tokens that the passes of the same growing text projected. Raises what `counted_pairs` raises."""
    return _counted(length, cached)[1]


@cache
def _counted(length: int, cached: bool) -> tuple[int, int]:
    """Return the pairs of one head, all layers together, and the tokens, of a text that grows to `length` tokens."""
    model, count, tokens = minigpt(), Count(minigpt()), 0
    ids, kv_cache = _text(length), DenseCache.for_model(model.architecture)
    for reach in range(1, length + 1):
        if not cached:
            kv_cache = DenseCache.for_model(model.architecture)
        new = ids[kv_cache.position : reach]
        tokens += len(new)
        model.forward(np.array([new]), kv_cache, count.kernel)
    pairs = set(count.pairs.tolist())
    if len(pairs) != 1:
        raise KvlabError(f"the heads weighed different numbers of pairs: {sorted(pairs)}")
    return pairs.pop(), tokens


def _text(length: int) -> list[int]:
    """Return the ids of a greedy text of `length` tokens after one token."""
    model, start = minigpt(), minigpt_tokenizer().encode("Yesterday")[:1]
    if not 2 <= length <= model.architecture.max_context:
        raise KvlabError(f"a text of {length} tokens was asked for; choose 2 to {model.architecture.max_context}")
    return [*start, *generate_cached(model, start, length - 1).ids]


def key_element(text: str, position: int, layer: int, head: int, element: int) -> float:
    """Return one element of the key of a position, as a pass over `text` from nothing computes it.

    Raises:
        KvlabError: there is no such layer, head, position or element.
    """
    ids = minigpt_tokenizer().encode(text)
    _, kv_cache = recompute(minigpt(), ids)
    keys = kv_cache.keys[:, 0, :, : len(ids)]
    at = (layer, head, position, element)
    if any(not 0 <= index < size for index, size in zip(at, keys.shape, strict=True)):
        raise KvlabError(f"there is no layer, head, position, element {at}; there are {keys.shape}")
    return float(keys[at])
