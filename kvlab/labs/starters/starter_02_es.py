"""Práctica 02: la prueba de que una caché no cambia nada. Completa la función; tal como está, no mira ninguna caché.

Ejecútala con:         python ESTE_ARCHIVO
Haz que la juzgue:     kvlab lab check 02 ESTE_ARCHIVO

La propiedad: la decodificación voraz con caché da, en cada paso, los mismos bytes que da sin ella.

    logits   del token más nuevo
    K, V     de todos los tokens guardados, en todas las capas y cabezas

    50 prompts, 64 tokens tras cada uno, con una secuencia o con varias a la vez
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache
from kvlab.decoding.generation import recompute
from kvlab.experiments.minigpt import minigpt, minigpt_tokenizer
from kvlab.training.corpus import sample_prompts

Floats = NDArray[np.float32]

MODEL = minigpt()
PROMPTS = [minigpt_tokenizer().encode(prompt) for prompt in sample_prompts(50)]
N_TOKENS = 64

# make_cache(MODEL.architecture, batch=3) da una caché vacía para tres secuencias.
MakeCache = Callable[..., DenseCache]


def test_with_equals_without(make_cache: MakeCache = DenseCache.for_model) -> None:
    """Lanza AssertionError si las cachés que crea `make_cache` cambian algo.

    Lo que necesitas, además de las dos funciones de abajo:

        hidden = MODEL.forward(ids, cache)        ids (batch, T), solo los tokens nuevos; después la caché los guarda
        logits = MODEL.logits(hidden[:, -1])      (batch, V), del token que sigue a cada secuencia
        cache.keys, cache.values                  (n_layers, batch, n_kv_heads, capacity, head_dim)

    Todas las secuencias de una caché tienen la misma longitud, prompt incluido.
    """


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
