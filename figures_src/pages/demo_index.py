"""`demo/index`: six examples on the Llama-style model; what needs a larger model comes from `at_scale`."""

from __future__ import annotations

from collections.abc import Mapping

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.shared import at_scale, demo_runs
from figures_src.pages.shared.at_scale import number, ratio
from figures_src.pages.shared.measurements import measured
from figures_src.pages.shared.shapes import shapes
from figures_src.plots import (
    against_batch,
    against_context,
    breakdown,
    bytes_by_step,
    cache_growth,
    cache_over_weights,
    generation_work,
    pass_intensity,
    reach,
    wall_clock,
)
from figures_src.words import Words
from kvlab import units
from kvlab.accounting import flops, memory, pairs
from kvlab.benchmark import by_length, record
from kvlab.catalog import sizes
from kvlab.experiments import demo

page = Page("demo/index")

FIELDS = ("vocab_size", "d_model", "n_layers", "n_heads", "n_kv_heads", "head_dim", "d_ff", "max_context")
DEMO: dict[str, Value] = {field: constant(f"kvlab.model.demo.DEMO.{field}") for field in FIELDS}
FP32 = call(units.bytes_per_element, dtype="fp32")
nothing = parameter(0)
page.parameter("two", 2)
page.parameter("zero", 0)
FAR = parameter(0.25)  # what is less than a quarter of another stands far below it


@page.table
def model(words: Words) -> Rows:
    """Return the shapes of the demo model, and the number of its parameters as its arrays have it."""
    symbols = ("$V$", "$d$", "$L$", "$H$", r"$H_{\mathrm{kv}}$", "$d_h$", r"$d_{\mathrm{ff}}$", r"$S_{\max}$", "$N$")
    quantities = {**DEMO, "parameters": call(demo.parameters)}
    return [
        [words(f"demo_model.{field}"), symbol, Shown(value)]
        for symbol, (field, value) in zip(symbols, quantities.items(), strict=True)
    ]


# The mathematics, with the numbers of the text that example 4 times.

TIMED_PROMPT = list(range(1, by_length.PROMPT_TOKENS + 1))
timed_prompt = page.constant("timed_prompt", "kvlab.benchmark.by_length.PROMPT_TOKENS")
timed_new = page.constant("timed_new", "kvlab.benchmark.by_length.GENERATED_TOKENS")
COUNTS = {"prompt": timed_prompt, "new_tokens": timed_new}
TOKENS = {cached: call(pairs.tokens_cached if cached else pairs.tokens_uncached, **COUNTS) for cached in (False, True)}
PAIRS = {cached: call(pairs.pairs_cached if cached else pairs.pairs_uncached, **COUNTS) for cached in (False, True)}
page.derivation("tokens_derived", r"\sum_{t=0}^{n-1} \left(P + t\right)", TOKENS[False])
page.formula("tokens_uncached", pairs.tokens_uncached)
page.formula("tokens_cached", pairs.tokens_cached)
page.formula("causal", pairs.causal_pairs)
page.reuse("tokens_with", TOKENS[True])
page.reuse("pairs_without", PAIRS[False])
page.reuse("pairs_with", PAIRS[True])
tokens_ratio = page.value("tokens_ratio", units.ratio, numerator=TOKENS[False], denominator=TOKENS[True])
page.value("pairs_ratio", units.ratio, numerator=PAIRS[False], denominator=PAIRS[True])
page.value("half_new", units.ratio, numerator=timed_new, denominator=2)
for cached in (False, True):
    ran = call(demo.tokens_projected, prompt=TIMED_PROMPT, n_tokens=by_length.GENERATED_TOKENS, cached=cached)
    page.same("run_projects_as_derived", ran, TOKENS[cached])

PER_LAYER = {"n_kv_heads": DEMO["n_kv_heads"], "head_dim": DEMO["head_dim"]}
KV = {"n_layers": DEMO["n_layers"], **PER_LAYER}
page.formula("per_layer_formula", memory.kv_bytes_per_layer_token)
page.formula("per_token_formula", memory.kv_bytes_per_token)
page.formula("size_formula", memory.kv_cache_bytes)
layer_token = page.value("layer_token", memory.kv_bytes_per_layer_token, **PER_LAYER, bytes_per_element=FP32)
token = page.value("token", memory.kv_bytes_per_token, **KV, bytes_per_element=FP32)
full = page.value("full", memory.kv_cache_bytes, **KV, context=DEMO["max_context"], batch=1, bytes_per_element=FP32)
page.reuse("fp32_bytes", FP32)
for field in ("n_layers", "n_heads", "n_kv_heads", "max_context"):
    page.reuse(field, DEMO[field])
page.reuse("query_heads_each", ratio(DEMO["n_heads"], DEMO["n_kv_heads"]))
page.reuse("layer_share", ratio(number(1), DEMO["n_layers"]))

# 1. Equivalence.

page.parameter("steps", demo_runs.STEPS)
for name, prompt in (("short", demo_runs.ONE), ("middle", demo_runs.FIVE), ("long", demo_runs.EIGHT)):
    page.parameter(f"{name}_prompt", len(prompt))
page.parameter("pair", len(demo_runs.CASES["pair"]))
page.reuse("pair_differing", demo_runs.count("pair", "differing_logits"))
page.reuse("pair_compared", demo_runs.count("pair", "compared_logits"))
page.same(
    "nothing_differs",
    nothing,
    *(demo_runs.count(case, f"differing_{what}") for case in demo_runs.CASES for what in ("logits", "kv", "tokens")),
)
page.table(demo_runs.four_runs)
page.reuse("blas_share", demo_runs.BLAS_SHARE)
page.claim("plain_products_differ", nothing, demo_runs.BLAS_SHARE)
page.figure("bytes_by_step", demo_runs.bytes_by_step_data, bytes_by_step.draw)
half_tokens = page.reuse("half_tokens", demo_runs.choices_changed("fp16"))
slot_tokens = page.reuse("slot_tokens", demo_runs.choices_changed("slot_too_far"))
page.same("wrong_caches_keep_choices", nothing, half_tokens, slot_tokens)
for name, cache_name in (("half_logits", "fp16"), ("slot_logits", "slot_too_far")):
    wrong = page.reuse(name, demo_runs.logits_changed(cache_name))
    page.claim("wrong_caches_change_logits", nothing, wrong)
page.same("wrong_caches_fill_frames", nothing, demo_runs.logits_changed_at("slot_too_far", 1))
filled = [demo_runs.logits_changed_at("fp16", 1)]
for step in range(2, demo_runs.STEPS + 1):
    filled += [demo_runs.logits_changed_at(cache_name, step) for cache_name in ("fp16", "slot_too_far")]
page.same("wrong_caches_fill_frames", DEMO["vocab_size"], *filled)

# 2. Work at the scale of 7B.

page.reuse("billions", at_scale.billions(at_scale.MODEL))
page.parameter("large_prompt", at_scale.PROMPT)
page.parameter("large_new", at_scale.NEW)
page.value("large_text", pairs.tokens_of_text, prompt=at_scale.PROMPT, new_tokens=at_scale.NEW)
large_half = page.value("large_half", units.ratio, numerator=at_scale.NEW, denominator=2)
page.reuse("large_limit", at_scale.LIMIT)
page.reuse("large_layers", at_scale.ATTENTION["n_layers"])
page.reuse("large_width", at_scale.ATTENTION["d_model"])
projections_fewer = page.reuse("projections_fewer", at_scale.times_fewer("projections"))
attention_fewer = page.reuse("attention_fewer", at_scale.times_fewer("attention"))
page.reuse("scan_share", at_scale.SCAN_SHARE)
page.reuse("generation_uncached", at_scale.generation(False, "projections"))
page.claim("attention_is_no_small_part", parameter(0.5), at_scale.SCAN_SHARE)
page.claim("less_saved_with_attention", large_half, attention_fewer, projections_fewer)
page.claim("text_beyond_limit", at_scale.LIMIT, page.values["large_text"])
page.parameter("drawn_prompts", len(at_scale.PROMPTS))
page.table(at_scale.generation_flops)
page.figure("generation_work", at_scale.generation_work_data, generation_work.draw)

# 3. Memory.

GROWN = 64
page.parameter("grown_tokens", GROWN)
grown = call(demo.held_by_token, n_tokens=GROWN)


def _formula(context: int, per: Mapping[str, Value]) -> int:
    return int(call(memory.kv_cache_bytes, **per, context=context, batch=1, bytes_per_element=FP32).result)


def cache_growth_data() -> list[cache_growth.Row]:
    """Return the bytes of the arrays after each token, and what the formula gives for all layers and for one."""
    one_layer = {"n_layers": number(1), **PER_LAYER}
    return [
        cache_growth.Row(context, size, _formula(context, KV), _formula(context, one_layer))
        for context, size in enumerate(grown.result, 1)
    ]


page.figure("cache_growth", cache_growth_data, cache_growth.draw)
matching = page.value("matching", demo.sizes_matching, n_tokens=GROWN)
page.same("arrays_are_the_formula", number(GROWN), matching)
large_layer = call(
    memory.kv_bytes_per_layer_token,
    n_kv_heads=at_scale.KV["n_kv_heads"],
    head_dim=at_scale.KV["head_dim"],
    bytes_per_element=at_scale.FP16,
)
page.reuse("large_layer", large_layer)
large_token = call(memory.kv_bytes_per_token, **at_scale.KV, bytes_per_element=at_scale.FP16)
page.reuse("large_token", large_token)
page.derivation("large_token_derived", "M_1", large_token, "B")
page.table(at_scale.sizes_of_cases)
page.figure("reach", at_scale.reach_data, reach.draw)
page.figure("breakdown", at_scale.breakdown_data, breakdown.draw)
page.reuse("weights", at_scale.WEIGHTS)
page.reuse("cache_4k", at_scale.cache_of(1, 4096))
page.reuse("cache_32_4k", at_scale.cache_of(32, 4096))
page.reuse("activations_prefill", at_scale.activations(4096))
page.reuse("activations_decode", at_scale.activations(1))
page.parameter("k1", 1024)
page.parameter("k4", 4096)
for nth, batch in enumerate(at_scale.REACHED):
    page.parameter(f"batch_{nth}", batch)
LONGEST = 128 * 1024
page.claim(
    "devices_are_reached",
    at_scale.cache_of(1, LONGEST // 2),
    at_scale.SMALLER_DEVICE_BYTES,
    at_scale.cache_of(1, LONGEST),
)
page.claim("devices_are_reached", at_scale.cache_of(32, 1024), at_scale.SMALLER_DEVICE_BYTES)
page.claim("devices_are_reached", at_scale.DEVICE_BYTES, at_scale.cache_of(32, LONGEST))
for batch, k in ((32, 4), (1, 128)):
    page.claim(
        "cache_outgrows_weights", at_scale.cache_of(1, 4096), at_scale.WEIGHTS, at_scale.cache_of(batch, 1024 * k)
    )
for batch, k in at_scale.BROKEN_DOWN:
    activated = ratio(at_scale.activations(1024 * k), at_scale.total(batch, 1024 * k))
    page.claim("activations_are_small", activated, parameter(0.1))

# 4. The wall clock.

WORK = {name: DEMO[name] for name in ("n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size")}
SHOWN_LENGTHS = (1, 8, 16, 32, by_length.GENERATED_TOKENS)
page.value("processor", record.measured_on, what="processor")
page.value("taken", record.measured_on, what="taken")


def _flops(cached: bool, new_tokens: int) -> Value:
    """Return the FLOPs of all products of a text of the demo model, its rows of logits among them."""
    counts = {"prompt": timed_prompt, "new_tokens": new_tokens}
    tokens = call(pairs.tokens_cached if cached else pairs.tokens_uncached, **counts)
    needed = call(pairs.pairs_cached if cached else pairs.pairs_uncached, **counts)
    return call(flops.pass_flops, **WORK, mlp_matrices=3, n_tokens=tokens, pairs=needed, rows=new_tokens)


def _flops_ratio(new_tokens: int) -> Value:
    return ratio(_flops(False, new_tokens), _flops(True, new_tokens))


def _time(name: str, new_tokens: int, **limits: float) -> Value:
    return measured(f"bench.demo_by_length.{name}.{new_tokens}", **limits)


LAST = by_length.GENERATED_TOKENS
flops_ratio = page.reuse("flops_ratio", _flops_ratio(LAST))
time_ratio = page.reuse(
    "time_ratio", _time("uncached_over_cached", LAST, at_least=1, at_most=float(_flops_ratio(LAST).result))
)
page.reuse("time_ratio_read", _time("uncached_over_cached", LAST))
page.value("pace_ratio", units.ratio, numerator=flops_ratio, denominator=time_ratio)
page.claim("less_saved_in_all", flops_ratio, tokens_ratio)
page.claim("less_saved_in_all", at_scale.times_fewer("all"), projections_fewer)


@page.table
def by_clock(words: Words) -> Rows:
    """Return total time, time a token, and how many times as long and as many FLOPs without a cache, by length."""
    rows: list[list[str | Shown]] = []
    for new in SHOWN_LENGTHS:
        without, kept = _time("uncached_ms", new), _time("cached_ms", new)
        times = [Shown(without, "fixed2"), Shown(kept, "fixed2")]
        per_token = [Shown(ratio(time, number(new)), "fixed3") for time in (without, kept)]
        ratios = [Shown(_time("uncached_over_cached", new), "fixed1"), Shown(_flops_ratio(new), "fixed1")]
        rows.append([Shown(number(new)), *times, *per_token, *ratios])
    return rows


def wall_clock_data() -> list[wall_clock.Row]:
    """Return the time of the first tokens together, both ways, and the ratio of times and of FLOPs."""
    return [
        wall_clock.Row(
            new,
            _time("uncached_ms", new).result,
            _time("cached_ms", new).result,
            _time("uncached_over_cached", new).result,
            _flops_ratio(new).result,
        )
        for new in by_length.LENGTHS
    ]


page.figure("wall_clock", wall_clock_data, wall_clock.draw, measured=True)

# 5. Prefill and decode.

PASSED = by_length.PASSED_TOKENS
page.constant("passed", "kvlab.benchmark.by_length.PASSED_TOKENS")
page.value("split_differing", demo.pass_split_differing, n_tokens=PASSED)
WAYS = {"one_pass": PASSED, "one_by_one": 1}


def _work(way: str, quantity: str) -> Value:
    return call(demo.passes_work, n_tokens=PASSED, at_once=WAYS[way]).field(quantity)


def _intensity(way: str) -> Value:
    read = call(memory.together, weights=_work(way, "weight_bytes"), kv_cache=_work(way, "kv_bytes"))
    return ratio(_work(way, "flops"), read)


page.reuse("passed_flops", _work("one_pass", "flops"))
page.same("both_ways_do_the_same", _work("one_pass", "flops"), _work("one_by_one", "flops"))
page.same("both_ways_do_the_same", nothing, page.values["split_differing"])
page.reuse("prefill_intensity", _intensity("one_pass"))
page.reuse("decode_intensity", _intensity("one_by_one"))
page.value(
    "weights_again", units.ratio, numerator=_work("one_by_one", "weight_bytes"),
    denominator=_work("one_pass", "weight_bytes"),
)  # fmt: skip
page.reuse("one_by_one_times", measured("bench.demo_by_passes.one_by_one_over_one_pass", at_least=1))


@page.table
def two_ways(words: Words) -> Rows:
    """Return passes, FLOPs, bytes, intensity and time of the same tokens in one pass and one by one."""
    return [
        [
            words(f"two_ways.{way}"),
            Shown(call(demo.passes_made, n_tokens=PASSED, at_once=at_once)),
            Shown(_work(way, "flops")),
            Shown(_work(way, "weight_bytes"), "KiB"),
            Shown(_work(way, "kv_bytes"), "KiB"),
            Shown(_intensity(way), "fixed2"),
            Shown(measured(f"bench.demo_by_passes.{way}_ms"), "fixed2"),
        ]
        for way, at_once in WAYS.items()
    ]


def _demo_intensity(n_tokens: int) -> Value:
    work, weights, kept = (
        call(demo.passes_work, n_tokens=n_tokens, at_once=n_tokens).field(quantity)
        for quantity in ("flops", "weight_bytes", "kv_bytes")
    )
    return ratio(work, call(memory.together, weights=weights, kv_cache=kept))


def pass_intensity_data() -> list[pass_intensity.Row]:
    """Return the FLOPs per byte of a pass against its tokens, in the demo model and a large one; and a ridge."""
    rows = [pass_intensity.Row("large", 2**power, at_scale.pass_intensity(2**power).result) for power in range(13)]
    rows += [pass_intensity.Row("demo", 2**power, _demo_intensity(2**power).result) for power in range(8)]
    rows.append(pass_intensity.Row("ridge", 1, at_scale.RIDGE.result))
    return rows


page.figure("pass_intensity", pass_intensity_data, pass_intensity.draw)
page.reuse("ridge", at_scale.RIDGE)
one_token = page.reuse("large_one_token", at_scale.pass_intensity(1))
whole_prompt = page.reuse("large_prompt_intensity", at_scale.pass_intensity(at_scale.PROMPT))
page.claim("phases_are_on_both_sides", ratio(one_token, at_scale.RIDGE), FAR)
page.claim("phases_are_on_both_sides", at_scale.RIDGE, whole_prompt)
TOO_FEW, ENOUGH = 128, 256
page.parameter("too_few", TOO_FEW)
page.parameter("enough", ENOUGH)
page.claim("ridge_is_between", at_scale.pass_intensity(TOO_FEW), at_scale.RIDGE, at_scale.pass_intensity(ENOUGH))
for power in range(8):
    page.claim("demo_lies_lower", _demo_intensity(2**power), at_scale.pass_intensity(2**power))

# 6. The bottleneck.

crossing = page.reuse("crossing", at_scale.CROSSING)
page.claim("sequence_never_gets_there", ratio(at_scale.LIMIT, crossing), FAR)
page.reuse("long_cache_over_weights", ratio(at_scale.cache_of(1, LONGEST), at_scale.WEIGHTS))
page.table(at_scale.standard_cases)
page.table(at_scale.crossings)
page.figure("against_context", at_scale.against_context_data, against_context.draw)
page.claim("models_cross_in_this_order", *(at_scale.crossing_of(model) for model in at_scale.DRAWN_SIZES))
page.claim(
    "all_but_the_last_cross",
    at_scale.crossing_of("Llama-2-70B"),
    parameter(2**20),
    at_scale.crossing_of("Llama-3.1-405B"),
)


def _of(model: str, *fields: str) -> list[Value]:
    return list(shapes(model, *fields).values())


SEVEN, THIRTEEN, SEVENTY, SMALLEST = "Llama-2-7B", "Llama-2-13B", "Llama-2-70B", "Llama-3.2-1B"
seven, seventy = (call(sizes.weight_bytes, model_name=model, dtype=at_scale.DTYPE) for model in (SEVEN, SEVENTY))
page.reuse("seventy_over_seven", ratio(seventy, seven))
(seventy_kv_heads,) = _of(SEVENTY, "n_kv_heads")
page.reuse("seventy_kv_heads", seventy_kv_heads)
page.claim(
    "seventy_crosses_much_later", parameter(2), ratio(at_scale.crossing_of(SEVENTY), at_scale.crossing_of(SEVEN))
)
page.claim("seventy_crosses_much_later", *(at_scale.token_of(model) for model in (SEVENTY, SEVEN)))
page.claim("seventy_crosses_much_later", *_of(SEVENTY, "n_kv_heads", "n_heads"))
page.claim("smallest_crosses_after_two", *_of(SMALLEST, "n_kv_heads", "n_heads"))
page.claim(
    "smallest_crosses_after_two", *_of(SMALLEST, "parameters"), *_of(SEVEN, "parameters"), *_of(THIRTEEN, "parameters")
)
page.claim("smallest_crosses_after_two", *(at_scale.crossing_of(model) for model in (SEVEN, THIRTEEN, SMALLEST)))
for larger in (SEVEN, THIRTEEN):
    page.same("smallest_crosses_after_two", *_of(larger, "n_kv_heads", "n_heads"))
page.figure("cache_over_weights", at_scale.cache_over_weights_data, cache_over_weights.draw)
page.figure("against_batch", at_scale.against_batch_data, against_batch.draw)
close = ratio(at_scale.total(1, 16 * 1024), at_scale.total(1, 1024))
page.claim("contexts_fan_out", close, parameter(2))
page.claim("contexts_fan_out", at_scale.total(64, 1024), at_scale.DEVICE_BYTES, at_scale.total(16, 16 * 1024))
page.parameter("b16", 16)
page.reuse("total_1", at_scale.total(1, 4096))
page.reuse("total_16", at_scale.total(16, 4096))
page.reuse("total_long", at_scale.total(1, LONGEST))
page.parameter("long_context", LONGEST)
page.reuse("share_1", ratio(at_scale.cache_of(1, 4096), at_scale.total(1, 4096)))
page.reuse("share_16", ratio(at_scale.cache_of(16, 4096), at_scale.total(16, 4096)))
page.reuse("long_share", ratio(at_scale.total(1, LONGEST), at_scale.DEVICE_BYTES))
