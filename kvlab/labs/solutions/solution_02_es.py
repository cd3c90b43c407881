"""Práctica 02, resuelta: con caché y sin ella, los mismos bytes en cada paso."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache
from kvlab.decoding.generation import recompute
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer
from kvlab.training.corpus import sample_prompts

Floats = NDArray[np.float32]
Ids = NDArray[np.integer]

MODEL = minigpt()
PROMPTS = [minigpt_tokenizer().encode(prompt) for prompt in sample_prompts(50)]
N_TOKENS = 64

MakeCache = Callable[..., DenseCache]


def test_with_equals_without(make_cache: MakeCache = DenseCache.for_model) -> None:
    """Lanza AssertionError si las cachés que crea `make_cache` cambian algo."""
    for texts in batches():
        cache = make_cache(MODEL.architecture, batch=len(texts))
        new = texts
        for _ in range(N_TOKENS):
            logits = MODEL.logits(MODEL.forward(new, cache)[:, -1])
            for row, text in enumerate(texts):
                compare(logits[row], cache, row, text)
            new = logits.argmax(axis=-1)[:, None]
            texts = np.concatenate([texts, new], axis=1)


def batches() -> list[Ids]:
    """Devuelve los prompts en lotes, cada uno de una sola longitud, `(batch, P)`."""
    lengths = sorted({len(prompt) for prompt in PROMPTS})
    return [np.array([prompt for prompt in PROMPTS if len(prompt) == length]) for length in lengths]


def compare(logits: Floats, cache: DenseCache, row: int, text: Ids) -> None:
    """Lanza AssertionError si una secuencia del lote no es lo que su texto da sin caché."""
    expected, keys, values = without_cache(text.tolist())
    n = len(text)
    found = {
        "logits": differing(logits, expected),
        "K": differing(cache.keys[:, row, :, :n], keys),
        "V": differing(cache.values[:, row, :, :n], values),
    }
    assert not any(found.values()), f"{n} tokens, fila {row}: elementos que difieren: {found}"


def without_cache(ids: list[int]) -> tuple[Floats, Floats, Floats]:
    """Devuelve lo que dan los tokens `ids` de una secuencia si se calculan todos desde cero.

    Returns:
        Los logits del token que les sigue, `(V,)`, y sus K y V, cada una `(n_layers, n_kv_heads, T, head_dim)`.
    """
    logits, workspace = recompute(MODEL, ids)
    n = len(ids)
    return logits, workspace.keys[:, 0, :, :n], workspace.values[:, 0, :, :n]


def differing(a: Floats, b: Floats) -> int:
    """Devuelve cuántos elementos de dos arrays de la misma forma difieren en sus bytes."""
    return int(np.count_nonzero(np.ascontiguousarray(a).view(np.uint32) != np.ascontiguousarray(b).view(np.uint32)))


if __name__ == "__main__":
    test_with_equals_without()
