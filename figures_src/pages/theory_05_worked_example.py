"""`theory/05-worked-example`: the size formula on the MiniGPT, against its weights and a laptop's caches."""

from __future__ import annotations

from itertools import pairwise

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.shared.measurements import SAVED
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.plots import cache_levels, layout, step_reads
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import flops, memory, parameters, traffic
from kvlab.experiments import allocation

page = Page("theory/05-worked-example")

LAPTOP = "Intel i5-8250U"
FP32, FP16 = (call(units.bytes_per_element, dtype=dtype) for dtype in ("fp32", "fp16"))

# The model's specification.

SPECIFICATION = ("n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size", "max_context")
MINI = shapes("MiniGPT", *SPECIFICATION)
KV = kv_shapes("MiniGPT")
COUNTED = {name: MINI[name] for name in ("n_layers", "d_model", "d_ff", "vocab_size", "max_context")}

s_max = page.reuse("s_max", MINI["max_context"])
page.reuse("n_layers", MINI["n_layers"])
page.reuse("n_kv_heads", KV["n_kv_heads"])
n_parameters = page.value("parameters", parameters.gpt2_parameters, **COUNTED)


@page.table
def specification(words: Words) -> Rows:
    """Return the shapes of the MiniGPT, one a row."""
    symbols = ("$L$", "$d$", "$H$", r"$H_{\mathrm{kv}}$", "$d_h$", r"$d_{\mathrm{ff}}$", "$V$", r"$S_{\max}$", "$N$")
    quantities = {**{field: MINI[field] for field in SPECIFICATION}, "parameters": n_parameters}
    return [
        [words(f"specification.{field}"), symbol, Shown(value)]
        for symbol, (field, value) in zip(symbols, quantities.items(), strict=True)
    ]


# The formula, and what it becomes for the MiniGPT.

page.formula("size", memory.kv_cache_bytes)
page.formula("size_of_mini", memory.kv_cache_bytes, **KV)
page.multiplied("mini_multiplied", memory.kv_cache_bytes, **KV)
page.multiplied("mini_in_fp32", memory.kv_cache_bytes, **KV, bytes_per_element=FP32)
page.multiplied("mini_in_fp16", memory.kv_cache_bytes, **KV, bytes_per_element=FP16)
page.reuse("fp32_bytes", FP32)
page.reuse("fp16_bytes", FP16)
token_fp32 = page.value("token_fp32", memory.kv_bytes_per_token, **KV, bytes_per_element=FP32)
PER_LAYER = {"n_kv_heads": KV["n_kv_heads"], "head_dim": KV["head_dim"]}
k_layer_token = page.value("k_layer_token", memory.k_bytes_per_layer_token, **PER_LAYER, bytes_per_element=FP32)
kv_layer_token = page.value("kv_layer_token", memory.kv_bytes_per_layer_token, **PER_LAYER, bytes_per_element=FP32)
k_and_v = call(memory.together, weights=k_layer_token, kv_cache=k_layer_token)
page.same("k_and_v_twice_k", k_and_v, kv_layer_token)

# The four cases.

GPT2_CONTEXT = call(catalog.model, name="GPT-2 small").field("decoder.max_context")


def _cache(model: str, context: Value, batch: Value, element: Value) -> Value:
    return call(memory.kv_cache_bytes, **kv_shapes(model), context=context, batch=batch, bytes_per_element=element)


one, eight, sixty_four = (parameter(quantity) for quantity in (1, 8, 64))
cache = page.reuse("cache", _cache("MiniGPT", s_max, one, FP32))
cache_of_8 = page.reuse("cache_of_8", _cache("MiniGPT", s_max, eight, FP32))
cache_of_64 = _cache("MiniGPT", s_max, sixty_four, FP16)
gpt2_cache = page.reuse("gpt2_cache", _cache("GPT-2 small", GPT2_CONTEXT, one, FP16))
page.reuse("batch_of_8", eight)
page.reuse("one", one)
page.parameter("zero", 0)
page.reuse("gpt2_context", GPT2_CONTEXT)
page.derivation("cache_derived", "M", cache, "B")

# The same bytes in memory, read off the array.

PLACES = {part: call(allocation.extent, place=part) for part in ("buffer", "layer", "head", "slot", "element")}
for part in ("layer", "head", "slot"):
    page.reuse(f"{part}_bytes", PLACES[part])


def layout_data() -> list[layout.Row]:
    """Return for each level of the cache what it is divided into: how many parts, and the bytes of each."""
    sizes = [place.result for place in PLACES.values()]
    divided = zip(PLACES, pairwise([cache.result, *sizes]), strict=True)
    return [layout.Row(part, whole // each, each) for part, (whole, each) in divided]


page.figure("layout", layout_data, layout.draw)

# Model, tokens, sequences, dtype, size.
CASES = (
    ("MiniGPT", s_max, one, "fp32", cache),
    ("MiniGPT", s_max, eight, "fp32", cache_of_8),
    ("MiniGPT", s_max, sixty_four, "fp16", cache_of_64),
    ("GPT-2 small", GPT2_CONTEXT, one, "fp16", gpt2_cache),
)
LEVELS = {
    level: call(catalog.processor, name=LAPTOP).field(field)
    for level, field in (("L1d", "l1d_bytes_per_core"), ("L2", "l2_bytes_per_core"), ("L3", "l3_bytes_shared"))
}
l1d = page.reuse("l1d", LEVELS["L1d"])
l2 = page.reuse("l2", LEVELS["L2"])
l3 = page.reuse("l3", LEVELS["L3"])
page.claim("cache_between_l1_and_l2", l1d, cache, l2)
for more in (cache_of_8, cache_of_64):
    page.claim("batches_between_l2_and_l3", l2, more, l3)
page.claim("gpt2_passes_l3", l3, gpt2_cache)
page.reuse("cores", call(catalog.processor, name=LAPTOP).field("cores"))
page.value("cache_over_l1d", units.ratio, numerator=cache, denominator=l1d)
page.value("cache_over_l2", units.ratio, numerator=cache, denominator=l2)


@page.table
def four_cases(words: Words) -> Rows:
    """Return the four caches, and the nearest memory of the laptop that holds each."""
    return [
        [
            model,
            Shown(context),
            Shown(batch),
            dtype,
            Shown(size, "B"),
            Shown(size, "binary"),
            Shown(call(catalog.fitting_level, processor_name=LAPTOP, size_bytes=size)),
        ]
        for model, context, batch, dtype, size in CASES
    ]


def cache_levels_data() -> list[cache_levels.Row]:
    """Return the four sizes, and the sizes of the laptop's caches, in bytes."""
    named = [(f"{model}, B = {batch.result}, {dtype}", size) for model, _, batch, dtype, size in CASES]
    rows = [cache_levels.Row("kv_cache", name, size.result) for name, size in named]
    return rows + [cache_levels.Row("processor_cache", name, size.result) for name, size in LEVELS.items()]


page.figure("cache_levels", cache_levels_data, cache_levels.draw)

# Against the weights.

weights = page.value("weights", memory.weight_bytes, parameters=n_parameters, bytes_per_element=FP32)
page.derivation("parameters_derived", "N", n_parameters)
cache_over_weights = page.value("cache_over_weights", units.ratio, numerator=cache, denominator=weights)
untied = page.value("untied_parameters", parameters.gpt2_untied_parameters, **COUNTED)
untied_weights = call(memory.weight_bytes, parameters=untied, bytes_per_element=FP32)
page.value("cache_over_untied", units.ratio, numerator=cache, denominator=untied_weights)
together = page.value("together", memory.together, weights=weights, kv_cache=cache)
page.claim("together_between_l2_and_l3", l2, together, l3)

GPT3_COUNTED = shapes("GPT-3 175B", "n_layers", "d_model", "d_ff", "vocab_size", "max_context")
gpt3_parameters = call(parameters.gpt2_parameters, **GPT3_COUNTED)
gpt3_weights = page.value("gpt3_weights", memory.weight_bytes, parameters=gpt3_parameters, bytes_per_element=FP16)
gpt3_context = page.reuse("gpt3_context", GPT3_COUNTED["max_context"])
gpt3_cache = page.reuse("gpt3_cache", _cache("GPT-3 175B", gpt3_context, one, FP16))
gpt3_share = page.value("gpt3_cache_over_weights", units.ratio, numerator=gpt3_cache, denominator=gpt3_weights)
page.claim("share_smaller_in_gpt3", gpt3_share, cache_over_weights)

# Per token, in models of all sizes.

hundred = page.parameter("hundred", 100)
ZOO = ("MiniGPT", "GPT-2 small", "Llama-2-7B", "GPT-3 175B")
TOKEN = {model: call(memory.kv_bytes_per_token, **kv_shapes(model), bytes_per_element=FP16) for model in ZOO}


@page.table
def per_token(words: Words) -> Rows:
    """Return bytes per token in fp16, each model's multiple of the MiniGPT's, and the size of a hundred tokens."""
    return [
        [
            model,
            Shown(TOKEN[model], "B"),
            Shown(TOKEN[model], "binary"),
            Shown(call(units.ratio, numerator=TOKEN[model], denominator=TOKEN["MiniGPT"])),
            Shown(_cache(model, hundred, one, FP16), "binary"),
        ]
        for model in ZOO
    ]


page.value("gpt3_over_mini", units.ratio, numerator=TOKEN["GPT-3 175B"], denominator=TOKEN["MiniGPT"])
page.reuse("hundred_fp32", _cache("MiniGPT", hundred, one, FP32))

# What the cache saves.

page.reuse("uncached_over_cached", SAVED)
page.reuse("generated_run", constant("kvlab.benchmark.bench.GENERATED_TOKENS"))
page.reuse("prompt_run", constant("kvlab.benchmark.bench.PROMPT_TOKENS"))

# Prefill and decode.

WORK = shapes("MiniGPT", "n_layers", "d_model", "n_heads", "head_dim", "d_ff", "vocab_size")
READ = {"max_context": MINI["max_context"], "bytes_per_element": FP32}
prompt = page.parameter("prompt", 64)


def _weights_read(n_tokens: Value) -> Value:
    used = {name: WORK[name] for name in ("n_layers", "d_model", "d_ff", "vocab_size")}
    return call(traffic.gpt2_weight_bytes_read, **used, **READ, n_tokens=n_tokens)


def _decode_read(context: Value) -> Value:
    used = {name: WORK[name] for name in ("n_layers", "d_model", "head_dim", "d_ff", "vocab_size")}
    return call(traffic.gpt2_decode_bytes_read, **used, n_kv_heads=KV["n_kv_heads"], **READ, context=context)


def _cache_share(context: Value) -> Value:
    return call(units.ratio, numerator=_cache("MiniGPT", context, one, FP32), denominator=_decode_read(context))


page.formula("decode_work", flops.gpt2_decode_flops)
matrix_elements = {name: WORK[name] for name in ("n_layers", "d_model", "d_ff", "vocab_size")}
page.value("matrix_elements", flops.gpt2_matrix_elements, **matrix_elements)
per_slot = {name: WORK[name] for name in ("n_layers", "n_heads", "head_dim")}
page.value("attention_per_slot", flops.attention_flops, **per_slot, context=1)
decode_flops = page.value("decode_flops_full", flops.gpt2_decode_flops, **WORK, context=s_max)
prefill_flops = call(flops.gpt2_prefill_flops, **WORK, prompt=prompt)
weights_read = page.reuse("weights_read", _weights_read(one))
page.claim(
    "step_reads_nearly_all_weights", parameter(0.9), call(units.ratio, numerator=weights_read, denominator=weights)
)
prefill_over_step = call(units.ratio, numerator=_weights_read(prompt), denominator=weights_read)
page.claim("prefill_reads_hardly_more", prefill_over_step, parameter(1.1))
step_flops = call(flops.gpt2_decode_flops, **WORK, context=prompt)
page.claim("prefill_does_many_steps", parameter(10), call(units.ratio, numerator=prefill_flops, denominator=step_flops))
page.reuse("share_full", _cache_share(s_max))


@page.table
def one_step(words: Words) -> Rows:
    """Return work and traffic of one prefill and of decode steps at three contexts."""
    prefill: list[str | Shown] = [
        words("one_step.prefill"),
        Shown(prompt),
        Shown(prefill_flops),
        Shown(_weights_read(prompt), "KiB"),
        words("one_step.none"),
        words("one_step.none"),
        Shown(_cache("MiniGPT", prompt, one, FP32), "KiB"),
    ]
    decode: list[list[str | Shown]] = [
        [
            words("one_step.decode"),
            Shown(context),
            Shown(call(flops.gpt2_decode_flops, **WORK, context=context)),
            Shown(weights_read, "KiB"),
            Shown(_cache("MiniGPT", context, one, FP32), "KiB"),
            Shown(_cache_share(context), "percent1"),
            Shown(token_fp32, "KiB"),
        ]
        for context in (parameter(16), prompt, s_max)
    ]
    return [prefill, *decode]


def step_reads_data() -> list[step_reads.Row]:
    """Return the bytes that a decode step reads, weights and cache, for each number of tokens held."""
    rows = []
    for context in range(1, s_max.result + 1):
        held = parameter(context)
        read = _cache("MiniGPT", held, one, FP32).result
        rows.append(step_reads.Row(context, weights_read.result, read, _cache_share(held).result))
    return rows


page.figure("step_reads", step_reads_data, step_reads.draw)
