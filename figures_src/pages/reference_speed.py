"""Results of the page `reference/speed`: kvlab against its roofline, its peers and its own formulas."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import call, constant, parameter
from figures_src.pages.shared.measurements import SAVED, curves_data, held_out_error, measured
from figures_src.plots import curves
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import memory, parameters, traffic
from kvlab.benchmark import record
from kvlab.experiments import kv_cost

page = Page("reference/speed")

# The machine.


@page.table
def machine(words: Words) -> Rows:
    """Return where and when the measurements were taken."""
    keys = ("processor", "cores", "system", "python", "numpy", "blas", "torch", "transformers", "taken")
    rows: list[list[str | Shown]] = [
        [words(f"machine.{key}"), Shown(call(record.measured_on, what=key))] for key in keys
    ]
    rows.append([words("machine.rounds"), Shown(measured("bench.rounds"))])
    return rows


# Decode against its roofline.

shapes = {
    field: call(catalog.model, name="GPT-2 small").field(f"decoder.{field}")
    for field in ("n_layers", "d_model", "d_ff", "vocab_size", "max_context")
}
weights = call(memory.weight_bytes, parameters=call(parameters.gpt2_parameters, **shapes), bytes_per_element=4)
page.reuse("gpt2_weights", weights)
read = call(traffic.gpt2_weight_bytes_read, **shapes, n_tokens=1, bytes_per_element=4)
page.claim("step_reads_nearly_every_weight", parameter(0.9), call(units.ratio, numerator=read, denominator=weights))
contexts = measured("bench.gpt2_small.contexts")


@page.table
def roofline(words: Words) -> Rows:
    """Return the decode step and its bound at each context."""
    rows: list[list[str | Shown]] = []
    for context in contexts.result:
        parts = [f"bench.gpt2_small.{part}.{context}" for part in ("decode_ms", "roofline_ms", "decode_over_roofline")]
        numbers = [Shown(measured(part), "fixed2") for part in parts]
        rows.append([Shown(parameter(context)), *numbers])
    return rows


page.reuse("decode_over_roofline", measured("bench.gpt2_small.decode_over_roofline_median", at_least=1))

# Peers.


@page.table
def peers(words: Words) -> Rows:
    """Return how much longer other people's code takes for a step."""
    keys = ("transformers_over_kvlab", "transformers_sdpa_over_kvlab", "torch_over_kvlab")
    return [
        [name, *(Shown(measured(f"bench.{model}.{key}"), "fixed2") for key in keys)]
        for name, model in (("GPT-2 small", "gpt2_small"), ("MiniGPT", "mini"))
    ]


# What byte identity costs.


@page.table
def identity(words: Words) -> Rows:
    """Return what the products that repeat their bytes take, as multiples of plain ones."""
    paths = {
        "decode_gpt2_small": "gpt2_small.identity_decode_cost",
        "decode_mini": "mini.identity_decode_cost",
        "prefill_mini": "prefill.exact_over_blas_mini",
        "prefill_gpt2": "prefill.exact_over_blas_gpt2_small",
    }
    return [[words(f"identity.{name}"), Shown(measured(f"bench.{path}"), "fixed2")] for name, path in paths.items()]


# The curves.


page.figure("curves", curves_data, curves.draw, measured=True)
page.constant("promise", "kvlab.benchmark.fit.PROMISE")
for run, limits in (("uncached", {"at_least": 2.0}), ("cached", {"at_most": 1.5})):
    times = measured(f"curves.{run}.measured_seconds")
    page.value(f"{run}_growth", kv_cost.last_over_first, points=times, **limits)
page.reuse("uncached_over_cached", SAVED)
page.reuse("generated", constant("kvlab.benchmark.bench.GENERATED_TOKENS"))
page.reuse("prompt", constant("kvlab.benchmark.bench.PROMPT_TOKENS"))


@page.table
def errors(words: Words) -> Rows:
    """Return the largest error of each formula on the points that its fit has not seen."""
    return [
        [words(f"errors.{name}"), Shown(held_out_error(name), "percent1")] for name in ("memory", "cached", "uncached")
    ]
