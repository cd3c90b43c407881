"""What the demo shows of a model of seven billion parameters: by formula, since no run of it fits in a build."""

from __future__ import annotations

from figures_src.declared.page import Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.shared.shapes import kv_shapes, shapes, speeds
from figures_src.plots import against_context, breakdown, cache_over_weights, generation_work, reach
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import flops, memory, pairs, roofline, traffic
from kvlab.catalog import passes, sizes

MODEL, DTYPE = "Llama-2-7B", "fp16"
FP16 = call(units.bytes_per_element, dtype=DTYPE)
DEVICES = ("A100 40GB", "A100 80GB SXM")
KV = kv_shapes(MODEL)
LIMIT = call(catalog.model, name=MODEL).field("decoder.max_context")


def number(quantity: int) -> Value:
    """Return a number that the page chose."""
    return parameter(quantity)


def ratio(numerator: Value, denominator: Value) -> Value:
    """Return one value as a multiple of another."""
    return call(units.ratio, numerator=numerator, denominator=denominator)


# Work of a whole generation.

PROMPT, NEW = 512, 4096
PROMPTS = (1, 64, PROMPT)
ATTENTION = shapes(MODEL, "n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim")
WHOLE = shapes(MODEL, "d_ff", "vocab_size")
NOTHING = {"d_ff": 0, "mlp_matrices": 0, "vocab_size": 0, "rows": 0}


def generation(cached: bool, what: str, prompt: int = PROMPT, new_tokens: int = NEW) -> Value:
    """Return the FLOPs of a generation: of attention's projections, with its scores and sums, or of all products."""
    counts = {"prompt": prompt, "new_tokens": new_tokens}
    tokens = call(pairs.tokens_cached if cached else pairs.tokens_uncached, **counts)
    needed = call(pairs.pairs_cached if cached else pairs.pairs_uncached, **counts)
    rest = {**WHOLE, "mlp_matrices": 3, "rows": new_tokens} if what == "all" else NOTHING
    return call(flops.pass_flops, **ATTENTION, **rest, n_tokens=tokens, pairs=0 if what == "projections" else needed)


def times_fewer(what: str, prompt: int = PROMPT, new_tokens: int = NEW) -> Value:
    """Return how many times the FLOPs with a cache go into those without."""
    return ratio(generation(False, what, prompt, new_tokens), generation(True, what, prompt, new_tokens))


def generation_flops(words: Words) -> Rows:
    """Return the FLOPs of a generation without a cache and with one, for more and more of what is done."""
    return [
        [
            words(f"generation_flops.{what}"),
            Shown(generation(False, what), "FLOP"),
            Shown(generation(True, what), "FLOP"),
            Shown(times_fewer(what), "fixed0"),
        ]
        for what in ("projections", "attention", "all")
    ]


def billions(model: str) -> Value:
    """Return how many billions of parameters a model has."""
    return ratio(call(catalog.model, name=model).field("decoder.parameters"), number(10**9))


def generation_work_data() -> list[generation_work.Row]:
    """Return the projections' FLOPs against the tokens generated, both ways, their ratio, and half of the tokens."""
    rows = []
    for prompt in PROMPTS:
        for new in (2**power for power in range(NEW.bit_length())):
            uncached, cached = (generation(way, "projections", prompt, new).result for way in (False, True))
            half = ratio(number(new), number(2)).result
            fewer = times_fewer("projections", prompt, new).result
            rows.append(generation_work.Row(prompt, new, uncached, cached, fewer, half))
    return rows


SCAN_SHARE = ratio(
    call(flops.attention_flops, n_layers=1, n_heads=ATTENTION["n_heads"], head_dim=ATTENTION["head_dim"],
         context=call(pairs.tokens_of_text, prompt=PROMPT, new_tokens=NEW)),
    call(flops.pass_flops, **{**ATTENTION, "n_layers": 1}, **NOTHING, n_tokens=1, pairs=0),
)  # fmt: skip


# Memory.

WEIGHTS = call(sizes.weight_bytes, model_name=MODEL, dtype=DTYPE)
CASES = ((1, 4), (1, 32), (1, 128), (8, 4), (32, 4), (32, 8))  # sequences, and thousands of tokens of each
STANDARD = ((1, 4), (16, 4), (1, 128))
BROKEN_DOWN = ((1, 4), (8, 4), (32, 4), (1, 32), (1, 128))
REACHED = (1, 8, 32)


def cache_of(batch: int, context: int) -> Value:
    """Return the bytes of the cache of `batch` sequences of `context` tokens."""
    return call(memory.kv_cache_bytes, **KV, context=context, batch=batch, bytes_per_element=FP16)


def thousands(count: int) -> Value:
    """Return a context in tokens, given in units of 1,024."""
    return number(count * 1024)


def total(batch: int, context: int) -> Value:
    """Return the bytes of weights and cache together."""
    return call(memory.together, weights=WEIGHTS, kv_cache=cache_of(batch, context))


def activations(tokens: int) -> Value:
    """Return the bytes that the MLP's first matrix takes and gives in a pass of so many tokens."""
    shape = {"n_in": ATTENTION["d_model"], "n_out": WHOLE["d_ff"]}
    return call(traffic.activation_bytes, **shape, n_tokens=tokens, bytes_per_element=FP16)


def sizes_of_cases(words: Words) -> Rows:
    """Return the cache of several batches and contexts, in both units."""
    rows: list[list[str | Shown]] = []
    for batch, k in CASES:
        held = thousands(k)
        size = cache_of(batch, k * 1024)
        mark = "†" if held.result > LIMIT.result else ""
        rows.append([Shown(number(batch)), Shown(held, mark=mark), Shown(size, "GB"), Shown(size, "GiB")])
    return rows


def reach_data() -> list[reach.Row]:
    """Return the cache of three batches against the context of each sequence, and the memories of devices."""
    rows = []
    for batch in REACHED:
        contexts = [2**power for power in range(10, 18)]
        rows += [reach.Row("case", str(batch), context, cache_of(batch, context).result) for context in contexts]
    for name, label_at in zip(DEVICES, (10 * 1024, 20 * 1024), strict=True):
        rows.append(reach.Row("device", name, label_at, call(sizes.memory_bytes, device_name=name).result))
    return rows


def breakdown_data() -> list[breakdown.Row]:
    """Return weights and cache of several cases, and apart what one matrix takes and gives while a prompt is read."""
    return [
        breakdown.Row(batch, k, WEIGHTS.result, cache_of(batch, k * 1024).result, activations(k * 1024).result)
        for batch, k in BROKEN_DOWN
    ]


def standard_cases(words: Words) -> Rows:
    """Return weights, cache, and both together, of the three cases that are quoted most."""
    rows: list[list[str | Shown]] = []
    for batch, k in STANDARD:
        cache, both = cache_of(batch, k * 1024), total(batch, k * 1024)
        cells = [Shown(WEIGHTS, "GB"), Shown(cache, "GB"), Shown(both, "GB"), Shown(both, "GiB")]
        rows.append([f"B = {batch}, {k}k", *cells, Shown(ratio(cache, both), "percent1")])
    return rows


# The bottleneck.

CROSSING = call(sizes.crossing, model_name=MODEL, batch=1, dtype=DTYPE)
SMALLER_DEVICE_BYTES, DEVICE_BYTES = (call(sizes.memory_bytes, device_name=name) for name in DEVICES)
DRAWN_SIZES = ("Llama-2-7B", "Llama-3.2-1B", "Llama-2-70B", "Llama-3.1-405B")
SIZES = ("Llama-2-7B", "Llama-2-13B", "Llama-3.2-1B", "Llama-2-70B", "Llama-3.1-405B")


def against_context_data() -> list[against_context.Row]:
    """Return weights and cache of one sequence against its tokens, the crossing, and a device's memory."""
    return [
        against_context.Row(context, WEIGHTS.result, cache_of(1, context).result, CROSSING.result, DEVICE_BYTES.result)
        for context in (1, *range(4096, 128 * 1024 + 1, 4096))
    ]


def crossing_of(model: str) -> Value:
    """Return the fewest tokens whose cache is larger than a model's weights."""
    return call(sizes.crossing, model_name=model, batch=1, dtype=DTYPE)


def token_of(model: str) -> Value:
    """Return the bytes of the first token in a model's cache."""
    return call(sizes.cache_bytes, model_name=model, context=1, batch=1, dtype=DTYPE)


def crossings(words: Words) -> Rows:
    """Return for models of several sizes weights, one token, and the tokens whose cache is larger than the weights."""
    rows: list[list[str | Shown]] = []
    for model in SIZES:
        weights = call(sizes.weight_bytes, model_name=model, dtype=DTYPE)
        limit = call(catalog.model, name=model).field("decoder.max_context")
        rows.append(
            [model, Shown(weights, "GB"), Shown(token_of(model), "KiB"), Shown(crossing_of(model)), Shown(limit)]
        )
    return rows


def cache_over_weights_data() -> list[cache_over_weights.Row]:
    """Return cache over weights against the tokens of all sequences together, for models of several sizes."""
    rows = []
    for model in DRAWN_SIZES:
        weights = call(sizes.weight_bytes, model_name=model, dtype=DTYPE)
        for context in (2**power for power in range(10, 21)):
            size = call(sizes.cache_bytes, model_name=model, context=context, batch=1, dtype=DTYPE)
            beyond = call(sizes.over_limit, model_name=model, context=context).result
            share, crossing = ratio(size, weights).result, crossing_of(model).result
            rows.append(cache_over_weights.Row(model, context, share, not beyond, crossing))
    return rows


def against_batch_data() -> list[reach.Row]:
    """Return weights and cache together against the sequences of a batch, for three contexts, and the devices."""
    rows = []
    for k in (1, 4, 16):
        batches = [2**power for power in range(7)]
        rows += [reach.Row("case", f"{k}k", batch, total(batch, k * 1024).result) for batch in batches]
    for name in DEVICES:
        rows.append(reach.Row("device", name, 1, call(sizes.memory_bytes, device_name=name).result))
    return rows


# Passes.

RIDGE = call(roofline.ridge, **speeds(DEVICES[-1]))


def pass_intensity(n_tokens: int) -> Value:
    """Return the FLOPs for each byte of weights and cache that a pass over so many tokens reads."""
    one = {"model_name": MODEL, "held": 0, "n_tokens": n_tokens, "batch": 1, "bytes_per_element": FP16}
    work, weights, cache = (call(passes.whole_pass, **one).field(q) for q in ("flops", "weight_bytes", "kv_bytes"))
    return ratio(work, call(memory.together, weights=weights, kv_cache=cache))
