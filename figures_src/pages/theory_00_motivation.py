"""`theory/00-motivation`: one sentence step by step, what each pass computes, and what was there already."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.shared import runs
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.plots import work
from figures_src.words import Words, numbers
from kvlab.accounting import memory, pairs
from kvlab.experiments import minigpt, redundancy

page = Page("theory/00-motivation")

# The run.

PROMPT, STEPS = "Yesterday I", 4
RUN = {"prompt": PROMPT, "n_tokens": STEPS}
page.value("prompt", minigpt.prompt_text, prompt=PROMPT)
chosen = page.value("chosen", minigpt.continuation, prompt=PROMPT, n_tokens=1)
WORKED = "Yesterday I worked"
page.value("worked", minigpt.prompt_text, prompt=WORKED)
page.same("continuation_as_shown", chosen, call(minigpt.token_text, text=WORKED, position=2))
page.value("subject", minigpt.token_text, text=PROMPT, position=1)
page.value("adverb", minigpt.token_text, text=PROMPT, position=0)
prompt_tokens = page.value("prompt_tokens", redundancy.tokens_of_step, **RUN, cached=True, step=0)
page.parameter("zero", 0)
page.parameter("one", 1)
page.parameter("n_steps", STEPS)
n_layers = page.reuse("n_layers", shapes("MiniGPT", "n_layers")["n_layers"])
page.reuse("n_heads", shapes("MiniGPT", "n_heads")["n_heads"])
page.reuse("head_dim", shapes("MiniGPT", "head_dim")["head_dim"])
page.reuse("d_model", shapes("MiniGPT", "d_model")["d_model"])


def _tokens() -> list[str]:
    """Return the tokens of the whole text, each as text."""
    return call(minigpt.token_texts, text=PROMPT + call(minigpt.continuation, **RUN).result).result


def _computed(cached: bool, step: int) -> Value:
    return call(redundancy.tokens_of_step, **RUN, cached=cached, step=step)


last_reach = page.reuse("last_reach", _computed(cached=False, step=STEPS - 1))
page.value("last_pairs", pairs.causal_pairs, n_tokens=last_reach)


@page.table
def steps(words: Words) -> Rows:
    """Return each step of the run: what is new to it, what it computes and reads, and the token that it chooses."""
    tokens = _tokens()
    rows: list[list[str | Shown]] = []
    for step in range(STEPS):
        reached, held = len(tokens) - STEPS + step, call(redundancy.tokens_held, **RUN, step=step)
        rows.append(
            [
                Shown(parameter(step + 1)),
                numbers.show("".join(tokens[held.result : reached]), "quoted", words.language),
                Shown(_computed(False, step)),
                Shown(_computed(True, step)),
                Shown(held),
                Shown(call(minigpt.token_text, text="".join(tokens), position=reached), "quoted"),
            ]
        )
    return rows


def work_data() -> list[work.Row]:
    """Return what each step did at each position."""
    return runs.cells(PROMPT, STEPS)


page.figure("work", work_data, work.draw)
for cached, summed in ((False, pairs.tokens_uncached), (True, pairs.tokens_cached)):
    name = "projected_cached" if cached else "projected_uncached"
    ran = page.value(name, minigpt.tokens_computed, **RUN, cached=cached)
    page.same("passes_as_drawn", ran, call(summed, prompt=prompt_tokens, new_tokens=STEPS))

# What was there already.

LAYER, HEAD, ELEMENTS = 1, 0, 3
TEXTS = (PROMPT, WORKED, "Yesterday I worked in")
page.parameter("n_passes", len(TEXTS))


def _key_element(text: str, element: int) -> Value:
    return call(redundancy.key_element, text=text, position=1, layer=LAYER, head=HEAD, element=element)


@page.table
def keys(words: Words) -> Rows:
    """Return the first elements of one key, as passes over longer and longer texts compute it again."""
    rows: list[list[str | Shown]] = []
    for text in TEXTS:
        shown = (Shown(_key_element(text, element), "fixed4") for element in range(ELEMENTS))
        rows.append([numbers.show(text, "quoted", words.language), *shown])
    return rows


for element in range(ELEMENTS):
    page.same("same_key", *(_key_element(text, element) for text in TEXTS))
slot_differing = page.value("slot_differing", minigpt.slot_differing_entries, prompt=PROMPT, position=1, n_tokens=STEPS)
page.same("same_slot", page.values["zero"], slot_differing)
page.value("slot_entries", memory.kv_elements_per_token, **kv_shapes("MiniGPT"))

# Why it may be kept.

LATER, EARLIER = (WORKED, "Yesterday I was"), (PROMPT, "Tomorrow I")


def _changed(text: str, other: str, layer: int) -> Value:
    return call(minigpt.kv_entries_changed, text=text, other_text=other, position=1, layer=layer)


@page.table
def changes(words: Words) -> Rows:
    """Return how many entries of one slot change, layer by layer, with a later and with an earlier token."""
    rows: list[list[str | Shown]] = []
    for name, (text, other) in (("later", LATER), ("earlier", EARLIER)):
        texts = {"text": text, "other": other}
        shown = {role: numbers.show(written, "quoted", words.language) for role, written in texts.items()}
        found = (Shown(_changed(text, other, layer)) for layer in (0, 1))
        rows.append([words(f"changes.{name}").format(**shown), *found])
    return rows


page.value("layer_entries", memory.kv_elements_per_token, **{**kv_shapes("MiniGPT"), "n_layers": 1})
nothing = page.values["zero"]
for layer in range(n_layers.result):
    later, earlier = (_changed(text, other, layer) for text, other in (LATER, EARLIER))
    page.same("later_token_changes_nothing", nothing, later)
    if layer == 0:
        page.same("earlier_token_changes_upper_layers", nothing, earlier)
    else:
        page.claim("earlier_token_changes_upper_layers", nothing, earlier)

# What it saves, in short.

page.table(runs.growth)
