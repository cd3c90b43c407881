"""`labs/02-correctness-test`: the property test, the caches that it must turn down, and why plain products differ."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import call, parameter
from figures_src.pages import break_00_silent_bugs as silent_bugs
from figures_src.words import Words
from kvlab.cache.broken import BUGS
from kvlab.experiments import cache_correctness, minigpt, yesterday_worked
from kvlab.labs.lab_02.broken import BROKEN
from kvlab.labs.lab_02.checker import N_PROMPTS, N_TOKENS
from kvlab.labs.lab_02.weakened import gets_past

page = Page("labs/02-correctness-test", shared_runs=True)

# The property.

page.constant("n_prompts", "kvlab.labs.lab_02.checker.N_PROMPTS")
page.constant("n_tokens", "kvlab.labs.lab_02.checker.N_TOKENS")
page.reuse("half_by_tokens", silent_bugs.page.values["half_by_tokens"])
page.reuse("half_by_bytes", silent_bugs.page.values["half_by_bytes"])
page.claim("tokens_forgive", *(page.values[f"half_by_{what}"] for what in ("tokens", "bytes")))
page.constant("n_broken", "len(kvlab.labs.lab_02.broken.BROKEN)")
page.constant("n_known", "len(kvlab.cache.broken.BUGS)")


@page.table
def subtle(words: Words) -> Rows:
    """Return the broken caches that the break page does not have, and the test that lets each pass."""
    return [[words(f"subtle.{bug}"), words(f"subtle.test_{bug}")] for bug in BROKEN if bug not in BUGS]


SLIPS_THROUGH = {
    "last_bit": ("tolerance", "tokens"),
    "late_bit": ("few_steps",),
    "last_layer_unread": ("no_logits",),
    "last_row_of_another": ("first_row",),
    "long_prompts_overwritten": ("few_prompts",),
}
for bug, tests in SLIPS_THROUGH.items():
    for weakness in tests:
        past = call(gets_past, weakness=weakness).field(f"split().count({bug!r})")
        page.same("each_slips_through_its_test", parameter(1), past)

# One run, slot by slot.

PROMPT, STEPS = "Yesterday I", 2
page.parameter("n_steps", STEPS)
page.value("prompt", minigpt.prompt_text, prompt=PROMPT)
page.value("worked", minigpt.continuation, prompt=PROMPT, n_tokens=1)


@page.table
def slots(words: Words) -> Rows:
    """Return for each slot, layer, K and V the first bytes, cached and recomputed, and how many entries differ."""
    held = PROMPT + call(minigpt.continuation, prompt=PROMPT, n_tokens=STEPS - 1).result
    rows: list[list[str | Shown]] = []
    for position in range(len(call(minigpt.token_texts, text=held).result)):
        token = call(minigpt.token_text, text=held, position=position)
        for layer in (0, 1):
            for tensor in ("K", "V"):
                of = {"prompt": PROMPT, "n_tokens": STEPS, "position": position, "layer": layer, "tensor": tensor}
                cached, again = (
                    call(yesterday_worked.slot_first_bytes, **of, cached=cached) for cached in (True, False)
                )
                rows.append(
                    [
                        Shown(parameter(position)),
                        Shown(token, "quoted"),
                        words(f"slots_dump.layer_{layer}").format(tensor=tensor),
                        Shown(cached),
                        Shown(again),
                        Shown(call(yesterday_worked.slot_entries_differing, **of)),
                    ]
                )
    return rows


page.value("entries", yesterday_worked.slot_entries, prompt=PROMPT, n_tokens=STEPS, position=0, layer=0, tensor="K")

# Plain products.

RUN = {"n_prompts": N_PROMPTS, "n_tokens": N_TOKENS}
for result in ("steps", "differing_logits", "differing_kv"):
    page.reuse(result, call(minigpt.verification, **RUN).field(f"exact.{result}"))
page.same("no_byte_differs", parameter(0), *(page.values[f"differing_{what}"] for what in ("logits", "kv")))
blas_share = page.value("blas_share", minigpt.blas_differing_share, **RUN)
page.value("blas_tokens", cache_correctness.blas_differing_tokens, **RUN, model_name="MiniGPT")
page.claim("plain_products_differ", parameter(0), blas_share)
