"""Práctica 01, resuelta: una caché KV densa, reservada una sola vez."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class MyCache:
    """Las claves y los valores de los tokens de hasta ahora, por capas."""

    def __init__(
        self,
        n_layers: int,
        batch: int,
        n_kv_heads: int,
        max_context: int,
        head_dim: int,
    ) -> None:
        """Crea una caché vacía para `max_context` tokens por secuencia."""
        shape = (n_layers, batch, n_kv_heads, max_context, head_dim)
        self._keys = np.zeros(shape, np.float32)
        self._values = np.zeros(shape, np.float32)
        self._held = 0

    @property
    def length(self) -> int:
        """Cuántos tokens tiene cada secuencia: la posición del siguiente."""
        return self._held

    def update(self, layer: int, k: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Guarda tokens nuevos de una capa tras los que ya hay; devuelve todos."""
        n_layers, _, _, max_context, _ = self._keys.shape
        start, stop = self._held, self._held + k.shape[2]
        if stop > max_context:
            raise ValueError(f"{stop} tokens no caben en {max_context}")
        self._keys[layer, :, :, start:stop] = k
        self._values[layer, :, :, start:stop] = v
        if layer == n_layers - 1:
            self._held = stop
        keys, values = self._keys[layer], self._values[layer]
        return keys[:, :, :stop], values[:, :, :stop]
