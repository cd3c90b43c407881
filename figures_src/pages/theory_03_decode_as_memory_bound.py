"""`theory/03-decode-as-memory-bound`: a step's lower bound, and what batching and shared heads change in it."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages import theory_05_worked_example as worked_example
from figures_src.pages.shared.measurements import measured
from figures_src.pages.shared.shapes import kv_shapes, shapes, speeds
from figures_src.plots import batch_times, intensity_ladder
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import flops, memory, parameters, roofline, traffic
from kvlab.benchmark import predictions, record
from kvlab.catalog import passes, sizes
from kvlab.catalog.published import published_figure

page = Page("theory/03-decode-as-memory-bound")

LARGE, DEVICE = "Llama-2-7B", "A100 80GB SXM"
FP16 = call(units.bytes_per_element, dtype="fp16")
nothing = parameter(0)
page.reuse("fp16_bytes", FP16)
SPEEDS = speeds(DEVICE)
bandwidth = page.reuse("bandwidth", SPEEDS["bytes_per_second"])


def step(quantity: str, context: int, batch: int = 1) -> Value:
    """Return one quantity of a decode step with `context` tokens of each sequence in reach."""
    shape = {"model_name": LARGE, "held": context - 1, "n_tokens": 1, "batch": batch, "bytes_per_element": FP16}
    return call(passes.whole_pass, **shape).field(quantity)


def _parts(context: int, batch: int = 1) -> dict[str, Value]:
    quantities = {"weight_bytes": "weight_bytes", "cache_bytes": "kv_bytes", "flops": "flops"}
    return {name: step(quantity, context, batch) for name, quantity in quantities.items()} | SPEEDS


# What a step must read, and the bound.

MATRICES = shapes(LARGE, "n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size")
matrices = call(traffic.matrix_bytes, **MATRICES, mlp_matrices=3, bytes_per_element=FP16)
page.derivation("matrices_derived", "M_w", matrices, "B")
page.formula("cache_size", memory.kv_cache_bytes)
weights_read = page.reuse("weights_read", step("weight_bytes", 1))
n_parameters = call(catalog.model, name=LARGE).field("decoder.parameters")
weights = page.value("weights", memory.weight_bytes, parameters=n_parameters, bytes_per_element=FP16)
work = step("flops", 1)
by_arithmetic = page.value("by_arithmetic", units.ratio, numerator=SPEEDS["flops_per_second"], denominator=work)
by_memory = page.value("by_memory", units.ratio, numerator=bandwidth, denominator=weights_read)
page.claim("stores_more_than_it_reads", weights_read, weights)
times_memory = page.value("arithmetic_over_memory", units.ratio, numerator=by_arithmetic, denominator=by_memory)
page.reuse("least_ms", call(roofline.step_milliseconds, **_parts(1) | {"cache_bytes": nothing}, part="seconds"))

LIMIT = call(catalog.model, name=LARGE).field("decoder.max_context")
page.reuse("limit", LIMIT)
cache_at_limit = step("kv_bytes", LIMIT.result)
page.reuse("cache_at_limit", cache_at_limit)
read_at_limit = call(memory.together, weights=weights_read, kv_cache=cache_at_limit)
share_at_limit = page.value("share_at_limit", units.ratio, numerator=cache_at_limit, denominator=read_at_limit)
stored_at_limit = call(memory.together, weights=weights, kv_cache=cache_at_limit)
page.value("share_of_stored", units.ratio, numerator=cache_at_limit, denominator=stored_at_limit)
page.claim("cache_below_weights", cache_at_limit, weights_read)

# What was published.

GPT_FAST = call(published_figure, name="gpt_fast_tokens")
published = page.reuse("published", GPT_FAST.field("values['tokens_per_second']"))
moved = page.reuse("published_bandwidth", GPT_FAST.field("values['bytes_per_second']"))
page.value("published_of_bound", units.ratio, numerator=published, denominator=by_memory)
page.value("published_of_bandwidth", units.ratio, numerator=moved, denominator=bandwidth)
per_token = call(units.nearest, quantity=call(units.ratio, numerator=moved, denominator=published))
page.reuse("published_per_token", per_token)
page.claim("counted_between", weights_read, per_token, weights)
page.claim("published_below_bounds", published, by_memory)
page.claim("published_below_bounds", parameter(10), times_memory)

# What kvlab measures.

SMALL = "GPT-2 small"
FP32 = call(units.bytes_per_element, dtype="fp32")
COUNTED = shapes(SMALL, "n_layers", "d_model", "d_ff", "vocab_size", "max_context")
small_weights = call(
    memory.weight_bytes, parameters=call(parameters.gpt2_parameters, **COUNTED), bytes_per_element=FP32
)
page.reuse("small_weights", small_weights)
HELD = 256
page.parameter("held", HELD)
page.value("processor", record.measured_on, what="processor")
page.value("taken", record.measured_on, what="taken")
half = call(units.nearest, quantity=call(units.ratio, numerator=small_weights, denominator=2))
last_level = call(record.measured, path="bench.gpt2_small.last_level_cache_bytes", at_most=half)
page.reuse("last_level", last_level)
page.value("weights_over_last_level", units.ratio, numerator=small_weights, denominator=last_level)


def _step_reads(held: int) -> Value:
    shape = {**COUNTED, **{name: kv_shapes(SMALL)[name] for name in ("n_kv_heads", "head_dim")}}
    return call(traffic.gpt2_decode_bytes_read, **shape, context=held + 1, bytes_per_element=FP32)


def _step_times(held: int) -> dict[str, Value]:
    """Return the time of a step, in milliseconds, and its lower bound at the bandwidth measured with it."""
    speed = measured(f"bench.gpt2_small.bandwidth_bytes_per_second.{held}")
    bound = call(predictions.lower_bound_ms, bytes_read=_step_reads(held), bytes_per_second=speed)
    return {"bound_ms": bound, "decode_ms": measured(f"bench.gpt2_small.decode_ms.{held}")}


times = _step_times(HELD)
page.reuse("over_bound", call(predictions.over_lower_bound, **times, at_least=1))
page.reuse("step_ms", times["decode_ms"])
page.reuse("bound_ms", times["bound_ms"])


@page.table
def measured_decode(words: Words) -> Rows:
    """Return for each context what a step of GPT-2 small reads, its lower bound here, and its time."""
    rows: list[list[str | Shown]] = []
    for held in measured("bench.gpt2_small.contexts").result:
        speed, times = measured(f"bench.gpt2_small.bandwidth_bytes_per_second.{held}"), _step_times(held)
        numbers = (*times.values(), call(predictions.over_lower_bound, **times))
        rows.append(
            [
                Shown(parameter(held)),
                Shown(_step_reads(held), "MB"),
                Shown(call(units.nearest, quantity=speed), "GB"),
                *(Shown(number, "fixed2") for number in numbers),
            ]
        )
    return rows


# Attention: the ladder.

LADDER = (("MHA", LARGE), ("MQA", "Gemma-3-1B"), ("GQA", "Llama-2-70B"), ("GQA", "Llama-3.1-405B"))
LATENT = "DeepSeek-V3"


def _grouped(model: str) -> Value:
    return call(roofline.grouped_attention_intensity, **shapes(model, "n_heads", "n_kv_heads"), bytes_per_element=FP16)


latent_shapes = {
    "n_heads": call(catalog.model, name=LATENT).field("decoder.n_heads"),
    "latent": call(catalog.model, name=LATENT).field("config['kv_lora_rank']"),
    "rope_dim": call(catalog.model, name=LATENT).field("config['qk_rope_head_dim']"),
}
latent = call(roofline.latent_attention_intensity, **latent_shapes, bytes_per_element=FP16)
page.reuse("latent_intensity", latent)
for name, value in latent_shapes.items():
    page.reuse(f"latent_{name}", value)
page.formula("attention_work", flops.attention_flops)
page.formula("attention_intensity", roofline.grouped_attention_intensity)
page.formula("latent_work", flops.absorbed_mla_flops)
page.reuse("mha_intensity", _grouped(LARGE))
page.reuse("gqa_intensity", _grouped("Llama-3.1-405B"))
page.reuse("mqa_intensity", _grouped("Gemma-3-1B"))
for field in ("n_heads", "n_kv_heads"):
    page.reuse(f"gqa_{field}", call(catalog.model, name="Llama-3.1-405B").field(f"decoder.{field}"))
page.reuse("mqa_n_heads", call(catalog.model, name="Gemma-3-1B").field("decoder.n_heads"))
RIDGES = {name: call(roofline.ridge, **speeds(name)) for name in (DEVICE, "H100 80GB SXM")}
ridge = page.reuse("ridge", RIDGES[DEVICE])
page.reuse("ridge_of_h100", RIDGES["H100 80GB SXM"])
of_one_key = call(roofline.grouped_attention_intensity, n_heads=1, n_kv_heads=1, bytes_per_element=FP16)
page.same("fp16_leaves_the_heads", of_one_key, parameter(1))
page.claim("ladder_rises", *(_grouped(model) for _, model in LADDER), latent)
page.claim("mla_between_ridges", ridge, latent, RIDGES["H100 80GB SXM"])


def intensity_ladder_data() -> list[intensity_ladder.Row]:
    """Return the intensity of one token's attention in several models, and the ridges of devices."""
    rungs = [(kind, model, _grouped(model)) for kind, model in LADDER] + [("MLA", LATENT, latent)]
    rungs += [("ridge", device, value) for device, value in RIDGES.items()]
    return [intensity_ladder.Row(kind, name, value.result) for kind, name, value in rungs]


page.figure("intensity_ladder", intensity_ladder_data, intensity_ladder.draw)
DEVICES = ("RTX 4090", "A100 40GB", "A100 80GB SXM", "H100 80GB SXM", "H200 SXM")
for device in DEVICES:
    ridge_over_last = {"numerator": call(roofline.ridge, **speeds(device)), "denominator": _grouped(LADDER[-1][1])}
    page.claim("ladder_rises", parameter(5), call(units.ratio, **ridge_over_last))


@page.table
def device_bounds(words: Words) -> Rows:
    """Return each device's ridge, the most tokens a second of the large model, and what bounds MLA's attention."""
    rows: list[list[str | Shown]] = []
    for device in DEVICES:
        rates = speeds(device)
        rate = call(units.ratio, numerator=rates["bytes_per_second"], denominator=weights_read)
        per_slot = call(flops.absorbed_mla_flops, n_layers=1, **latent_shapes, context=1)
        width = call(units.nearest, quantity=call(units.ratio, numerator=per_slot, denominator=latent))
        bound = call(roofline.bound, flops=per_slot, bytes_moved=width, **rates)
        rows.append(
            [
                device,
                Shown(rates["bytes_per_second"], "GB"),
                Shown(call(roofline.ridge, **rates), "fixed0"),
                Shown(rate, "fixed0"),
                words(f"device_bounds.by_{bound.result}"),
            ]
        )
    return rows


# A batch.

CONTEXT = 1024
page.parameter("context", CONTEXT)
BATCHES = (1, 8, 32, 128)
one_cache = page.reuse("one_cache", step("kv_bytes", CONTEXT))
crossing = page.value("crossing", units.ratio, numerator=weights_read, denominator=one_cache)
one_work = step("flops", CONTEXT)
ceiling = page.value("ceiling", units.ratio, numerator=one_work, denominator=one_cache)
page.claim("never_reaches_the_ridge", ceiling, ridge)
fits = page.value(
    "fits", sizes.sequences_beside_weights, model_name=LARGE, device_name=DEVICE, context=CONTEXT, dtype="fp16"
)
reserved = page.value(
    "fits_reserved", sizes.sequences_beside_weights, model_name=LARGE, device_name=DEVICE, context=LIMIT, dtype="fp16"
)
page.claim("batches_fit", parameter(max(BATCHES)), fits)
DRAWN = 64
page.claim("caches_pass_weights", crossing, parameter(DRAWN // 2))


def _milliseconds(batch: int, part: str) -> Value:
    return call(roofline.step_milliseconds, **_parts(CONTEXT, batch), part=part)


def _rate(batch: int) -> Value:
    return call(roofline.tokens_per_second, batch=batch, **_parts(CONTEXT, batch))


page.reuse("rate_reserved", _rate(reserved.result))
page.reuse("rate_full", _rate(fits.result))
page.claim("larger_batch_faster", _rate(reserved.result), _rate(fits.result))
page.claim("arithmetic_stays_below", *(_milliseconds(DRAWN, part) for part in ("compute", "weights", "cache")))
few = call(units.ratio, numerator=_milliseconds(4, "seconds"), denominator=_milliseconds(1, "seconds"))
page.claim("first_few_are_cheap", few, parameter(1.2))


def _gain_of_halved_weights(context: int, batch: int) -> Value:
    """Return how many times as many bytes a step reads as one with weights of half the bytes."""
    kv_cache = step("kv_bytes", context, batch)
    halved = call(units.nearest, quantity=call(units.ratio, numerator=weights_read, denominator=2))
    before, after = (call(memory.together, weights=read, kv_cache=kv_cache) for read in (weights_read, halved))
    return call(units.ratio, numerator=before, denominator=after)


page.claim("narrow_weights_help_short_texts", parameter(1.9), _gain_of_halved_weights(128, 1))
page.claim("narrow_weights_help_short_texts", _gain_of_halved_weights(LIMIT.result, max(BATCHES)), parameter(1.05))


@page.table
def batches(words: Words) -> Rows:
    """Return the parts of a step's lower bound at several batches, its intensity, and the tokens a second."""
    rows: list[list[str | Shown]] = []
    for batch in BATCHES:
        parts = _parts(CONTEXT, batch)
        read = call(memory.together, weights=parts["weight_bytes"], kv_cache=parts["cache_bytes"])
        intensity = call(roofline.intensity, flops=parts["flops"], bytes_moved=read)
        times = [Shown(_milliseconds(batch, part), "fixed2") for part in ("weights", "cache", "compute", "seconds")]
        rows.append(
            [
                Shown(parameter(batch)),
                *times,
                Shown(intensity, "fixed1"),
                Shown(_rate(batch), "fixed0"),
            ]
        )
    return rows


def batch_times_data() -> list[batch_times.Row]:
    """Return the parts of a step's lower bound for each batch, in milliseconds, and the batch at which they cross."""
    rows = []
    for size in range(1, DRAWN + 1):
        weights, cache, compute = (_milliseconds(size, part).result for part in ("weights", "cache", "compute"))
        rows.append(batch_times.Row(size, weights, cache, compute, crossing.result))
    return rows


page.figure("batch_times", batch_times_data, batch_times.draw)
pieces = page.reuse("large_kv_heads", call(catalog.model, name=LARGE).field("decoder.n_kv_heads"))
multiprocessors = page.parameter("multiprocessors", 108)  # of an A100
busy = call(units.ratio, numerator=pieces, denominator=multiprocessors)
page.claim("one_sequence_leaves_most_idle", busy, parameter(0.5))

# Where it does not hold.

together = page.reuse("mini_together", worked_example.together)
l3 = page.reuse("l3", worked_example.l3)
page.claim("minigpt_fits_l3", together, l3)
