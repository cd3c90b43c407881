"""`experiments/cache-sizing`: six models forward, two memories turned around, and what the numbers show."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.plots import budget, six_models
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import memory
from kvlab.catalog import sizes
from kvlab.catalog.published import published_figure
from kvlab.experiments import cache_sizing

page = Page("experiments/cache-sizing")
page.formula("size", memory.kv_cache_bytes)

one, eight = (constant(f"kvlab.experiments.cache_sizing.BATCHES[{nth}]") for nth in range(2))
FP16 = call(units.bytes_per_element, dtype="fp16")
K4, K32 = (constant(f"kvlab.experiments.cache_sizing.CONTEXTS[{nth}]") for nth in range(2))
DTYPES = dict(cache_sizing.ROWS)
MARK = "\u202f†"

page.reuse("k4", K4)
page.reuse("k32", K32)
page.parameter("k1", 1024)
page.constant("n_models", "len(kvlab.experiments.cache_sizing.ROWS)")

# Forward.


def stored(model: str, context: Value) -> Value:
    """Return the tokens that each layer of a model stores of a context: fewer, where it has a window."""
    return call(cache_sizing.tokens_stored, model_name=model, context=context)


def limit(model: str) -> Value:
    """Return the longest context that a model was made for."""
    return call(catalog.model, name=model).field("decoder.max_context")


def token(model: str) -> Value:
    """Return the bytes of one token in the cache of a model of the experiment."""
    return call(memory.kv_bytes_per_token, **kv_shapes(model), bytes_per_element=element(model))


def element(model: str) -> Value:
    """Return the bytes of an element in the cache of a model of the experiment."""
    return call(units.bytes_per_element, dtype=DTYPES[model])


def cache(model: str, context: Value) -> Value:
    """Return the bytes of one sequence of `context` tokens, by the six factors: with a window, of the tokens in it."""
    held = stored(model, context)
    return call(memory.kv_cache_bytes, **kv_shapes(model), context=held, batch=one, bytes_per_element=element(model))


def hypothetical(model: str, context: Value) -> bool:
    """Return whether a context is longer than a model was made for."""
    return call(sizes.over_limit, model_name=model, context=context).result


for model, dtype in cache_sizing.ROWS:
    for context in (K4, K32):
        general = call(sizes.cache_bytes, model_name=model, context=context, batch=1, dtype=dtype)
        page.same("factors_and_layers_agree", cache(model, context), general)


@page.table
def six(words: Words) -> Rows:
    """Return what each model's cache takes for one token and both contexts; a mark beyond its limit."""
    return [
        [
            model,
            Shown(token(model), "both"),
            *(
                Shown(cache(model, context), "both", MARK if hypothetical(model, context) else "")
                for context in (K4, K32)
            ),
        ]
        for model, _ in cache_sizing.ROWS
    ]


DEVICE = call(sizes.memory_bytes, device_name=cache_sizing.FITTED_DEVICE)


def six_models_data() -> list[six_models.Row]:
    """Return each model's cache for one token and both contexts, within its limit or not; and a device."""
    rows = []
    for model, _ in cache_sizing.ROWS:
        rows.append(six_models.Row("cache", model, 1, token(model).result, True))
        for context in (K4, K32):
            size, within = cache(model, context).result, not hypothetical(model, context)
            rows.append(six_models.Row("cache", model, context.result, size, within))
    rows.append(six_models.Row("device", cache_sizing.FITTED_DEVICE, 0, DEVICE.result, True))
    return rows


page.figure("six_models", six_models_data, six_models.draw)
seven, seventy, mistral = (token(model) for model in ("Llama-2-7B", "Llama-2-70B", "Mistral-7B-v0.1"))
page.reuse("seven_token", seven)
page.reuse("seventy_token", seventy)
page.claim("seventy_b_cheaper_than_seven_b", seventy, seven)
smallest, largest = token("MiniGPT"), token("GPT-3 175B")
for model, _ in cache_sizing.ROWS:
    if model not in ("MiniGPT", "GPT-3 175B"):
        page.claim("minigpt_least_gpt3_most", smallest, token(model), largest)
SEVENTY = shapes("Llama-2-70B", "n_heads", "n_kv_heads")
page.value("query_over_kv", units.ratio, numerator=SEVENTY["n_heads"], denominator=SEVENTY["n_kv_heads"])
page.value("largest_over_smallest", units.ratio, numerator=largest, denominator=smallest)
k32_over_k4 = page.value("k32_over_k4", units.ratio, numerator=K32, denominator=K4)
for model, _ in cache_sizing.ROWS:
    shorter, longer = (cache(model, context) for context in (K4, K32))
    if model == "Mistral-7B-v0.1":
        page.same("window_ends_growth", shorter, longer)
    else:
        page.same("others_multiply", call(units.ratio, numerator=longer, denominator=shorter), k32_over_k4)
    page.claim("only_gpt3_beyond_device", *((DEVICE, longer) if model == "GPT-3 175B" else (longer, DEVICE)))
printed = page.reuse("printed", call(published_figure, name="deepseek_v3_f16").field("published"))
printed_here = page.value(
    "printed_here", sizes.cache_bytes, model_name="DeepSeek-V3", context=K32, batch=one, dtype="fp16"
)
page.same("llama_cpp_prints_the_same", call(units.parse_size, written=printed), printed_here)

# Turned around: tokens next to the weights.

LLAMA = kv_shapes(cache_sizing.FITTED)
ROUNDED = call(units.parse_size, written=cache_sizing.ROUNDED_WEIGHTS)
EXACT = call(sizes.weight_bytes, model_name=cache_sizing.FITTED, dtype="fp16")
FITTED_READINGS = ("reported", "GB")
CHOICES = [(reading, weights) for weights in (ROUNDED, EXACT) for reading in FITTED_READINGS]


def memory_read(device: str, reading: str) -> Value:
    """Return a device's memory in one reading of its name, or as it reports it."""
    return call(cache_sizing.memory_read, device_name=device, reading=reading)


def left(reading: str, weights: Value) -> Value:
    """Return what weights leave of the first question's memory."""
    return call(memory.left_for_cache, memory=memory_read(cache_sizing.FITTED_DEVICE, reading), weights=weights)


def tokens(reading: str, weights: Value, batch: Value) -> Value:
    """Return the tokens that each sequence can have next to the weights."""
    return call(memory.context_in_budget, budget=left(reading, weights), **LLAMA, batch=batch, bytes_per_element=FP16)


@page.table
def fitted(words: Words) -> Rows:
    """Return memory, weights, what is left, and the tokens of one sequence and of each of a batch."""
    return [
        [
            words(f"fitted.{reading}"),
            Shown(weights, "both"),
            Shown(left(reading, weights), "both"),
            *(Shown(tokens(reading, weights, batch)) for batch in (one, eight)),
        ]
        for reading, weights in CHOICES
    ]


def budget_data() -> list[budget.Row]:
    """Return for each reading and size of the weights how the memory is divided, and the tokens of one sequence."""
    return [
        budget.Row(
            reading,
            "rounded" if weights is ROUNDED else "exact",
            weights.result,
            left(reading, weights).result,
            tokens(reading, weights, one).result,
        )
        for reading, weights in CHOICES
    ]


page.figure("budget", budget_data, budget.draw)
memory_40 = page.reuse("memory_40", memory_read(cache_sizing.FITTED_DEVICE, "reported"))
memory_decimal = page.reuse("memory_decimal", memory_read(cache_sizing.FITTED_DEVICE, "GB"))
page.claim("decimal_reading_is_less", memory_decimal, memory_40)
exact_over_rounded = call(units.ratio, numerator=EXACT, denominator=ROUNDED)
page.claim("exact_weights_little_less", parameter(0.8), exact_over_rounded, parameter(1))
page.reuse("rounded_weights", ROUNDED)
page.reuse("exact_weights", EXACT)
llama_limit = page.reuse("llama_limit", limit(cache_sizing.FITTED))
fits = page.reuse("fits", tokens("reported", ROUNDED, one))
fits_decimal = page.reuse("fits_decimal", tokens("GB", ROUNDED, one))
fits_exact = page.reuse("fits_exact", tokens("reported", EXACT, one))
page.value("decimal_share", units.ratio, numerator=fits_decimal, denominator=fits)
exact_share = page.value("exact_share", units.ratio, numerator=fits_exact, denominator=fits)
for reading, weights in CHOICES:
    for batch in (one, eight):
        page.claim("every_answer_beyond_limit", llama_limit, tokens(reading, weights, batch))
page.claim("unit_matters_more", exact_share, call(units.ratio, numerator=fits, denominator=fits_decimal))
page.claim("readings_change_tokens", fits_decimal, fits)
page.reuse("batch_of_8", eight)

# Turned around: devices for the weights.


def weights_of(dtype: str) -> Value:
    """Return the bytes of the weights of the second question."""
    return call(sizes.weight_bytes, model_name=cache_sizing.SPREAD, dtype=dtype)


def devices(dtype: str, reading: str) -> Value:
    """Return the devices that these weights take."""
    return call(
        memory.devices_for_weights,
        weights=weights_of(dtype),
        memory=memory_read(cache_sizing.SPREAD_DEVICE, reading),
    )


@page.table
def spread(words: Words) -> Rows:
    """Return the weights in each dtype, the devices that they take in each reading, and how full these are."""
    return [
        [
            dtype,
            Shown(weights_of(dtype), "both"),
            *(Shown(devices(dtype, reading)) for reading in cache_sizing.READINGS),
            Shown(filled(dtype), "percent1"),
        ]
        for dtype in cache_sizing.SPREAD_DTYPES
    ]


def filled(dtype: str) -> Value:
    """Return how much of the reported memory of these devices the weights fill."""
    number = devices(dtype, "reported")
    together = call(cache_sizing.devices_memory, device_name=cache_sizing.SPREAD_DEVICE, n_devices=number)
    return call(units.ratio, numerator=weights_of(dtype), denominator=together)


for dtype in cache_sizing.SPREAD_DTYPES:
    page.same("readings_give_same_devices", *(devices(dtype, r) for r in cache_sizing.READINGS))
page.reuse("devices_fp16", devices("fp16", "reported"))
page.reuse("devices_int8", devices("int8", "reported"))
