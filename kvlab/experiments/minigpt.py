"""Runs of the trained MiniGPT that pages quote: literal arguments in, plain results out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from kvlab.cache import DenseCache, HalfCache, Int8Cache, KVCache
from kvlab.cache.broken import BUGS, ChunkUnmasked
from kvlab.decoding.degradation import CHUNK, Damage, Difference, Ids, Run, damage, first_difference, teacher_forced
from kvlab.decoding.equivalence import Verification, differing_entries, seeded_prompts, verify
from kvlab.decoding.generation import Logits, generate_cached, generate_uncached, greedy, recompute
from kvlab.errors import KvlabError
from kvlab.model import EXACT, GPT2, Kernel, Model, load_model
from kvlab.model.demo import demo_model
from kvlab.model.ops import Floats
from kvlab.training import MINIGPT
from kvlab.training.corpus import generate_corpus, sample_prompts
from kvlab.training.tokenizer import Tokenizer
from kvlab.training.trainer import Recipe, token_stream


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


SUBJECTS: Mapping[str, Callable[[], Model]] = {"MiniGPT": minigpt, "demo": demo_model}


def subject(model_name: str) -> Model:
    """Return a model that the project brings, one of each family. Raises `KvlabError` for another name."""
    if model_name not in SUBJECTS:
        raise KvlabError(f"unknown model {model_name!r:.60}; known are {', '.join(SUBJECTS)}")
    return SUBJECTS[model_name]()


def subject_prompts(model_name: str, n_prompts: int) -> list[list[int]]:
    """Return the ids of prompts for it: of the grammar for the MiniGPT, and seeded for the demo, which reads no text.

    Raises:
        KvlabError: there is no such model.
    """
    model = subject(model_name)
    if model_name == "MiniGPT":
        return [minigpt_tokenizer().encode(prompt) for prompt in sample_prompts(n_prompts)]
    return seeded_prompts(model.architecture.vocab_size, n_prompts)


_recomputed: dict[tuple[int, ...], tuple[Logits, DenseCache]] = {}


def recomputed(texts: Sequence[tuple[int, ...]]) -> list[tuple[Logits, DenseCache]]:
    """Return what `recompute` returns of texts of one length, run on the MiniGPT; each text is run once in a process.

    Several experiments compare the same texts with caches. Those that are new run side by side, which changes no byte;
    of the cache there are the slots that are filled.
    """
    new = [text for text in dict.fromkeys(texts) if text not in _recomputed]
    if new:
        a, n_tokens = minigpt().architecture, len(new[0])
        workspace = DenseCache.for_model(a, batch=len(new))
        logits = minigpt().logits(minigpt().forward(np.array(new), workspace)[:, -1])
        for row, text in enumerate(new):
            own = DenseCache(a.n_layers, 1, a.n_kv_heads, n_tokens, a.head_dim)
            own.keys[:, 0], own.values[:, 0] = (
                workspace.keys[:, row, :, :n_tokens],
                workspace.values[:, row, :, :n_tokens],
            )
            own.hold(n_tokens)
            _recomputed[text] = logits[row], own
    return [_recomputed[text] for text in texts]


def _recompute_once(model: Model, ids: Sequence[int], kernel: Kernel) -> tuple[Logits, DenseCache]:
    if model is minigpt() and kernel is EXACT:
        return recomputed([tuple(ids)])[0]
    return recompute(model, ids, kernel)


@cache
def verification(n_prompts: int, n_tokens: int, model_name: str = "MiniGPT") -> Verification:
    """Return the comparison of cached with uncached decoding, greedy. Raises what `verify` and `subject` raise."""
    return verify(subject(model_name), subject_prompts(model_name, n_prompts), n_tokens, recompute=_recompute_once)


def blas_differing_share(n_prompts: int, n_tokens: int, model_name: str = "MiniGPT") -> float:
    """Return the share of logits that differ when the same comparison runs on plain BLAS, rounded to whole percents.

    Rounded because the last bits of a BLAS are its own affair: two processors disagree on them.
    """
    return round(verification(n_prompts, n_tokens, model_name).blas_differing_logits_share, 2)


def continuation(prompt: str, n_tokens: int) -> str:
    """Return the text of the `n_tokens` tokens that the trained MiniGPT chooses greedily after `prompt`."""
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

    Compared are the cache after a run of `n_tokens` steps after `prompt`, and a full recomputation of its text.

    Raises:
        KvlabError: no such position is cached.
    """
    tokenizer, model = minigpt_tokenizer(), minigpt()
    kv_cache = DenseCache.for_model(model.architecture)
    run = generate_cached(model, tokenizer.encode(prompt), n_tokens, cache=kv_cache)
    if not 0 <= position < kv_cache.position:
        raise KvlabError(f"position {position} is not cached; the run holds 0 to {kv_cache.position - 1}")
    _, recomputed = recompute(model, [*run.prompt_ids, *run.ids])
    return sum(
        differing_entries(a[:, :, :, position], b[:, :, :, position])
        for a, b in ((kv_cache.keys, recomputed.keys), (kv_cache.values, recomputed.values))
    )


def slot_written(prompt: str) -> int:
    """Return the slot that the first decode step after `prompt` writes: found among all slots, not derived."""
    model, kv_cache = minigpt(), DenseCache.for_model(minigpt().architecture)
    ids = minigpt_tokenizer().encode(prompt)
    hidden = model.forward(np.array([ids]), kv_cache)
    before = kv_cache.keys.copy()
    model.forward(np.array([[greedy(model.logits(hidden[0, -1]))]]), kv_cache)
    [slot] = np.unique(np.nonzero(kv_cache.keys != before)[3])
    return int(slot)


def kv_entries_changed(text: str, other_text: str, position: int, layer: int) -> int:
    """Return how many entries of K and V at `position` in `layer` differ in their bytes between two texts.

    Raises:
        KvlabError: there is no such layer, or one of the texts has no such position.
    """
    texts = [minigpt_tokenizer().encode(one) for one in (text, other_text)]
    if not (0 <= layer < minigpt().architecture.n_layers and 0 <= position < min(map(len, texts))):
        raise KvlabError(f"no layer {layer} and position {position} in both of {text!r} and {other_text!r}")
    a, b = (recompute(minigpt(), ids)[1] for ids in texts)
    return sum(
        differing_entries(one[layer, :, :, position], other[layer, :, :, position])
        for one, other in ((a.keys, b.keys), (a.values, b.values))
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


@cache
def _held_out() -> Ids:
    """Return the tokens that the MiniGPT was validated on and never trained on: the end of its corpus."""
    recipe = Recipe()
    stream = token_stream(generate_corpus(recipe.n_documents), minigpt_tokenizer())
    return stream[-round(recipe.held_out_share * len(stream)) :]


def held_out_texts(n_texts: int) -> Ids:
    """Return held-out texts, `(n_texts, S_max)`, one after the other: one token each to predict, and the rest to run.

    A text that runs is one token short of the context, so that a bug that counts one too many still has a place for it.

    Raises:
        KvlabError: there are not as many.
    """
    length, tokens = minigpt().architecture.max_context, _held_out()
    most = len(tokens) // length
    if not 1 <= n_texts <= most:
        raise KvlabError(f"{n_texts} texts were asked for; there are {most} of {length} tokens, so choose 1 to {most}")
    return tokens[: n_texts * length].reshape(n_texts, length)


STORED: Mapping[str, type[HalfCache | Int8Cache]] = {"fp16": HalfCache, "int8": Int8Cache}


@cache
def held_out_run(cache_name: str, n_texts: int, prompt: int) -> Run:
    """Return the run of a cache, `"right"` or by the name of `bug_damage`, over held-out texts. Errors as there."""
    kinds: Mapping[str, type[DenseCache | HalfCache | Int8Cache]] = {"right": DenseCache, **BUGS, **STORED}
    if cache_name not in kinds:
        raise KvlabError(f"unknown cache {cache_name!r}; known are {', '.join(kinds)}")
    kv_cache = kinds[cache_name].for_model(minigpt().architecture, batch=n_texts)
    return teacher_forced(minigpt(), kv_cache, held_out_texts(n_texts), prompt)


def bug_prompt(bug: str) -> int:
    """Return the tokens of the prompt that a bug is run after: 16, or four chunks where it is one of chunks."""
    return 4 * CHUNK if BUGS.get(bug) is ChunkUnmasked else CHUNK


def bug_damage(bug: str, n_texts: int) -> Damage:
    """Return what a bug of `kvlab.cache.broken`, or `"fp16"` or `"int8"` as storage, costs on held-out texts.

    Raises:
        KvlabError: there is no such cache, or there are not as many texts; damage takes at least 2.
    """
    prompt = bug_prompt(bug)
    return damage(held_out_run("right", n_texts, prompt), held_out_run(bug, n_texts, prompt), prompt)


@cache
def bug_first_difference(bug: str) -> Difference | None:
    """Return where the bytes of a bug's run first differ from the right cache's, on two held-out texts; None if never.

    Raises:
        KvlabError: there is no such bug.
    """
    if bug not in BUGS:
        raise KvlabError(f"unknown bug {bug!r}; known are {', '.join(BUGS)}")
    a, texts = minigpt().architecture, held_out_texts(2)
    right, wrong = DenseCache.for_model(a, batch=2), BUGS[bug].for_model(a, batch=2)
    return first_difference(minigpt(), right, wrong, texts[:, :-1], bug_prompt(bug))


@dataclass(frozen=True)
class _Recorded(GPT2):
    """A model that notes what each of its forward passes is given."""

    passes: list[tuple[int, int]] = field(default_factory=list)

    def forward(self, ids: np.ndarray, cache: KVCache, kernel: Kernel = EXACT) -> Floats:
        self.passes.append((cache.position, ids.shape[1]))
        return super().forward(ids, cache, kernel)
