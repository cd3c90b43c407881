"""`solutions/00-derive-cache-size`: the first lab on paper, with every line of its arithmetic."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.experiments_cache_sizing import (
    EXACT,
    FP16,
    K4,
    K32,
    LLAMA,
    MARK,
    ROUNDED,
    cache,
    devices,
    element,
    hypothetical,
    left,
    limit,
    memory_read,
    one,
    stored,
    token,
    tokens,
    weights_of,
)
from figures_src.pages.experiments_cache_sizing import eight as eight_sequences
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import memory, paging, parameters
from kvlab.catalog import mistakes, sizes
from kvlab.experiments import cache_sizing

page = Page("solutions/00-derive-cache-size")

SEVEN, SEVENTY, GPT3, MISTRAL = "Llama-2-7B", "Llama-2-70B", "GPT-3 175B", "Mistral-7B-v0.1"
page.formula("size", memory.kv_cache_bytes)
page.reuse("k4", K4)
page.reuse("k32", K32)
page.parameter("k1", 1024)
page.constant("n_models", "len(kvlab.experiments.cache_sizing.ROWS)")
nothing = parameter(0)


def _ratio(numerator: Value, denominator: Value) -> Value:
    return call(units.ratio, numerator=numerator, denominator=denominator)


# A: the numbers that go in, and the lines.


@page.table
def inputs(words: Words) -> Rows:
    """Return what goes into the formula for each model, with its limit and its window."""
    return [
        [
            model,
            *(Shown(value) for value in kv_shapes(model).values()),
            Shown(element(model)),
            Shown(limit(model)),
            Shown(window) if model == MISTRAL else words("inputs.none"),
        ]
        for model, _ in cache_sizing.ROWS
    ]


window = page.reuse("window", call(sizes.layer_group, model_name=MISTRAL, kind="sliding").field("window"))
NAMES = {"MiniGPT": "mini", "GPT-2 small": "gpt2", SEVEN: "seven", SEVENTY: "seventy", GPT3: "gpt3", MISTRAL: "mistral"}
for model, name in NAMES.items():
    given = {**kv_shapes(model), "bytes_per_element": element(model)}
    page.formula(f"{name}_token_line", memory.kv_bytes_per_token, **given)
    page.reuse(f"{name}_token", token(model))
    for context, at in ((K4, "k4"), (K32, "k32")):
        page.formula(f"{name}_{at}_line", memory.kv_cache_bytes, **given, context=stored(model, context), batch=one)
        page.reuse(f"{name}_{at}", cache(model, context))
    page.reuse(f"{name}_limit", limit(model))
page.formula("token_formula", memory.kv_bytes_per_token)
for model in ("MiniGPT", "GPT-2 small", GPT3):
    page.claim("three_limits_are_shorter", limit(model), K4)
page.same("llama_limit_is_shorter_context", limit(SEVEN), limit(SEVENTY), K4)
page.same("mistral_reaches_both", nothing, call(sizes.over_limit, model_name=MISTRAL, context=K32))
page.same("mistral_window_ends_growth", cache(MISTRAL, K4), cache(MISTRAL, K32))
page.same("gpt2_has_no_groups", *shapes("GPT-2 small", "n_heads", "n_kv_heads").values())
seventy_heads = page.reuse("seventy_heads", shapes(SEVENTY, "n_heads")["n_heads"])
page.reuse("seventy_kv_heads", kv_shapes(SEVENTY)["n_kv_heads"])

# B: turned around.

page.formula("left_formula", memory.left_for_cache)
page.formula("inverse", memory.context_in_budget)
page.reuse("memory_40", memory_read(cache_sizing.FITTED_DEVICE, "reported"))
page.reuse("memory_decimal", memory_read(cache_sizing.FITTED_DEVICE, "GB"))
page.reuse("rounded_weights", ROUNDED)
page.reuse("batch_of_8", eight_sequences)
page.reuse("share_of_8", _ratio(one, eight_sequences))
page.reuse("room_gib", left("reported", ROUNDED))
page.reuse("room_gb", left("GB", ROUNDED))
for name, reading, weights in (
    ("gib", "reported", ROUNDED),
    ("gb", "GB", ROUNDED),
    ("gib_exact", "reported", EXACT),
    ("gb_exact", "GB", EXACT),
):
    page.derivation(f"left_{name}", r"M_{\mathrm{free}}", left(reading, weights), "B")
    for batch, by in ((one, "1"), (eight_sequences, "8")):
        page.formula(
            f"fits_{name}_{by}_line",
            memory.context_in_budget,
            budget=left(reading, weights),
            **LLAMA,
            batch=batch,
            bytes_per_element=FP16,
        )
        found = page.reuse(f"fits_{name}_{by}", tokens(reading, weights, batch))
        page.claim("answers_beyond_limit", limit(SEVEN), found)
seven_parameters = page.reuse("seven_parameters", call(catalog.model, name=SEVEN).field("decoder.parameters"))
counted = call(memory.weight_bytes, parameters=seven_parameters, bytes_per_element=FP16)
page.derivation("weights_exact", "M_w", counted, "B")
page.same("exact_weights_are_less", counted, EXACT)
page.claim("exact_weights_are_less", EXACT, ROUNDED)
page.reuse("weights_exact_bytes", EXACT)
page.value("full_sequences", units.ratio, numerator=tokens("reported", ROUNDED, one), denominator=limit(SEVEN))

COUNTED = shapes(GPT3, "n_layers", "d_model", "d_ff", "vocab_size", "max_context")
gpt3_parameters = call(parameters.gpt2_parameters, **COUNTED)
page.reuse("gpt3_parameters", gpt3_parameters)
EACH = {name: COUNTED[name] for name in ("d_model", "d_ff")}
matrices = page.value("gpt3_matrices_each", parameters.gpt2_block_matrix_parameters, **EACH)
vectors = page.value("gpt3_vectors_each", parameters.gpt2_block_vector_parameters, **EACH)
page.derivation("gpt3_matrices", r"N_{\mathrm{mat}}", matrices)
page.derivation("gpt3_vectors", r"N_{\mathrm{vec}}", vectors)
for name, field in (("vocab", "vocab_size"), ("width", "d_model"), ("layers", "n_layers")):
    page.reuse(f"gpt3_{name}", COUNTED[field])
page.parameter("two", 2)
INT8 = call(units.bytes_per_element, dtype="int8")
for dtype, size in (("fp16", FP16), ("int8", INT8)):
    weights = call(memory.weight_bytes, parameters=gpt3_parameters, bytes_per_element=size)
    page.same("counted_is_in_catalog", weights, weights_of(dtype))
    page.formula(f"gpt3_{dtype}_line", memory.weight_bytes, parameters=gpt3_parameters, bytes_per_element=size)
    page.reuse(f"gpt3_{dtype}", weights)
    for reading in cache_sizing.READINGS:
        page.formula(
            f"devices_{dtype}_{reading.lower()}_line",
            memory.devices_for_weights,
            weights=weights,
            memory=memory_read(cache_sizing.SPREAD_DEVICE, reading),
        )
    page.reuse(f"devices_{dtype}", devices(dtype, "reported"))
    page.same("readings_agree", *(devices(dtype, reading) for reading in cache_sizing.READINGS))
page.formula("devices_formula", memory.devices_for_weights)
for reading in cache_sizing.READINGS:
    page.reuse(f"h100_{reading.lower()}", memory_read(cache_sizing.SPREAD_DEVICE, reading))
gpt3_heads = page.reuse("gpt3_heads", shapes(GPT3, "n_heads")["n_heads"])
devices_even = page.value(
    "devices_even", cache_sizing.dividing_devices, model_name=GPT3, at_least=devices("fp16", "reported")
)
page.claim("heads_do_not_divide", devices("fp16", "reported"), devices_even)
all_five = call(
    cache_sizing.devices_memory, device_name=cache_sizing.SPREAD_DEVICE, n_devices=devices("fp16", "reported")
)
five_left = page.value("five_left", memory.left_for_cache, memory=all_five, weights=weights_of("fp16"))
five_fits = call(memory.context_in_budget, budget=five_left, **kv_shapes(GPT3), batch=one, bytes_per_element=FP16)
page.reuse("five_fits", five_fits)
page.value("five_sequences", units.ratio, numerator=five_fits, denominator=limit(GPT3))

# C: Mistral-7B.

FULL = "Mistral-7B-v0.3"
page.value("mistral_full_token", memory.kv_bytes_per_token, **kv_shapes(FULL), bytes_per_element=FP16)
page.value("saves", units.ratio, numerator=token(SEVEN), denominator=token(MISTRAL))
page.same("only_kv_heads_differ", *(shapes(model, "n_layers")["n_layers"] for model in (SEVEN, MISTRAL)))
page.same("only_kv_heads_differ", *(shapes(model, "head_dim")["head_dim"] for model in (SEVEN, MISTRAL)))
page.reuse("seven_kv_heads", kv_shapes(SEVEN)["n_kv_heads"])
page.reuse("mistral_kv_heads", kv_shapes(MISTRAL)["n_kv_heads"])
K8 = page.parameter("k8", 8 * 1024)


def _seven_over(model: str, context: Value) -> Value:
    sevens, others = (
        call(sizes.cache_bytes, model_name=name, context=context, batch=1, dtype="fp16") for name in (SEVEN, model)
    )
    return _ratio(sevens, others)


@page.table
def mistral_saves(words: Words) -> Rows:
    """Return for several contexts the three caches, and by how much Llama-2-7B's is the larger."""
    return [
        [
            words("mistral_saves.tokens").format(k=_ratio(context, parameter(1024)).result),
            Shown(_size(SEVEN, context), "binary", MARK if hypothetical(SEVEN, context) else ""),
            Shown(_size(FULL, context), "binary"),
            Shown(_seven_over(FULL, context)),
            Shown(_size(MISTRAL, context), "binary"),
            Shown(_seven_over(MISTRAL, context)),
        ]
        for context in (K4, K8, K32)
    ]


def _size(model: str, context: Value) -> Value:
    return call(sizes.cache_bytes, model_name=model, context=context, batch=1, dtype="fp16")


at_k8, at_k32 = (_seven_over(MISTRAL, context) for context in (K8, K32))
page.reuse("saves_8k", at_k8)
page.reuse("saves_32k", at_k32)
page.claim("window_raises_the_factor", page.values["saves"], at_k8, at_k32)
page.same(
    "factor_is_that_of_a_token",
    page.values["saves"],
    _seven_over(MISTRAL, K4),
    *(_seven_over(FULL, context) for context in (K4, K8, K32)),
)
weights = page.value("mistral_weights", sizes.weight_bytes, model_name=MISTRAL, dtype="fp16")
seven_together = page.value("seven_together", memory.together, weights=EXACT, kv_cache=cache(SEVEN, K4))
mistral_together = page.value("mistral_together", memory.together, weights=weights, kv_cache=cache(MISTRAL, K4))
page.reuse("together_ratio", _ratio(seven_together, mistral_together))

# D: what the four paragraphs quote.

WIDE = "Qwen3-32B"
wide = shapes(WIDE, "d_model", "n_heads", "n_kv_heads", "head_dim", "n_layers")
for field in ("d_model", "n_heads", "n_kv_heads", "head_dim"):
    page.reuse(f"wide_{field}", wide[field])
page.value("wide_queries", memory.k_width, n_kv_heads=wide["n_heads"], head_dim=wide["head_dim"])
wide_kept = page.value("wide_kept", memory.k_width, n_kv_heads=wide["n_kv_heads"], head_dim=wide["head_dim"])
wide_token = page.value("wide_token", memory.kv_bytes_per_token, **kv_shapes(WIDE), bytes_per_element=FP16)
ONE_WIDE_HEAD = {"n_layers": wide["n_layers"], "n_kv_heads": 1, "head_dim": wide["d_model"]}
as_width = call(memory.kv_bytes_per_token, **ONE_WIDE_HEAD, bytes_per_element=FP16)
page.reuse("wide_as_width", as_width)
page.value("width_over_kept", units.ratio, numerator=as_width, denominator=wide_token)
width, n_heads, n_kv_heads, head_dim = shapes(SEVEN, "d_model", "n_heads", "n_kv_heads", "head_dim").values()
k_seven = page.value("k_seven", memory.k_width, n_kv_heads=n_kv_heads, head_dim=head_dim)
page.same("seven_keeps_its_width", k_seven, call(memory.k_width, n_kv_heads=n_heads, head_dim=head_dim), width)
page.claim("wide_queries_narrow_keys", wide_kept, wide["d_model"], page.values["wide_queries"])


def _seven_in(dtype: str) -> Value:
    return call(sizes.cache_bytes, model_name=SEVEN, context=K4, batch=1, dtype=dtype)


for dtype in ("fp16", "fp8", "q8_0"):
    page.reuse(f"seven_in_{dtype}", _seven_in(dtype))
page.claim("scales_are_stored", _seven_in("fp8"), _seven_in("q8_0"), _seven_in("fp16"))
page.reuse("fp16_bytes", FP16)

thirty_two = page.parameter("batch_of_32", 32)
mean = page.parameter("mean_context", 1024)
unused = call(paging.unused_slots, max_context=K32, context=mean, batch=one)
page.reuse("unused", unused)
page.value("unused_share", units.ratio, numerator=unused, denominator=K32)
wasted = call(paging.unused_bytes, **LLAMA, max_context=K32, context=mean, batch=thirty_two, bytes_per_element=FP16)
page.derivation("waste", r"M_{\mathrm{empty}}", wasted, "B")
page.reuse("wasted", wasted)
page.formula("unused_line", paging.unused_slots, max_context=K32, context=mean, batch=one)

# E: an own error.

AS_QUERIES = {"model_name": SEVENTY, "mistake": "query_heads", "context": 1, "batch": 1, "dtype": "fp16"}
own = page.value("own_wrong", mistakes.mistaken, **AS_QUERIES)
page.value("own_factor", units.ratio, numerator=own, denominator=token(SEVENTY))
OWN = {**kv_shapes(SEVENTY), "n_kv_heads": seventy_heads, "bytes_per_element": FP16}
page.formula("own_line", memory.kv_bytes_per_token, **OWN)
page.claim("wrong_price_is_above", token(SEVENTY), token(SEVEN), own)
