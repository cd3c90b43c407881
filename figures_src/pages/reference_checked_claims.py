"""`reference/checked-claims`: what is said of KV caches, next to what is computed, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Callable

from figures_src.declared.claims import Claims, Part
from figures_src.declared.page import Page
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.background_decode_cost_model import page as cost_model
from figures_src.pages.index import N_PROMPTS, N_TOKENS, PROMPT
from figures_src.pages.shared.shapes import kv_shapes, shapes, speeds
from figures_src.pages.theory_03_decode_as_memory_bound import page as memory_bound
from figures_src.pages.theory_03_decode_as_memory_bound import step as seven_step
from figures_src.pages.theory_05_worked_example import FP16, LAPTOP, MINI
from figures_src.pages.theory_05_worked_example import page as worked_example
from kvlab import catalog, units
from kvlab.accounting import flops, memory, paging, pairs, roofline, traffic
from kvlab.catalog import claims, sizes
from kvlab.experiments import demo, minigpt

page = Page("reference/checked-claims", shared_runs=True)
work = Page("reference/checked-claims-work", shared_runs=True)  # the claims from those of work on
claimed = Claims(page)
judge = claimed.judge


def _ratio(numerator: Value, denominator: Value) -> Value:
    return call(units.ratio, numerator=numerator, denominator=denominator)


def _given(quantity: float) -> Value:
    return parameter(quantity)


# The MiniGPT, as the worked example has it.
MINI_VALUES = worked_example.values
cache, weights = MINI_VALUES["cache"], MINI_VALUES["weights"]
SIZES = "n_layers cache l1d l2 parameters untied_parameters together s_max token_fp32 gpt3_context"
SHARES = "cache_over_weights cache_over_l1d cache_over_l2 cache_over_untied share_full"
for name in (*SIZES.split(), *SHARES.split()):
    page.reuse(name, MINI_VALUES[name])

judge("l1-many-times", Part(_ratio(MINI_VALUES["l1d"], cache), "fixed2"))
judge(
    "mini-weights",
    Part(MINI_VALUES["parameters"]),
    Part(weights, "binary"),
    Part(MINI_VALUES["cache_over_weights"], "percent1"),
)
judge("mini-like-large", Part(MINI_VALUES["gpt3_cache_over_weights"], "percent1"))
level = call(catalog.fitting_level, processor_name=LAPTOP, size_bytes=MINI_VALUES["together"])
judge("mini-memory-bound", Part(level))
page.claim("share_smaller_in_gpt3", MINI_VALUES["gpt3_cache_over_weights"], MINI_VALUES["cache_over_weights"])
page.claim("cache_larger_than_l1", MINI_VALUES["l1d"], cache)
page.claim("mini_stays_in_l3", MINI_VALUES["together"], MINI_VALUES["l3"])
page.value("few_thousand", claims.claimed, claim="mini-step-work", part=0)
judge("mini-step-work", Part(MINI_VALUES["decode_flops_full"]))
BLOCK = {name: MINI[name] for name in ("n_layers", "d_model", "d_ff")}
page.value("block_matrices", flops.gpt2_matrix_elements, **BLOCK, vocab_size=0)
table = page.value(
    "table_elements", flops.gpt2_matrix_elements, **BLOCK | {"n_layers": 0}, vocab_size=MINI["vocab_size"]
)
matrices = page.reuse("matrix_elements", MINI_VALUES["matrix_elements"])
work.reuse("head_share", _ratio(table, matrices))
STEP = {name: MINI[name] for name in ("n_layers", "d_model", "n_heads", "head_dim", "d_ff", "vocab_size")}
page.value("matrix_flops", flops.gpt2_decode_flops, **STEP, context=0)
page.reuse("attention_per_slot", MINI_VALUES["attention_per_slot"])
judge("mini-step-reads", Part(MINI_VALUES["weights_read"], "binary"), Part(cache, "binary"))

# Bytes and their names.

SEVEN = "Llama-2-7B"
ELEMENT = "fp16"
MAX = shapes(SEVEN, "max_context")["max_context"]
CONTEXT_8K, CONTEXT_32K, CONTEXT_128K = (_given(tokens) for tokens in (8192, 32768, 131072))


def _cache_of(model: str, context: Value, batch: int = 1, dtype: str = ELEMENT) -> Value:
    return call(sizes.cache_bytes, model_name=model, context=context, batch=batch, dtype=dtype)


def _weights_of(model: str) -> Value:
    return call(sizes.weight_bytes, model_name=model, dtype=ELEMENT)


def _token_of(model: str) -> Value:
    return call(memory.kv_bytes_per_token, **kv_shapes(model), bytes_per_element=FP16)


seven_weights = page.reuse("seven_weights", _weights_of(SEVEN))
seven_cache = page.reuse("seven_cache", _cache_of(SEVEN, MAX))
token = page.reuse("seven_token", _token_of(SEVEN))
page.reuse("seven_128k", _cache_of(SEVEN, CONTEXT_128K))
page.reuse("seven_parameters", call(catalog.model, name=SEVEN).field("decoder.parameters"))
page.reuse("seven_max", MAX)
work.reuse("one_k", _given(1024))

for name in ("heads", "kv_heads"):
    page.reuse(f"demo_{name}", call(minigpt.subject, model_name="demo").field(f"architecture.n_{name}"))
judge("query-heads-cached", Part(call(demo.bytes_per_token), "binary"))
judge(
    "binary-as-decimal",
    Part(token, "both"),
    *(Part(_cache_of(SEVEN, context), "both", {"tokens": context}) for context in (MAX, CONTEXT_128K)),
)
for binary, written in ((token, "0.5MiB"), (seven_cache, "2GiB"), (page.values["seven_128k"], "64GiB")):
    page.same("right_in_the_other_unit", binary, call(units.parse_size, written=written))
page.claim("longest_beyond_limit", MAX, CONTEXT_128K)
page.reuse("opt_token_bytes", opt := _token_of("OPT-13B"))
judge("opt-token", Part(opt, "both"))
page.same("opt_token_is_800_kib", opt, call(units.parse_size, written="800KiB"))
judge("seven-billion", Part(seven_weights, "both"))
seventy = _token_of("Llama-2-70B")
judge("llama-70b-token", Part(seventy, "binary"))
SEVENTY = shapes("Llama-2-70B", "n_heads", "n_kv_heads")
for field, heads in SEVENTY.items():
    page.reuse(field.replace("n_", "seventy_", 1), heads)
page.reuse("seventy_saves", _ratio(*SEVENTY.values()))
as_mha = {**kv_shapes("Llama-2-70B"), "n_kv_heads": SEVENTY["n_heads"], "bytes_per_element": FP16}
said = call(claims.claimed, claim="llama-70b-token", part=0)
page.same("claimed_is_as_mha", said, call(memory.kv_bytes_per_token, **as_mha))
gpt3_weights = page.reuse("gpt3_bytes", MINI_VALUES["gpt3_weights"])
judge("gpt3-weights", Part(gpt3_weights, "both"))
gpt3_token = _ratio(_token_of("GPT-3 175B"), gpt3_weights)
page.reuse("gpt3_tokens", _ratio(MINI_VALUES["cache_over_weights"], gpt3_token))


def _together(batch: int, context: Value) -> Value:
    return call(memory.together, weights=seven_weights, kv_cache=_cache_of(SEVEN, context, batch))


def _case(batch: int, context: Value) -> dict[str, Value]:
    return {"sequences": _given(batch), "tokens": context}


CASES = ((1, MAX), (16, MAX), (1, CONTEXT_128K))
judge("weights-and-cache", *(Part(_together(*case), "both", _case(*case)) for case in CASES))

reported = {entry.name: call(sizes.memory_bytes, device_name=entry.name) for entry in catalog.accelerators()}
judge("device-gigabytes", *(Part(size, "both") for size in reported.values()))
page.reuse("eighty", _given(80))
midway = call(units.ratio, numerator=10**9 + 2**30, denominator=2 * 10**9)
for name, size in reported.items():
    over_name = _ratio(size, call(units.parse_size, written=call(catalog.device, name=name).field("marketed")))
    page.claim("reported_is_nearer_gib", *((over_name, midway) if name == "L4" else (midway, over_name)))
of_eighty_gib = _ratio(reported["H100 80GB SXM"], call(units.parse_size, written="80GiB"))
page.claim("h100_reports_a_little_less", _given(0.99), of_eighty_gib, _given(1))

MISTRAL = ("Mistral-7B-v0.1", "Mistral-7B-v0.3")
MISTRAL_CASES = ((MISTRAL[0], CONTEXT_8K), (MISTRAL[0], CONTEXT_32K), (MISTRAL[1], CONTEXT_32K))
of_a_token = _ratio(token, _token_of(MISTRAL[1]))
of_a_text = [_ratio(_cache_of(SEVEN, context), _cache_of(model, context)) for model, context in MISTRAL_CASES]
texts = [Part(saved, "", {"tokens": context}) for saved, (_, context) in zip(of_a_text, MISTRAL_CASES, strict=True)]
judge("mistral-four-times", Part(of_a_token), *texts)
page.claim("window_adds_to_heads", of_a_token, *of_a_text[:2])
HEADS = shapes(SEVEN, "n_heads", "n_kv_heads")
mistral_heads = page.reuse("mistral_kv_heads", shapes(MISTRAL[1], "n_kv_heads")["n_kv_heads"])
seven_heads = page.reuse("seven_heads", HEADS["n_heads"])
work.reuse("seven_heads", seven_heads)
page.reuse("mistral_window", call(sizes.layer_group, model_name=MISTRAL[0], kind="sliding").field("window"))
mistral_saves = work.reuse("mistral_saves", _ratio(HEADS["n_kv_heads"], mistral_heads))
page.same("heads_give_the_factor", mistral_saves, of_a_token, of_a_text[-1])

judge(
    "one-byte-halves",
    *(Part(_ratio(seven_cache, _cache_of(SEVEN, MAX, dtype=dtype)), "fixed2") for dtype in ("int8", "q8_0")),
)
page.constant("q8_block", "kvlab.accounting.formats.ELEMENTS['q8_0'].block")
page.constant("q8_bytes", "kvlab.accounting.formats.ELEMENTS['q8_0'].block_bytes")

AT_LIMIT = ("GPT-3 175B", SEVEN, "Llama-3.2-1B")
shares = [_ratio(_cache_of(m, shapes(m, "max_context")["max_context"]), _weights_of(m)) for m in AT_LIMIT]
judge("cache-exceeds-weights", *(Part(share, "percent1") for share in shares))
for name, batch in (("seven_crossing", 1), ("seven_crossing_of_16", 16)):
    page.value(name, sizes.crossing, model_name=SEVEN, batch=batch, dtype=ELEMENT)
page.reuse("sixteen", _given(16))
crossings = page.values["seven_crossing_of_16"], page.values["seven_crossing"]
page.claim("sixteen_pass_within_limit", crossings[0], MAX, crossings[1])

reserved, mean = page.reuse("reserved", CONTEXT_32K), page.reuse("mean_length", _given(1024))
empty = call(paging.unused_slots, max_context=reserved, context=mean, batch=1)
judge("dense-waste", Part(_ratio(empty, reserved), "percent1"))

# Work, on the second page.

claimed.go_on(work)
READ_AS = {"dominated": "width-dominates", "by_orders": "quadratic-dominates", "cause": "decode-reads-cache"}
for name, claim in READ_AS.items():
    work.value(name, claims.claimed, claim=claim, part=0)

LAYER = {"n_layers": 1, "n_heads": HEADS["n_heads"], "head_dim": shapes(SEVEN, "head_dim")["head_dim"]}
width = work.reuse("seven_width", shapes(SEVEN, "d_model")["d_model"])
judge("attention-two-flops", Part(_ratio(call(flops.attention_flops, **LAYER, context=1), width)))
NO_MLP = {"d_ff": 0, "mlp_matrices": 0, "vocab_size": 0}
projections = call(
    flops.pass_flops, **LAYER, **NO_MLP, d_model=width, n_kv_heads=HEADS["n_kv_heads"], n_tokens=1, pairs=0, rows=0
)
judge("projection-flops", Part(projections))
long_context = work.reuse("long_context", _given(4608))
work.claim("example_breaks_its_premise", width, long_context)
judge(
    "width-dominates", Part(_ratio(call(flops.attention_flops, **LAYER, context=long_context), projections), "percent1")
)

LONG, SHORT = work.reuse("long_prompt", _given(1024)), work.reuse("short_text", _given(200))
uncached = call(pairs.tokens_uncached, prompt=LONG, new_tokens=SHORT)
quadratic = call(pairs.causal_pairs, n_tokens=SHORT.result - 1)
share = _ratio(quadratic, uncached)
work.formula("generated_square", pairs.generated_tokens_uncached)
work.claim("other_part_is_larger", share, _given(0.5))
judge("quadratic-dominates", Part(share, "percent1"))
work.reuse("long_times", cost_model.values["long_times"])


def _power(function: Callable[..., int], name: str, less: int = 0, **given: int) -> Value:
    """Return the power with which a count grows from one k to two k of tokens; `less` of them are given apart."""
    counts = [call(function, **given, **{name: tokens - less}) for tokens in (1024, 2048)]
    return call(claims.exponent, count=counts[0], count_at_twice=counts[1])


judge(
    "attention-quadratic",
    Part(_power(pairs.causal_pairs, "n_tokens"), "fixed2"),
    Part(_power(pairs.pairs_of_pass, "held", less=1, n_tokens=1), "fixed2"),
    Part(_power(pairs.pairs_uncached, "new_tokens", prompt=1), "fixed2"),
    Part(_power(pairs.pairs_cached, "new_tokens", prompt=1), "fixed2"),
)


long_text = work.reuse("long_text", _given(4096))


def _fewer(prompt: int) -> Value:
    tokens = {"prompt": prompt, "new_tokens": long_text}
    return _ratio(call(pairs.tokens_uncached, **tokens), call(pairs.tokens_cached, **tokens))


speed_ups = [_fewer(1), _fewer(512)]
work.claim("longer_prompt_raises_factor", *speed_ups)
judge("half-of-n", Part(speed_ups[0], "fixed1"), Part(speed_ups[1], "fixed1", {"tokens": _given(512)}))

SHAPES = shapes(SEVEN, "n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size")


def _pass(n_tokens: int, pairs: Value) -> Value:
    return call(flops.pass_flops, **SHAPES, mlp_matrices=3, n_tokens=n_tokens, pairs=pairs, rows=1)


def _prefill(tokens: int) -> Value:
    return _pass(tokens, call(pairs.causal_pairs, n_tokens=tokens))


def _step(held: int) -> Value:
    return _pass(1, call(pairs.pairs_of_pass, held=held, n_tokens=1))


mini_prefill = call(flops.gpt2_prefill_flops, **STEP, prompt=64)
judge(
    "prefill-p-decodes",
    Part(_ratio(mini_prefill, call(flops.gpt2_decode_flops, **STEP, context=65)), "fixed1", {"tokens": _given(64)}),
    Part(_ratio(_prefill(512), _step(512)), "fixed1", {"tokens": _given(512)}),
)
attention_of = [
    call(flops.attention_flops, n_layers=1, **shapes(model, "n_heads", "head_dim"), context=MAX)
    for model in (MISTRAL[1], SEVEN)
]
judge("gqa-saves-work", Part(_ratio(*attention_of), "percent"))

# What bounds a step.

H100, A100 = (speeds(name) for name in ("H100 80GB SXM", "A100 80GB SXM"))
h100_ridge = work.value("h100_ridge", roofline.ridge, **H100)
a100_ridge = work.value("a100_ridge", roofline.ridge, **A100)
matrices_read = call(traffic.matrix_bytes, **SHAPES, mlp_matrices=3, bytes_per_element=FP16)


def _bound_of(tokens: int, device: dict[str, Value]) -> Part:
    bound = call(roofline.bound, flops=_prefill(tokens), bytes_moved=matrices_read, **device)
    return Part(bound, "", {"tokens": _given(tokens)})


judge("prefill-compute-bound", _bound_of(64, H100), _bound_of(256, H100), _bound_of(256, A100), _bound_of(4096, H100))


def _cache_read(batch: int) -> Part:
    weights_read, cache_read = (seven_step(quantity, MAX.result, batch) for quantity in ("weight_bytes", "kv_bytes"))
    all_read = call(memory.together, weights=weights_read, kv_cache=cache_read)
    return Part(_ratio(cache_read, all_read), "percent1", _case(batch, MAX))


alone, together = (_cache_read(batch) for batch in (1, 16))
judge("decode-reads-cache", alone, together)
work.claim("batch_brings_its_caches", alone.computed, _given(0.5), together.computed)
work.reuse("share_of_stored", memory_bound.values["share_of_stored"])


def _alone(context: int) -> dict[str, Value]:
    return {"flops": _step(context - 1), "bytes_moved": _cache_of(SEVEN, _given(context))}


judge(
    "batch-compute-bound",
    *(Part(call(roofline.bound, **_alone(context), **H100), "", {"tokens": _given(context)}) for context in (4096, 64)),
)
own_long = work.value("own_intensity_long", roofline.intensity, **_alone(4096))
own_short = work.value("own_intensity_short", roofline.intensity, **_alone(64))
work.claim("only_short_reaches_ridge", own_long, h100_ridge, own_short)

# What a cache holds, and what a wrong one costs.

for name, number in (("zero", 0), ("one", 1), ("two", 2), ("n_prompts", N_PROMPTS), ("n_tokens", N_TOKENS)):
    work.parameter(name, number)
work.value("prompt", minigpt.prompt_text, prompt=PROMPT)
judge("slot-of-next", Part(call(minigpt.slot_written, prompt=PROMPT)))
TEXTS = {"text": "Yesterday I worked", "other_text": "Tomorrow I worked"}
changed = [call(minigpt.kv_entries_changed, **TEXTS, position=2, layer=layer) for layer in (0, 1)]
judge("kv-of-one-token", *(Part(count) for count in changed))
LATER = {"text": "Yesterday I worked", "other_text": "Yesterday I walked"}
for name, text in (("text", TEXTS["text"]), ("other_first", TEXTS["other_text"]), ("other_last", LATER["other_text"])):
    work.value(name, minigpt.prompt_text, prompt=text)
later = [call(minigpt.kv_entries_changed, **LATER, position=1, layer=layer) for layer in (0, 1)]
judge("later-changes-nothing", *(Part(count) for count in later))

RUN = {"n_prompts": N_PROMPTS, "n_tokens": N_TOKENS}
compared = {
    result: call(minigpt.verification, **RUN).field(f"exact.{result}")
    for result in ("steps", "compared_logits", "differing_logits", "differing_tokens")
}
work.reuse("steps", compared["steps"])
judge("same-text", Part(compared["differing_tokens"]))
judge(
    "bit-identical",
    Part(call(minigpt.blas_differing_share, **RUN), "percent"),
    Part(_ratio(compared["differing_logits"], compared["compared_logits"]), "percent"),
)

N_TEXTS = 96


def _damage(bug: str, part: str) -> Value:
    return call(minigpt.bug_damage, bug=bug, n_texts=N_TEXTS).field(part)


def _verdict_of(bug: str) -> Part:
    return Part(_damage(bug, "verdict"))


judge("off-by-one-worsens", _verdict_of("slot_too_far"), _verdict_of("slot_overwritten"))
work.parameter("n_texts", N_TEXTS)
VISIBLE = _given(0.01)  # nats
for bug in ("slot_too_far", "slot_overwritten"):
    early = work.reuse(f"{bug}_early", _damage(bug, "early_loss"))
    work.claim("misplaced_slot_heals", _damage(bug, "late_loss"), VISIBLE, early)
for bug in ("position_stuck", "length_stuck"):
    late = work.reuse(f"{bug}_late", _damage(bug, "late_loss"))
    work.claim("stuck_gets_worse", _damage(bug, "early_loss"), late)
judge("position-shows", _verdict_of("position_off_by_one"))
work.reuse("choices_changed", _damage("position_off_by_one", "choices_changed"))
judge("half-precision", _verdict_of("fp16"), _verdict_of("int8"))
for when in ("early_loss", "late_loss"):
    work.claim("wrong_position_moves_no_loss", _given(-0.01), _damage("position_off_by_one", when), VISIBLE)
    for stored in ("fp16", "int8"):
        work.claim("storage_raises_no_loss", _damage(stored, when), VISIBLE)

# The verdicts that the reasons in the text are given for.

VERDICTS = {
    "HOLDS": "later-changes-nothing same-text half-precision",
    "ROUNDED": "opt-token seven-billion dense-waste",
    "DEPENDS": (
        "device-gigabytes mistral-four-times one-byte-halves cache-exceeds-weights half-of-n prefill-p-decodes "
        "prefill-compute-bound "
        "decode-reads-cache batch-compute-bound kv-of-one-token bit-identical"
    ),
}
expected = {name: verdict for verdict, names in VERDICTS.items() for name in names.split()}
for one in claimed.judged:
    where = page if one.address.startswith("#") else work
    explained = constant(f"kvlab.catalog.claims.{expected.get(one.name, 'FALSE')}")
    where.same(f"{one.name.replace('-', '_')}_verdict", one.verdict, explained)

# How many stand how.

verdicts = [one.verdict for one in claimed.judged]
page.constant("n_claims", "len(kvlab.catalog.claims.claims())")
for name, verdict in (("holding", claims.HOLDS), ("rounded", claims.ROUNDED), ("depending", claims.DEPENDS)):
    page.value(f"n_{name}", claims.tally, verdicts=verdicts, verdict=verdict)
page.value("n_false", claims.tally, verdicts=verdicts, verdict=claims.FALSE)
page.value("rounding", claims.rounding)
