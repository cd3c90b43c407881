"""`labs/01-implement-cache`: the contract of a cache, one run by hand, and what the checker looks at."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.plots import slots_held
from figures_src.words import Words, numbers
from kvlab import labs
from kvlab.experiments import minigpt
from kvlab.labs import sandbox
from kvlab.labs.lab import excerpt
from kvlab.labs.lab_01 import checker, walkthrough
from kvlab.labs.words import Words as LabWords

page = Page("labs/01-implement-cache")


# The contract, out of the starter itself.


page.file("length", lambda language: excerpt(labs.starter("01", language), "def length", 6))
page.file("update", lambda language: excerpt(labs.starter("01", language), "def update", 21))

# One run by hand.

PROMPT, STEPS = "Yesterday I", 2
page.value("prompt", minigpt.prompt_text, prompt=PROMPT)
page.value("chosen", minigpt.continuation, prompt=PROMPT, n_tokens=1)


def _texts() -> list[str]:
    """Return the new text of each pass."""
    tokens = call(minigpt.token_texts, text=PROMPT + _run().result).result
    return ["".join(tokens[:-STEPS]), *tokens[-STEPS:]]


def _run() -> Value:
    return call(minigpt.continuation, prompt=PROMPT, n_tokens=STEPS)


def _passes() -> list[int]:
    """Return how many tokens each pass brings."""
    tokens = call(minigpt.token_texts, text=PROMPT).result
    return [len(tokens), *[1] * STEPS]


def _walked(nth: int, what: str) -> Value:
    return call(walkthrough.walked, passes=_passes(), nth=nth, what=what)


@page.table
def walk(words: Words) -> Rows:
    """Return each pass of the run: what it brings, where it is written, what comes back, and the length around it."""
    return [
        [
            numbers.show(text, "quoted", words.language),
            Shown(_walked(nth, "before")),
            Shown(_walked(nth, "before")),
            Shown(_walked(nth, "returned")),
            Shown(_walked(nth, "after")),
        ]
        for nth, text in enumerate(_texts())
    ]


page.reuse("held_by_prompt", _walked(0, "after"))
page.same("slot_is_the_length", *(_walked(nth, said) for nth, said in ((0, "after"), (1, "before"))))
page.parameter("n_layers", 2)
page.parameter("zero", 0)
page.parameter("one", 1)

# What a checker sees.

TOKENS = {"prompt": 4, "steps": 3, "capacity": 14}


def slots_held_data() -> list[slots_held.Row]:
    """Return which token each slot of each cache holds."""
    rows = []
    for name in walkthrough.CACHES:
        for slot, token in enumerate(call(walkthrough.slots_after, cache_name=name, **TOKENS).result):
            kind = "empty" if token < 0 else "prompt" if token < TOKENS["prompt"] else "decoded"
            rows.append(slots_held.Row(name, slot, token, kind))
    return rows


def _slot(cache_name: str, slot: int) -> Value:
    """Return which token a slot of a cache holds, or -1."""
    return call(walkthrough.slots_after, cache_name=cache_name, **TOKENS).field(f"[{slot}]")


n_prompt, n_written = TOKENS["prompt"], TOKENS["prompt"] + TOKENS["steps"]
for token in range(n_written):
    page.same("slot_is_the_length", parameter(token), _slot("right", token))
EMPTY = [
    _slot("slot_too_high", n_prompt),
    _slot("length_stuck", n_prompt + 1),
    *(_slot("length_per_layer", slot) for slot in (*range(n_prompt), *range(2 * n_prompt, 2 * n_written, 2))),
]
page.same("strips_are_as_described", parameter(-1), *EMPTY)
page.same(
    "strips_are_as_described",
    parameter(n_prompt),
    _slot("slot_too_high", n_prompt + 1),
    _slot("slot_too_low", n_prompt - 1),
)
page.same(
    "strips_are_as_described",
    parameter(n_written - 1),
    _slot("length_stuck", n_prompt),
    _slot("length_per_layer", 2 * n_written - 1),
)
page.figure("slots_held", slots_held_data, slots_held.draw)
page.parameter("figure_prompt", TOKENS["prompt"])
page.parameter("figure_steps", TOKENS["steps"])


@page.table
def lab_checks(words: Words) -> Rows:
    """Return what the checker looks at, in the words that it uses itself."""
    said = LabWords(words.language)
    return [[f"`{name}`", said(f"lab_01.checks.{name}")] for name in checker.CHECKS]


page.value("n_checks", checker.number_of_checks)
page.value("processor_seconds", sandbox.limit, of="processor_seconds")
page.value("memory_bytes", sandbox.limit, of="memory_bytes")
page.constant("minigpt_prompts", "kvlab.labs.lab_01.adapter.PROMPTS")
page.constant("minigpt_tokens", "kvlab.labs.lab_01.adapter.TOKENS")
