"""What several pages show of a run: the cells of each step, and how work grows with a cache and without."""

from __future__ import annotations

from figures_src.declared.page import Rows
from figures_src.declared.values import call
from figures_src.plots import work
from figures_src.words import Words
from kvlab.experiments import minigpt


def cells(prompt: str, n_tokens: int) -> list[work.Row]:
    """Return one row for each step and position that a run touched, and what happened there, in both ways."""
    text = prompt + call(minigpt.continuation, prompt=prompt, n_tokens=n_tokens).result
    tokens = call(minigpt.token_texts, text=text).result
    rows = []
    for cached in (False, True):
        steps = call(minigpt.positions_computed, prompt=prompt, n_tokens=n_tokens, cached=cached).result
        computed_before: set[int] = set()
        for step, (first, count) in enumerate(steps, 1):
            for position in range(first + count):
                if position < first:
                    what = "read"
                else:
                    what = "recomputed" if position in computed_before else "new"
                rows.append(work.Row("cached" if cached else "uncached", step, position, tokens[position], what))
            computed_before.update(range(first, first + count))
    return rows


def growth(words: Words) -> Rows:
    """Return how scores and projections grow with the length of the text, per token and in all."""
    orders = {"scores": ("n^2", "n", "n^3", "n^2"), "projections": ("n", "1", "n^2", "n")}
    return [[words(f"growth.{quantity}"), *(f"$O({order})$" for order in of)] for quantity, of in orders.items()]
