"""`experiments/yesterday-worked`: what one run leaves in the cache, slot by slot, and what its last step reads."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.plots import attention_row, held_slots
from figures_src.words import Words, numbers
from kvlab import units
from kvlab.accounting import memory
from kvlab.experiments import minigpt, yesterday_worked

page = Page("experiments/yesterday-worked")

PROMPT, N_TOKENS, POSITION = yesterday_worked.PROMPT, yesterday_worked.N_TOKENS, yesterday_worked.POSITION
RUN = {"prompt": PROMPT, "n_tokens": N_TOKENS}
LAYERS = range(shapes("MiniGPT", "n_layers")["n_layers"].result)
HEADS = range(shapes("MiniGPT", "n_heads")["n_heads"].result)
TOKENS: Value = call(yesterday_worked.held_tokens, **RUN)

page.value("prompt", minigpt.prompt_text, prompt=PROMPT)
page.value("continuation", minigpt.continuation, **RUN)
WORKED = "Yesterday I worked"
page.value("worked", minigpt.prompt_text, prompt=WORKED)
page.value("subject", minigpt.token_text, text=PROMPT, position=POSITION)
page.constant("n_tokens", "kvlab.experiments.yesterday_worked.N_TOKENS")
page.constant("position", "kvlab.experiments.yesterday_worked.POSITION")
page.value("chosen_last", yesterday_worked.chosen_last, **RUN)
page.value("n_held", yesterday_worked.n_held, **RUN)
page.reuse("n_layers", shapes("MiniGPT", "n_layers")["n_layers"])
page.reuse("n_heads", shapes("MiniGPT", "n_heads")["n_heads"])
page.reuse("head_dim", shapes("MiniGPT", "head_dim")["head_dim"])

# Which pass wrote which slot.


@page.table
def written(words: Words) -> Rows:
    """Return each slot of the run: its token, and the pass that wrote it."""
    passes = call(minigpt.positions_computed, **RUN, cached=True).result
    rows: list[list[str | Shown]] = []
    for step, (first, count) in enumerate(passes):
        name = words("written.prefill") if step == 0 else words("written.decode").format(step=step)
        for slot in range(first, first + count):
            token = numbers.show(TOKENS.result[slot], "quoted", words.language)
            rows.append([Shown(parameter(slot)), token, name])
    return rows


# What they hold.


def held_slots_data() -> list[held_slots.Row]:
    """Return every entry of K and V that the run left, rounded, with the largest magnitude of its tensor."""
    rows = []
    for tensor in yesterday_worked.TENSORS:
        held = [call(yesterday_worked.held_entries, **RUN, tensor=tensor, layer=layer).result for layer in LAYERS]
        most = call(yesterday_worked.largest_entry, **RUN, tensor=tensor).result
        rows += [
            held_slots.Row(tensor, layer, head, slot, TOKENS.result[slot], slot == POSITION, element, entry, most)
            for layer, heads in enumerate(held)
            for head, slots in enumerate(heads)
            for slot, entries in enumerate(slots)
            for element, entry in enumerate(entries)
        ]
    return rows


page.figure("held_slots", held_slots_data, held_slots.draw)

ONE_SIGN = {
    tensor: [call(yesterday_worked.entries_of_one_sign, **RUN, tensor=tensor, layer=layer) for layer in LAYERS]
    for tensor in yesterday_worked.TENSORS
}


@page.table
def one_sign(words: Words) -> Rows:
    """Return how many elements of K and of V keep their sign in all slots, layer by layer."""
    return [
        [str(layer), *(Shown(counts[layer]) for counts in ONE_SIGN.values()), Shown(head_elements)] for layer in LAYERS
    ]


head_elements = call(
    memory.k_width, n_kv_heads=kv_shapes("MiniGPT")["n_kv_heads"], head_dim=kv_shapes("MiniGPT")["head_dim"]
)
for keys, values in zip(ONE_SIGN["K"], ONE_SIGN["V"], strict=True):
    page.claim("k_keeps_its_sign_more", values, keys)
half = call(units.ratio, numerator=head_elements, denominator=2)
page.claim("upper_k_mostly_keeps_sign", ONE_SIGN["K"][0], half, ONE_SIGN["K"][-1])
page.parameter("upper", LAYERS[-1])
one_layer = {**kv_shapes("MiniGPT"), "n_layers": 1}
layer_entries = page.value("layer_entries", memory.kv_elements_per_token, **one_layer)

# The slot that is marked.


@page.table
def compared_slot(words: Words) -> Rows:
    """Return the marked slot in each layer: its first entries, as cached and as recomputed, and the bytes."""
    rows: list[list[str | Shown]] = []
    for layer in LAYERS:
        for tensor in yesterday_worked.TENSORS:
            of = {**RUN, "position": POSITION, "tensor": tensor, "layer": layer}
            first = [
                Shown(call(yesterday_worked.slot_element, **of, head=0, element=0, cached=cached), "fixed2")
                for cached in (True, False)
            ]
            rows.append(
                [
                    words("compared_slot.place").format(tensor=tensor, layer=layer),
                    *first,
                    Shown(call(yesterday_worked.slot_bytes, **of)),
                    Shown(call(yesterday_worked.slot_bytes_differing, **of)),
                ]
            )
    return rows


page.value("all_bytes", yesterday_worked.all_bytes, **RUN)
all_differing = page.value("all_differing", yesterday_worked.all_bytes_differing, **RUN)
attention_differing = page.value("attention_differing", yesterday_worked.attention_bytes_differing, **RUN)
page.value("attention_bytes", yesterday_worked.attention_bytes, **RUN)
page.same("no_byte_differs", parameter(0), all_differing, attention_differing)

# That the comparison can fail.

OTHER = "Tomorrow I worked"
page.value("other", minigpt.prompt_text, prompt=OTHER)
CHANGED = [
    call(minigpt.kv_entries_changed, text=WORKED, other_text=OTHER, position=POSITION, layer=layer) for layer in LAYERS
]
page.reuse("changed_first", CHANGED[0])
page.reuse("changed_last", CHANGED[-1])
page.same("first_layer_is_unchanged", parameter(0), CHANGED[0])
for changed in CHANGED[1:]:
    page.claim("upper_layers_change", parameter(0), changed)

# The attention of the last step.


def attention_row_data() -> list[attention_row.Row]:
    """Return the weights of the last step's query over the slots, by layer and head."""
    return [
        attention_row.Row(layer, head, slot, TOKENS.result[slot], weight)
        for layer in LAYERS
        for head in HEADS
        for slot, weight in enumerate(call(yesterday_worked.attention_row, **RUN, layer=layer, head=head).result)
    ]


page.figure("attention_row", attention_row_data, attention_row.draw)
for which in ("least", "most"):
    page.value(f"subject_{which}", yesterday_worked.attention_to_slot, **RUN, slot=POSITION, which=which)
page.claim("heads_spread_differently", *(page.values[f"subject_{which}"] for which in ("least", "most")))
page.value("adverb", minigpt.token_text, text=PROMPT, position=0)
page.value("adverb_most", yesterday_worked.attention_to_slot, **RUN, slot=0, which="most")
page.value("last_token", yesterday_worked.last_held, **RUN)
