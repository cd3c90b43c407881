"""Práctica 01: una caché KV. Rellena la clase; hasta entonces fallan las pruebas de abajo.

Se ejecutan con:   python ESTE_ARCHIVO
Se comprueba con:  kvlab lab check 01 ESTE_ARCHIVO

Los ejes, en el orden en que los tienen aquí todos los arrays:

    batch        las secuencias de un lote; ninguna puede ver las entradas de otra
    n_kv_heads   las cabezas de clave y valor de una capa
    n_tokens     los tokens, el más antiguo primero
    head_dim     los elementos de una clave o de un valor
"""

import unittest

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class MyCache:
    """Las claves y los valores de los tokens de hasta ahora, en todas las capas.

    Empieza vacía. El modelo hace *pasadas*. Una pasada trae el mismo número de tokens
    nuevos a cada secuencia: muchos en el prefill, uno en la decodificación. Primero
    pregunta `length` y luego llama a `update` una vez por capa, de la 0 a la última.
    """

    def __init__(
        self,
        n_layers: int,
        batch: int,
        n_kv_heads: int,
        max_context: int,
        head_dim: int,
    ) -> None:
        """Crea una caché vacía donde caben `max_context` tokens de cada secuencia.

        Los elementos son float32.
        """
        raise NotImplementedError

    @property
    def length(self) -> int:
        """Cuántos tokens tiene cada secuencia: la posición del siguiente.

        Una pasada cuenta una vez, cuando se actualiza su última capa,
        haya las capas que haya.
        """
        raise NotImplementedError

    def update(self, layer: int, k: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Guarda tokens nuevos de una capa tras los que ya hay; devuelve todos.

        Args:
            layer: qué capa, desde la 0.
            k: las claves de los tokens nuevos, `(batch, n_kv_heads, n_tokens, head_dim)`.
            v: sus valores, igual.

        Returns:
            Las claves y los valores de todos los tokens hasta ahora, los
            nuevos incluidos y nada más, el más antiguo primero; con la
            longitud de antes de esta pasada, cada uno es
            `(batch, n_kv_heads, length + n_tokens, head_dim)`.
            En float32, y bit a bit lo que se dio. Después, quien llama
            puede usar `k` y `v` para otra cosa; lo devuelto antes no
            cambia.

        Raises:
            ValueError: los tokens nuevos no caben en `max_context`.
                Entonces no se guarda nada de ellos.
        """
        raise NotImplementedError


class TheCache(unittest.TestCase):
    """Parte de lo que se comprueba. Escribe más: cada error que temas es una prueba."""

    def test_a_prompt_comes_back_as_it_went_in(self) -> None:
        cache = MyCache(n_layers=2, batch=2, n_kv_heads=3, max_context=11, head_dim=5)
        for layer in range(2):
            k, v = entries(n_tokens=4, seed=layer)
            keys, values = cache.update(layer, k, v)
            self.assertEqual(keys.dtype, np.float32)
            np.testing.assert_array_equal(keys, k)
            np.testing.assert_array_equal(values, v)

    def test_a_new_token_comes_behind_the_prompt(self) -> None:
        cache = MyCache(n_layers=2, batch=2, n_kv_heads=3, max_context=11, head_dim=5)
        for layer in range(2):
            cache.update(layer, *entries(n_tokens=4, seed=layer))
        for layer in range(2):
            new_k, new_v = entries(n_tokens=1, seed=10 + layer)
            keys, values = cache.update(layer, new_k, new_v)
            old_k, old_v = entries(n_tokens=4, seed=layer)
            np.testing.assert_array_equal(keys, np.concatenate([old_k, new_k], axis=2))
            np.testing.assert_array_equal(values, np.concatenate([old_v, new_v], axis=2))

    def test_the_length_is_that_of_the_tokens_held(self) -> None:
        cache = MyCache(n_layers=2, batch=2, n_kv_heads=3, max_context=11, head_dim=5)
        self.assertEqual(cache.length, 0)
        for n_tokens, held in ((4, 4), (1, 5), (3, 8)):
            for layer in range(2):
                cache.update(layer, *entries(n_tokens, seed=layer))
            self.assertEqual(cache.length, held)

    def test_a_token_too_many_is_refused(self) -> None:
        cache = MyCache(n_layers=1, batch=2, n_kv_heads=3, max_context=4, head_dim=5)
        cache.update(0, *entries(n_tokens=4, seed=0))
        with self.assertRaises(ValueError):
            cache.update(0, *entries(n_tokens=1, seed=1))


def entries(n_tokens: int, seed: int) -> tuple[Floats, Floats]:
    """Devuelve claves y valores de dos secuencias y tres cabezas, sacados de una semilla."""
    rng = np.random.default_rng(seed)
    k, v = rng.standard_normal((2, 2, 3, n_tokens, 5), np.float32)
    return k, v


if __name__ == "__main__":
    unittest.main()
