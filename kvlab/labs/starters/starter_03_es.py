"""Práctica 03: medir la memoria y los tiempos del MiniGPT frente al contexto.

`python my_curves.py` escribe las medidas en my_curves.csv; `kvlab lab check 03 my_curves.csv` las juzga.

Funciona tal como está, y lo que escribe no pasa: cada TODO es una decisión que hay que tomar. Antes de ejecutarlo por
primera vez, escribe lo que esperas: los bytes en cada contexto, cuánto crece un paso con caché del primer contexto al
último, y cuánto un paso sin ella.
"""

# TODO 1: los hilos. Una biblioteca que reparte un producto entre hilos tarda otro tiempo en cuanto corre otro programa.
# Cuántos puede usar lo lee del entorno, y una sola vez: cuando se carga NumPy.

import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kvlab.cache import DenseCache
from kvlab.decoding.generation import recompute
from kvlab.model import load_model
from kvlab.training import MINIGPT

CONTEXTS = [32, 64, 128]  # TODO 2: ¿cuántos y cuáles? La mitad juzgará una fórmula ajustada con la otra.
TOKEN = 7  # cualquiera: un paso cuesta lo mismo con todos
MODEL = load_model(MINIGPT)

Task = Callable[[], object]


def memory_bytes(context: int) -> int:
    """Devuelve los bytes de los arrays que guardan K y V de `context` tokens, y de ningún otro."""
    cache = DenseCache.for_model(MODEL.architecture)
    MODEL.forward(np.full((1, context), TOKEN), cache)
    return cache.nbytes  # TODO 3: ¿es esto lo que dice arriba?


def cached_step(context: int) -> Task:
    """Devuelve un paso de decodificación cuyo token es el último de `context`, listo para repetirse."""
    cache = DenseCache.for_model(MODEL.architecture)
    MODEL.forward(np.full((1, context - 1), TOKEN), cache)

    def step() -> None:
        cache.hold(context - 1)  # olvida el paso anterior
        MODEL.logits(MODEL.forward(np.array([[TOKEN]]), cache)[0, -1])

    return step


def uncached_pass(context: int) -> Task:
    """Devuelve un paso sin caché: una pasada sobre los `context` tokens."""
    return lambda: recompute(MODEL, [TOKEN] * context)


def measure() -> list[dict[str, float]]:
    """Devuelve una fila por medida; las filas de un mismo contexto son rondas, en el orden en que se midieron."""
    rows = []
    # TODO 4: una ejecución dice poco, y la primera no es como las demás. ¿Cuántas rondas?
    # TODO 5: este orden es siempre el mismo. ¿Qué le pasa a la curva si la máquina se frena a la mitad?
    for context in CONTEXTS:
        rows.append(
            {
                "context_tokens": context,
                "memory_B": memory_bytes(context),
                "cached_us": seconds(cached_step(context)) * 1e6,
                "uncached_us": seconds(uncached_pass(context)) * 1e6,
            }
        )
    return rows


def seconds(task: Task) -> float:
    """Devuelve lo que tarda una ejecución de la tarea."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


# TODO 6: la comparación. Para cada contexto, el tiempo mínimo medido y lo que predice la fórmula; las constantes,
# ajustadas con la mitad de los contextos, y los errores, leídos en la otra mitad.


def write(path: Path, rows: list[dict[str, float]]) -> None:
    """Escribe las filas como CSV, con sus claves en la cabecera."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    write(Path(__file__).with_suffix(".csv"), measure())
