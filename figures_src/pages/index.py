"""`index`: what the reader will be able to do, and what has been shown already."""

from __future__ import annotations

from figures_src.declared.page import Page
from figures_src.declared.values import call, parameter
from figures_src.pages.shared import runs
from figures_src.pages.shared.measurements import held_out_error
from figures_src.pages.shared.shapes import kv_shapes
from figures_src.pages.theory_05_worked_example import FP16
from figures_src.pages.theory_05_worked_example import page as worked_example
from figures_src.plots import work
from kvlab.accounting import memory, pairs
from kvlab.benchmark.fit import PROMISE
from kvlab.experiments import minigpt, redundancy

page = Page("index", shared_runs=True)

# The run of the headline picture.

PROMPT, SHOWN_TOKENS = "Yesterday I", 6
prompt = page.value("prompt", minigpt.prompt_text, prompt=PROMPT)
page.value("continuation", minigpt.continuation, prompt=PROMPT, n_tokens=1)
page.parameter("shown_tokens", SHOWN_TOKENS)
PASSES = {
    "prompt": call(redundancy.tokens_of_step, prompt=PROMPT, n_tokens=SHOWN_TOKENS, cached=True, step=0),
    "new_tokens": parameter(SHOWN_TOKENS),
}
for cached, summed in ((False, pairs.tokens_uncached), (True, pairs.tokens_cached)):
    name = "projected_cached" if cached else "projected_uncached"
    ran = page.value(name, minigpt.tokens_computed, prompt=PROMPT, n_tokens=SHOWN_TOKENS, cached=cached)
    page.same("passes_as_drawn", ran, call(summed, **PASSES))


def work_data() -> list[work.Row]:
    """Return what the run of the headline picture did at each step and position."""
    return runs.cells(PROMPT, SHOWN_TOKENS)


page.figure("work", work_data, work.draw)

# When it counts as done.

N_PROMPTS, N_TOKENS = 50, 64
RUN = {"n_prompts": N_PROMPTS, "n_tokens": N_TOKENS}
page.parameter("n_prompts", N_PROMPTS)
page.parameter("n_tokens", N_TOKENS)
for name in ("steps", "compared_logits", "differing_logits", "compared_kv", "differing_kv"):
    page.reuse(name, call(minigpt.verification, **RUN).field(f"exact.{name}"))
blas_share = page.value("blas_share", minigpt.blas_differing_share, **RUN)
nothing = parameter(0)
for kind in ("logits", "kv"):
    page.claim("same_bytes", nothing, page.values[f"compared_{kind}"])
    page.same("same_bytes", nothing, page.values[f"differing_{kind}"])
page.same("same_bytes", nothing, call(minigpt.verification, **RUN).field("exact.differing_tokens"))
page.claim("test_can_fail", nothing, blas_share)
page.value("subject", minigpt.token_text, text=PROMPT, position=1)
slot_differing = page.value(
    "slot_differing", minigpt.slot_differing_entries, prompt=PROMPT, position=1, n_tokens=SHOWN_TOKENS
)
page.same("same_slot", nothing, slot_differing)

for name in ("memory", "cached", "uncached"):
    page.reuse(f"{name}_error", held_out_error(name, at_most=PROMISE))
page.constant("promise", "kvlab.benchmark.fit.PROMISE")

page.value("slot_entries", memory.kv_elements_per_token, **kv_shapes("MiniGPT"))

page.formula("size", memory.kv_cache_bytes)
page.constant("lab_models", "len(kvlab.catalog.mistakes.LAB_MODELS)")
for name, model in (("llama_token", "Llama-2-7B"), ("gpt3_token", "GPT-3 175B")):
    page.value(name, memory.kv_bytes_per_token, **kv_shapes(model), bytes_per_element=FP16)
page.reuse("fp16_bytes", worked_example.values["fp16_bytes"])
