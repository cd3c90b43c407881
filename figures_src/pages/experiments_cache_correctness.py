"""`experiments/cache-correctness`: both families with the cache and without, in bytes; and a hash of the tokens."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.words import Words
from kvlab import units
from kvlab.experiments import cache_correctness, minigpt

page = Page("experiments/cache-correctness", shared_runs=True)

RUN = {"n_prompts": cache_correctness.N_PROMPTS, "n_tokens": cache_correctness.N_TOKENS}
MODELS = ("MiniGPT", "demo")
page.constant("n_prompts", "kvlab.experiments.cache_correctness.N_PROMPTS")
page.constant("n_tokens", "kvlab.experiments.cache_correctness.N_TOKENS")
nothing = parameter(0)


def _count(model: str, result: str) -> Value:
    return call(minigpt.verification, **RUN, model_name=model).field(f"exact.{result}")


# What ran.

for model, name in (("MiniGPT", "mini"), ("demo", "demo")):
    for field in ("n_heads", "n_kv_heads"):
        page.reuse(f"{name}_{field}", call(minigpt.subject, model_name=model).field(f"architecture.{field}"))

page.claim("demo_shares_heads", page.values["demo_n_kv_heads"], page.values["demo_n_heads"])

# What was compared, and what differs.

COMPARED = ("steps", "compared_logits", "differing_logits", "compared_kv", "differing_kv", "differing_tokens")


@page.table
def compared(words: Words) -> Rows:
    """Return what was compared in each model, and how much of it differs."""
    rows: list[list[str | Shown]] = [
        [words(f"compared.{result}"), *(Shown(_count(model, result)) for model in MODELS)] for result in COMPARED
    ]
    sizes = [Shown(call(cache_correctness.compared_bytes, **RUN, model_name=model), "both") for model in MODELS]
    rows.insert(1, [words("compared.bytes"), *sizes])
    return rows


for model in MODELS:
    differing = [_count(model, result) for result in COMPARED if result.startswith("differing")]
    page.same("no_byte_differs", nothing, *differing)
    for result in ("compared_logits", "compared_kv"):
        page.claim("something_is_compared", nothing, _count(model, result))
steps = page.reuse("steps", _count("MiniGPT", "steps"))
page.same("both_take_the_same_steps", steps, _count("demo", "steps"))
for model in MODELS:
    page.reuse(f"{model.lower()}_bytes", call(cache_correctness.compared_bytes, **RUN, model_name=model))

# The same on plain BLAS.


@page.table
def contrast(words: Words) -> Rows:
    """Return what the same comparison finds on plain matrix products."""
    return [
        [
            words(f"compared.{model}"),
            Shown(call(minigpt.blas_differing_share, **RUN, model_name=model), "percent"),
            Shown(call(cache_correctness.blas_differing_tokens, **RUN, model_name=model)),
        ]
        for model in MODELS
    ]


for model in MODELS:
    share = call(minigpt.blas_differing_share, **RUN, model_name=model)
    page.claim("plain_products_differ", nothing, share)
    turned = call(cache_correctness.blas_differing_tokens, **RUN, model_name=model)
    page.claim(
        "plain_products_turn_hardly_a_choice", call(units.ratio, numerator=turned, denominator=steps), parameter(0.01)
    )

# The tokens, as a hash.


@page.table
def hashes(words: Words) -> Rows:
    """Return the hash of each model's tokens."""
    return [
        [
            words(f"compared.{model}"),
            Shown(call(cache_correctness.ids_sha256, **RUN, model_name=model), "groups"),
        ]
        for model in MODELS
    ]


page.value("close", cache_correctness.close)
for model in MODELS:
    page.reuse(f"{model.lower()}_close", call(cache_correctness.close_choices, **RUN, model_name=model))
    distance = call(cache_correctness.blas_largest_distance, **RUN, model_name=model)
    page.claim("plain_products_move_little", distance, call(cache_correctness.harmless))
