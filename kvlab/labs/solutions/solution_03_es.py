"""Práctica 03, resuelta: medir la memoria y los tiempos del MiniGPT frente al contexto y superponer las fórmulas.

`python my_curves.py` escribe las medidas en my_curves.csv y la comparación en my_curves.overlay.csv;
`kvlab lab check 03 my_curves.csv` juzga las medidas.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # un solo hilo, elegido antes de cargar NumPy

import csv
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache, GrowingCache, slots_read
from kvlab.decoding.generation import recompute
from kvlab.model import load_model
from kvlab.training import MINIGPT

CONTEXTS = range(16, 129, 16)  # dos en cada bloque de huecos que lee una consulta
ROUNDS = 400
TOKEN = 7  # cualquiera: un paso cuesta lo mismo con todos
MODEL = load_model(MINIGPT)

Task = Callable[[], object]


def memory_bytes(context: int) -> int:
    """Devuelve los bytes de los arrays que guardan K y V de `context` tokens, y de ningún otro."""
    cache = GrowingCache.for_model(MODEL.architecture)
    MODEL.forward(np.full((1, context), TOKEN), cache)
    return cache.nbytes


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


def rounds(tasks: dict[int, Task], in_a_row: int) -> list[dict[int, float]]:
    """Devuelve los microsegundos de cada tarea en cada ronda; en todas se turnan en un orden sorteado de nuevo."""
    for task in tasks.values():  # una vez cada una, sin contarla: la primera ejecución no es como las demás
        task()
    order, rng = list(tasks), random.Random(3)
    found = []
    for _ in range(ROUNDS):
        rng.shuffle(order)
        found.append({context: microseconds(tasks[context], in_a_row) for context in order})
    return found


def microseconds(task: Task, in_a_row: int) -> float:
    """Devuelve lo que tarda una ejecución de la tarea, la media de unas cuantas seguidas."""
    started = time.perf_counter()
    for _ in range(in_a_row):
        task()
    return (time.perf_counter() - started) / in_a_row * 1e6


def measure() -> list[dict[str, float]]:
    """Devuelve una fila por cada contexto y ronda."""
    # Pasos entre pasos y pasadas entre pasadas: una pasada deja las cachés del procesador a la siguiente como quiere.
    cached = rounds({context: cached_step(context) for context in CONTEXTS}, in_a_row=5)
    uncached = rounds({context: uncached_pass(context) for context in CONTEXTS}, in_a_row=1)
    memory = {context: memory_bytes(context) for context in CONTEXTS}
    return [
        {
            "context_tokens": context,
            "memory_B": memory[context],
            "cached_us": round(steps[context], 2),
            "uncached_us": round(passes[context], 2),
        }
        for steps, passes in zip(cached, uncached, strict=True)
        for context in CONTEXTS
    ]


def summed_up(rounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Devuelve un tiempo por contexto: la mediana de su parte de una ronda, por la ronda mínima.

    Bastaría el mínimo de cada contexto si el procesador fuera siempre igual de rápido. Cuando cambia de ritmo, unos
    contextos han coincidido con un momento rápido y otros no; la parte de una ronda es la misma a cualquier ritmo.
    """
    whole = rounds.sum(axis=1)
    return np.median(rounds / whole[:, None], axis=0) * whole.min()


def terms(run: str, context: int) -> list[float]:
    """Devuelve por qué se multiplica cada constante de la fórmula."""
    capacity = MODEL.architecture.max_context
    if run == "cached":
        return [1, slots_read(context - 1, capacity)]
    return [1, context, sum(slots_read(position, capacity) for position in range(context))]


def overlay(rows: list[dict[str, float]], run: str) -> list[dict[str, object]]:
    """Devuelve el tiempo en cada contexto junto a lo que predice la fórmula, ajustada con la mitad de los contextos."""
    times = summed_up(np.array([row[f"{run}_us"] for row in rows]).reshape(ROUNDS, len(CONTEXTS)))
    design = np.array([terms(run, context) for context in CONTEXTS])
    # Los contextos que leen los mismos huecos son un punto medido dos veces: las mitades se turnan por lo que se lee.
    _, place = np.unique(design, axis=0, return_inverse=True)
    fitted = place.ravel() % 2 == 0
    # Dividido por lo medido, para que el ajuste haga pequeños los errores relativos.
    constants, *_ = np.linalg.lstsq(design[fitted] / times[fitted, None], np.ones(fitted.sum()), rcond=None)
    points = zip(CONTEXTS, times, design @ constants, fitted, strict=True)
    return [
        {
            "run": run,
            "context_tokens": context,
            "measured_us": f"{measured:.2f}",
            "formula_us": f"{predicted:.2f}",
            "error": f"{predicted / measured - 1:+.1%}",
            "fitted": bool(seen),
        }
        for context, measured, predicted, seen in points
    ]


def write(path: Path, rows: list[dict[str, float]] | list[dict[str, object]]) -> None:
    """Escribe las filas como CSV, con sus claves en la cabecera."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    measurements = measure()
    write(Path(__file__).with_suffix(".csv"), measurements)
    laid_over = overlay(measurements, "cached") + overlay(measurements, "uncached")
    write(Path(__file__).with_suffix(".overlay.csv"), laid_over)
