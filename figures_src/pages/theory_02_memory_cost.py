"""`theory/02-memory-cost`: the size formula, held against real arrays; its one general form; and turned around."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.plots import cache_over_weights, zoo
from figures_src.words import Words, numbers
from kvlab import catalog, units
from kvlab.accounting import formats, layers, memory
from kvlab.catalog import sizes
from kvlab.catalog.published import published_figure
from kvlab.experiments import allocation

page = Page("theory/02-memory-cost")

FP32, FP16 = (call(units.bytes_per_element, dtype=dtype) for dtype in ("fp32", "fp16"))
one, eight, thirty_two = (parameter(quantity) for quantity in (1, 8, 32))
K1, K4, K32, K128 = (parameter(thousands * 1024) for thousands in (1, 4, 32, 128))
LLAMA = kv_shapes("Llama-2-7B")

# The formula, and one case by hand.


def _size(model_shapes: dict[str, Value], context: Value, element: Value, batch: Value = one) -> Value:
    return call(memory.kv_cache_bytes, **model_shapes, context=context, batch=batch, bytes_per_element=element)


page.formula("size", memory.kv_cache_bytes)
page.formula("per_token_formula", memory.kv_bytes_per_token)
llama_4k = page.reuse("llama_4k", _size(LLAMA, K4, FP16))
page.derivation("llama_derived", "M", llama_4k, "B")
page.reuse("fp16_bytes", FP16)
page.reuse("k4", K4)

# The arrays.


@page.table
def real_arrays(words: Words) -> Rows:
    """Return, for each kind of cache, how many shapes were made and of how many the bytes are the formula's."""
    return [
        [
            words(f"real_arrays.{kind}"),
            Shown(call(allocation.shapes_tried, kind=kind)),
            Shown(call(allocation.shapes_agreeing, kind=kind)),
            Shown(call(allocation.largest_occupied, kind=kind), "both"),
        ]
        for kind in allocation.KINDS
    ]


tried = page.value("arrays_tried", allocation.all_tried)
agreeing = page.value("arrays_agreeing", allocation.all_agreeing)
page.constant("n_kinds", "len(kvlab.experiments.allocation.KINDS)")
page.same("arrays_agree", tried, agreeing)

# What others said: name of the figure, model, tokens, format of the elements, and the unit in which they said it.

LOGS = (
    ("llama31_8b_4096", "Llama-3.1-8B", K4, "fp16", "MiB"),
    ("deepseek_v3_f16", "DeepSeek-V3", K32, "fp16", "MiB"),
    ("deepseek_v3_q8_0", "DeepSeek-V3", K32, "q8_0", "MiB"),
    ("qwen3_coder_480b", "Qwen3-Coder-480B-A35B", parameter(262_144), "bf16", "GiB"),
)


def _cache(model: str, context: Value, dtype: str = "fp16") -> Value:
    return call(sizes.cache_bytes, model_name=model, context=context, batch=one, dtype=dtype)


@page.table
def logs(words: Words) -> Rows:
    """Return what inference engines printed of their caches, and what the formula gives."""
    return [
        [
            model,
            words(f"logs.{figure}"),
            Shown(context),
            dtype,
            Shown(call(published_figure, name=figure).field("published")),
            Shown(_cache(model, context, dtype), unit),
        ]
        for figure, model, context, dtype, unit in LOGS
    ]


# Per token, and at three contexts.

AS_MHA = {**kv_shapes("Llama-2-70B"), "n_kv_heads": shapes("Llama-2-70B", "n_heads")["n_heads"]}
# Model, shapes if they are not its own, element.
SCALING: tuple[tuple[str, dict[str, Value] | None, str], ...] = (
    ("MiniGPT", None, "fp32"),
    ("GPT-2 small", None, "fp16"),
    ("Llama-2-7B", None, "fp16"),
    ("Llama-2-13B", None, "fp16"),
    ("Llama-2-70B", AS_MHA, "fp16"),
    ("Llama-2-70B", None, "fp16"),
    ("GPT-3 175B", None, "fp16"),
    ("Mistral-7B-v0.3", None, "fp16"),
    ("Mistral-7B-v0.1", None, "fp16"),
)
WINDOWED = "Mistral-7B-v0.1"
MARK = "\u202f†"


def _scaled(model: str, changed: dict[str, Value] | None, dtype: str, context: Value) -> Shown:
    if model == WINDOWED:
        size = _cache(model, context, dtype)
    else:
        size = _size(changed or kv_shapes(model), context, call(units.bytes_per_element, dtype=dtype))
    beyond = call(sizes.over_limit, model_name=model, context=context).result
    return Shown(size, "both", MARK if beyond else "")


@page.table
def scaling(words: Words) -> Rows:
    """Return the cache of each model for one token and at three contexts; a mark where its limit is passed."""
    names = {WINDOWED: words("scaling.windowed"), "changed": words("scaling.as_mha")}
    rows: list[list[str | Shown]] = []
    for model, changed, dtype in SCALING:
        name = names["changed"] if changed else names.get(model, model)
        limit = Shown(call(catalog.model, name=model).field("decoder.max_context"))
        cells = [_scaled(model, changed, dtype, context) for context in (one, K4, K32, K128)]
        rows.append([name, limit, *cells])
    return rows


page.reuse("k1", K1)
llama_token = call(memory.kv_bytes_per_token, **LLAMA, bytes_per_element=FP16)
gqa = page.value("token_70b", memory.kv_bytes_per_token, **kv_shapes("Llama-2-70B"), bytes_per_element=FP16)
mha = page.value("token_70b_mha", memory.kv_bytes_per_token, **AS_MHA, bytes_per_element=FP16)
page.claim("sharing_heads_pays", gqa, llama_token)
page.claim("sharing_heads_pays", gqa, mha)
page.value("mha_over_gqa", units.ratio, numerator=mha, denominator=gqa)
mistral_token = call(memory.kv_bytes_per_token, **kv_shapes("Mistral-7B-v0.3"), bytes_per_element=FP16)
per_token = page.value("llama_over_mistral", units.ratio, numerator=llama_token, denominator=mistral_token)
mistral_window = page.reuse(
    "mistral_window", call(sizes.layer_group, model_name=WINDOWED, kind="sliding").field("window")
)
mistral_full = page.reuse("mistral_full", _cache(WINDOWED, mistral_window))
llama_32k = _size(LLAMA, K32, FP16)
page.value("llama_over_windowed", units.ratio, numerator=llama_32k, denominator=_cache(WINDOWED, K32))
full_32k = call(units.ratio, numerator=llama_32k, denominator=_cache("Mistral-7B-v0.3", K32))
page.same("only_a_window_differs", mistral_token, _cache(WINDOWED, one))
page.same("only_a_window_differs", mistral_full, _cache(WINDOWED, K32))
page.same("only_a_window_differs", per_token, full_32k)

# Units.

gibi, giga = (call(units.parse_size, written=written) for written in ("1GiB", "1GB"))
page.value("gib_over_gb", units.ratio, numerator=gibi, denominator=giga)
llama_128k = page.reuse("llama_128k", _size(LLAMA, K128, FP16))

# The zoo against the memory of devices.

ZOO = ("GPT-3 175B", "Llama-2-7B", "Llama-3-70B", "DeepSeek-V3", "Gemma-3-4B", "Mistral-7B-v0.1")
DEVICES = ("RTX 4090", "H100 80GB SXM")
ZOO_CONTEXTS = tuple(2**power for power in range(10, 18))


def zoo_data() -> list[zoo.Row]:
    """Return the cache of each model against context, whether its limit allows it, and the devices' memories."""
    rows = []
    for model in ZOO:
        for context in ZOO_CONTEXTS:
            held = parameter(context)
            beyond = call(sizes.over_limit, model_name=model, context=held).result
            rows.append(zoo.Row("cache", model, context, _cache(model, held).result, not beyond))
    for device in DEVICES:
        size = call(sizes.memory_bytes, device_name=device).result
        rows.append(zoo.Row("device", device, ZOO_CONTEXTS[0], size, True))
    return rows


page.figure("zoo", zoo_data, zoo.draw)
rtx = page.value("rtx", sizes.memory_bytes, device_name="RTX 4090")
page.parameter("zoo_models", len(ZOO))
page.parameter("zoo_devices", len(DEVICES))


def _growth(model: str, longer: Value, shorter: Value) -> Value:
    return call(units.ratio, numerator=_cache(model, longer), denominator=_cache(model, shorter))


for model in ("GPT-3 175B", "Llama-2-7B", "Llama-3-70B", "DeepSeek-V3"):
    page.same("zoo_bends", _growth(model, K128, K1), parameter(128))
page.claim("zoo_bends", _growth("Gemma-3-4B", K4, K1), _growth("Gemma-3-4B", K128, K32))
page.claim("zoo_bends", parameter(3.5), _growth("Gemma-3-4B", K128, K32), parameter(4))
page.same("zoo_bends", *(_cache("Mistral-7B-v0.1", context) for context in (mistral_window, K32, K128)))
page.claim(
    "zoo_in_order",
    _cache("Mistral-7B-v0.1", K128),
    _cache("Gemma-3-4B", K128),
    _cache("DeepSeek-V3", K128),
    rtx,
    _cache("Llama-3-70B", K128),
    _cache("Llama-2-7B", K128),
    call(sizes.memory_bytes, device_name="H100 80GB SXM"),
    _cache("GPT-3 175B", K128),
)

# One general formula, one factor changed at a time.

page.formula("term", layers.kind_bytes)
PLAIN = {"count": LLAMA["n_layers"], "block_bytes": FP16, "tokens": K32, "batch": one}
HEADS = {heads: call(memory.k_width, n_kv_heads=heads, head_dim=LLAMA["head_dim"]) for heads in (1, 8)}
MHA_WIDTH = call(memory.k_width, n_kv_heads=LLAMA["n_kv_heads"], head_dim=LLAMA["head_dim"])
latent = page.reuse("latent", call(sizes.layer_group, model_name="DeepSeek-V3", kind="latent").field("k_dim"))
nothing = parameter(0)


def _both(width: Value) -> dict[str, Value]:
    return {"k_blocks": width, "v_blocks": width}


def _in_blocks(name: str) -> dict[str, Value]:
    element = f"kvlab.accounting.formats.ELEMENTS[{name!r}]"
    block, block_bytes = (constant(f"{element}.{field}") for field in ("block", "block_bytes"))
    return {**_both(call(formats.stored_blocks, width=MHA_WIDTH, block=block)), "block_bytes": block_bytes}


CASES: dict[str, dict[str, Value]] = {
    "mha": {**PLAIN, **_both(MHA_WIDTH)},
    "gqa": {**PLAIN, **_both(HEADS[8])},
    "mqa": {**PLAIN, **_both(HEADS[1])},
    "mla": {**PLAIN, "k_blocks": latent, "v_blocks": nothing},
    "window": {**PLAIN, **_both(MHA_WIDTH), "tokens": mistral_window},
    "fp8": {**PLAIN, **_both(MHA_WIDTH), "block_bytes": one},
    "q8_0": {**PLAIN, **_in_blocks("q8_0")},
    "q4_0": {**PLAIN, **_in_blocks("q4_0")},
}
TERMS = {name: call(layers.kind_bytes, **factors) for name, factors in CASES.items()}
page.same("one_group_is_the_formula", TERMS["mha"], llama_32k)


@page.table
def cases(words: Words) -> Rows:
    """Return the factors of the general formula, case by case, the bytes, and their share of the first row's."""
    factors = ("k_blocks", "v_blocks", "block_bytes", "tokens")
    symbols = ("$w_K$", "$w_V$", "$s_b$", "$S_i$")
    [f"{words(f'cases.{factor}')} {symbol}" for factor, symbol in zip(factors, symbols, strict=True)]
    return [
        [
            words(f"cases.{name}").format(heads=numbers.show(8, "word", words.language)),
            *(Shown(CASES[name][factor]) for factor in factors),
            Shown(term, "both"),
            Shown(call(units.ratio, numerator=term, denominator=TERMS["mha"]), "percent1"),
        ]
        for name, term in TERMS.items()
    ]


page.constant("q8_block", "kvlab.accounting.formats.ELEMENTS['q8_0'].block")
page.constant("q8_block_bytes", "kvlab.accounting.formats.ELEMENTS['q8_0'].block_bytes")
q8_over_fp8 = page.value("q8_over_fp8", units.ratio, numerator=TERMS["q8_0"], denominator=TERMS["fp8"])
page.claim("scales_take_room", parameter(1.05), q8_over_fp8)

# MLA, and layers of two kinds.

DEEPSEEK_LAYERS = call(sizes.layer_group, model_name="DeepSeek-V3", kind="latent").field("count")
deepseek_token = page.value(
    "deepseek_token",
    layers.kind_bytes,
    count=DEEPSEEK_LAYERS,
    k_blocks=latent,
    v_blocks=nothing,
    block_bytes=FP16,
    tokens=one,
    batch=one,
)
page.derivation("deepseek_derived", "M", deepseek_token, "B")
page.same("deepseek_two_routes", deepseek_token, _cache("DeepSeek-V3", one))
page.value("llama_over_deepseek", units.ratio, numerator=llama_token, denominator=deepseek_token)

MIXED = "Gemma-3-27B"


def _of(kind: str, field: str) -> Value:
    return call(sizes.layer_group, model_name=MIXED, kind=kind).field(field)


mixed_window = page.reuse("mixed_window", _of("sliding", "window"))
mixed_groups: dict[str, Value] = {}
for kind, tokens in (("sliding", mixed_window), ("full", K32)):
    page.reuse(f"mixed_{kind}_count", _of(kind, "count"))
    width = call(memory.k_width, n_kv_heads=_of(kind, "n_kv_heads"), head_dim=_of(kind, "k_dim"))
    term = call(layers.kind_bytes, count=_of(kind, "count"), **_both(width), block_bytes=FP16, tokens=tokens, batch=one)
    mixed_groups[kind] = term
    page.derivation(f"mixed_{kind}", {"sliding": r"M_{\mathrm{win}}", "full": r"M_{\mathrm{full}}"}[kind], term, "B")
page.reuse("k32", K32)
page.reuse("llama_layers", LLAMA["n_layers"])
page.reuse("k128", K128)
mixed_32k = page.reuse("mixed_32k", _cache(MIXED, K32))
mixed_before = page.value("mixed_before", sizes.next_token_bytes, model_name=MIXED, context=0, dtype="fp16")
mixed_after = page.value("mixed_after", sizes.next_token_bytes, model_name=MIXED, context=mixed_window, dtype="fp16")
page.claim("full_windows_save", mixed_after, mixed_before)
both_groups = call(memory.together, weights=mixed_groups["sliding"], kv_cache=mixed_groups["full"])
page.same("groups_add_up", mixed_32k, both_groups)

# Against the weights.

CROSSING = ("Llama-2-7B", "GPT-3 175B", "Llama-2-70B", "DeepSeek-V3")
CROSSING_CONTEXTS = tuple(2**power for power in range(10, 21))


def _crossing(model: str, batch: Value = one) -> Value:
    return call(sizes.crossing, model_name=model, batch=batch, dtype="fp16")


def cache_over_weights_data() -> list[cache_over_weights.Row]:
    """Return cache over weights against the tokens of all sequences together, and where the cache outgrows them."""
    rows = []
    for model in CROSSING:
        weights = call(sizes.weight_bytes, model_name=model, dtype="fp16")
        for context in CROSSING_CONTEXTS:
            held = parameter(context)
            share = call(units.ratio, numerator=_cache(model, held), denominator=weights).result
            beyond = call(sizes.over_limit, model_name=model, context=held).result
            rows.append(cache_over_weights.Row(model, context, share, not beyond, _crossing(model).result))
    return rows


page.figure("cache_over_weights", cache_over_weights_data, cache_over_weights.draw)
llama_weights = page.value("llama_weights", sizes.weight_bytes, model_name="Llama-2-7B", dtype="fp16")
page.value("llama_share", units.ratio, numerator=llama_4k, denominator=llama_weights)
llama_limit = page.reuse("llama_limit", call(catalog.model, name="Llama-2-7B").field("decoder.max_context"))
llama_crossing = page.reuse("llama_crossing", _crossing("Llama-2-7B"))
llama_crossing_32 = page.reuse("llama_crossing_32", _crossing("Llama-2-7B", thirty_two))
page.reuse("batch_of_32", thirty_two)
page.claim("only_a_batch_crosses", llama_crossing_32, llama_limit, llama_crossing)
*crossing, never = CROSSING
drawn = parameter(max(CROSSING_CONTEXTS))
page.claim("crossings_in_order", *map(_crossing, crossing), drawn)
for model in crossing:
    page.claim("crossings_in_order", shapes(model, "max_context")["max_context"], _crossing(model))
times = call(units.ratio, numerator=_crossing(never), denominator=drawn)
page.claim("crossings_in_order", parameter(10), times)

# Turned around.

page.formula("inverse", memory.context_in_budget)
left = page.value("left", memory.left_for_cache, memory=rtx, weights=llama_weights)
fitting = call(memory.context_in_budget, budget=left, **LLAMA, batch=one, bytes_per_element=FP16)
page.derivation("inverse_derived", r"S_{\mathrm{max}}", fitting)
page.claim("more_fits_than_one_sequence", llama_limit, fitting)
page.value(
    "fitting_sequences",
    sizes.sequences_beside_weights,
    model_name="Llama-2-7B",
    device_name="RTX 4090",
    context=llama_limit,
    dtype="fp16",
)
fitting_8 = page.value("fitting_8", memory.context_in_budget, budget=left, **LLAMA, batch=eight, bytes_per_element=FP16)
page.reuse("batch_of_8", eight)
as_decimal = page.value("as_decimal", units.parse_size, written="24GB")
left_decimal = call(memory.left_for_cache, memory=as_decimal, weights=llama_weights)
fitting_decimal = page.value(
    "fitting_decimal", memory.context_in_budget, budget=left_decimal, **LLAMA, batch=one, bytes_per_element=FP16
)
page.claim("decimal_name_is_less", fitting_decimal, fitting)
