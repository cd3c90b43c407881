"""Runs of the trained MiniGPT that pages quote: literal arguments in, plain results out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from kvlab.cache import DenseCache, KVCache
from kvlab.equivalence import Verification, differing_entries, verify
from kvlab.errors import KvlabError
from kvlab.generation import generate_cached, generate_uncached, recompute
from kvlab.grammar.corpus import sample_prompts
from kvlab.grammar.tokenizer import Tokenizer
from kvlab.model import EXACT, GPT2, MINIGPT, Kernel, load_model
from kvlab.model.ops import Floats


@cache
def minigpt() -> GPT2:
    """Return the trained MiniGPT of the project."""
    model = load_model(MINIGPT)
    assert isinstance(model, GPT2)
    return model


@cache
def minigpt_tokenizer() -> Tokenizer:
    """Return its tokenizer."""
    return Tokenizer.from_file(MINIGPT / "tokenizer.json")


@cache
def _verification(n_prompts: int, n_tokens: int) -> Verification:
    prompts = [minigpt_tokenizer().encode(prompt) for prompt in sample_prompts(n_prompts)]
    return verify(minigpt(), prompts, n_tokens)


def cache_correctness(n_prompts: int, n_tokens: int, result: str) -> int:
    """Return one count of the comparison of cached with uncached decoding, greedy, on grammar prompts.

    Args:
        n_prompts: how many of the grammar prompts.
        n_tokens: steps a prompt.
        result: a count of `kvlab.equivalence.Comparison`, such as `"differing_logits"`.

    Raises:
        KvlabError: there is no such count.
    """
    comparison = vars(_verification(n_prompts, n_tokens).exact)
    counts = {name: count for name, count in comparison.items() if isinstance(count, int)}
    if result not in counts:
        raise KvlabError(f"unknown count {result!r}; known are {', '.join(counts)}")
    return counts[result]


def blas_differing_share(n_prompts: int, n_tokens: int) -> float:
    """Return the share of logits that differ when the same comparison runs on plain BLAS, rounded to whole percents.

    Rounded because the last bits of a BLAS are its own affair: two processors disagree on them.
    """
    return round(_verification(n_prompts, n_tokens).blas_differing_logits_share, 2)


def continuation(prompt: str, n_tokens: int) -> str:
    """Return the text of the `n_tokens` tokens that the trained MiniGPT chooses greedily behind `prompt`."""
    tokenizer = minigpt_tokenizer()
    return tokenizer.decode(generate_cached(minigpt(), tokenizer.encode(prompt), n_tokens).ids)


def token_texts(text: str) -> list[str]:
    """Return the tokens of `text`, each as text."""
    tokenizer = minigpt_tokenizer()
    return [tokenizer.token(token) for token in tokenizer.encode(text)]


def token_text(text: str, position: int) -> str:
    """Return one token of `text`. Raises `KvlabError` when there is no such position."""
    tokens = token_texts(text)
    if not 0 <= position < len(tokens):
        raise KvlabError(f"{text!r} has positions 0 to {len(tokens) - 1}; there is no {position}")
    return tokens[position]


def prompt_text(prompt: str) -> str:
    """Return `prompt` as the MiniGPT reads it: turned into tokens and back."""
    return minigpt_tokenizer().decode(minigpt_tokenizer().encode(prompt))


def slot_differing_entries(prompt: str, position: int, n_tokens: int) -> int:
    """Return how many entries of one position's K and V slots differ, in all layers and heads, in their bytes.

    Compared are the cache after a run of `n_tokens` steps behind `prompt`, and a full recomputation of its text.

    Raises:
        KvlabError: no such position is cached.
    """
    tokenizer, model = minigpt_tokenizer(), minigpt()
    held = DenseCache.for_model(model.architecture)
    run = generate_cached(model, tokenizer.encode(prompt), n_tokens, cache=held)
    if not 0 <= position < held.position:
        raise KvlabError(f"position {position} is not cached; the run holds 0 to {held.position - 1}")
    _, recomputed = recompute(model, [*run.prompt_ids, *run.ids])
    return sum(
        differing_entries(a[:, :, :, position], b[:, :, :, position])
        for a, b in ((held.keys, recomputed.keys), (held.values, recomputed.values))
    )


def positions_computed(prompt: str, n_tokens: int, cached: bool) -> list[tuple[int, int]]:
    """Return, for each step of a greedy run, the first position that its forward pass computed and how many.

    Recorded from the forward passes as they run, not derived.
    """
    model = _Recorded(**vars(minigpt()))
    run = generate_cached if cached else generate_uncached
    run(model, minigpt_tokenizer().encode(prompt), n_tokens)
    return model.passes


def tokens_computed(prompt: str, n_tokens: int, cached: bool) -> int:
    """Return how many tokens the forward passes of a greedy run computed in all."""
    return sum(count for _, count in positions_computed(prompt, n_tokens, cached))


@dataclass(frozen=True)
class _Recorded(GPT2):
    """A model that notes what each of its forward passes is given."""

    passes: list[tuple[int, int]] = field(default_factory=list)

    def forward(self, ids: np.ndarray, cache: KVCache, kernel: Kernel = EXACT) -> Floats:
        self.passes.append((cache.position, ids.shape[1]))
        return super().forward(ids, cache, kernel)
