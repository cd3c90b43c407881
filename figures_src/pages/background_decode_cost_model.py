"""`background/decode-cost-model`: what decoding without a cache computes, counted and derived."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.shared import runs
from figures_src.pages.shared.measurements import measured
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.pages.theory_05_worked_example import FP16, FP32
from figures_src.plots import parts as parts_figure
from figures_src.plots import token_times
from figures_src.words import Words
from kvlab import units
from kvlab.accounting import flops, memory, pairs
from kvlab.benchmark import per_token
from kvlab.experiments import minigpt, redundancy

page = Page("background/decode-cost-model")

page.parameter("zero", 0)
page.parameter("two", 2)
one = parameter(1)

# How long each pass is.

PROMPT, GENERATED = "Last week I was in the office.", 20
SHOWN_STEPS = (0, 1, 2, GENERATED - 2, GENERATED - 1)
RUN = {"prompt": PROMPT, "n_tokens": GENERATED}
page.value("prompt", minigpt.prompt_text, prompt=PROMPT)
generated = page.parameter("generated", GENERATED)
prompt_tokens = page.value("prompt_tokens", redundancy.tokens_of_step, **RUN, cached=True, step=0)
COUNTS = {"prompt": prompt_tokens, "new_tokens": generated}

uncached = call(pairs.tokens_uncached, **COUNTS)
cached = page.value("cached", pairs.tokens_cached, **COUNTS)
whole = page.value("whole", pairs.tokens_of_text, **COUNTS)
ran_uncached, ran_cached = (call(minigpt.tokens_computed, **RUN, cached=cached) for cached in (False, True))
page.same("uncached_run_as_the_sum", ran_uncached, uncached)
page.same("cached_run_once_each", ran_cached, cached)
page.formula("sum_prompt", pairs.prompt_tokens_uncached)
page.formula("sum_generated", pairs.generated_tokens_uncached)
page.derivation("uncached_derived", r"\sum_{t=0}^{n-1} \left(P + t\right)", uncached)
page.formula("once", pairs.tokens_cached)
page.formula("once_with_numbers", pairs.tokens_cached, **COUNTS)
page.value("times_fewer", units.ratio, numerator=uncached, denominator=cached)


@page.table
def forward_lengths(words: Words) -> Rows:
    """Return the tokens of the first and the last passes of the run, recorded as it ran, and those of all of them."""

    def passed(step: int) -> list[str | Shown]:
        recorded = [Shown(call(redundancy.tokens_of_step, **RUN, cached=cached, step=step)) for cached in (False, True)]
        return [str(step), *recorded]

    gap: list[str | Shown] = ["…"] * 3
    rows = [passed(step) for step in SHOWN_STEPS]
    total: list[str | Shown] = [words("forward_lengths.all"), Shown(ran_uncached), Shown(ran_cached)]
    return [*rows[:3], gap, *rows[3:], total]


# In units of work.

d_model = page.reuse("d_model", shapes("MiniGPT", "d_model")["d_model"])
PROJECTION = {"d_model": d_model}
page.formula("adds", flops.projection_multiply_adds)
page.formula("flops", flops.projection_flops)
page.value("projection_adds", flops.projection_multiply_adds, **PROJECTION, n_tokens=1)
page.value("projection_flops", flops.projection_flops, **PROJECTION, n_tokens=1)
again_prompt = call(pairs.prompt_tokens_uncached, **COUNTS)
again_generated = call(pairs.generated_tokens_uncached, new_tokens=generated)


def _adds(tokens: Value) -> Value:
    return call(flops.projection_multiply_adds, **PROJECTION, n_tokens=tokens)


@page.table
def work_of_parts(words: Words) -> Rows:
    """Return tokens, multiply-adds and FLOPs through one matrix, part by part, without a cache and with one."""
    parts = {"prompt": again_prompt, "generated": again_generated, "uncached": uncached, "cached": cached}
    return [
        [
            words(f"work_of_parts.{part}"),
            Shown(tokens),
            Shown(_adds(tokens)),
            Shown(call(flops.projection_flops, **PROJECTION, n_tokens=tokens)),
        ]
        for part, tokens in parts.items()
    ]


asymptotic = call(pairs.generated_tokens_asymptotic, new_tokens=generated)
page.reuse("generated_adds", _adds(again_generated))
page.reuse("asymptotic_adds", _adds(asymptotic))
page.reuse("uncached_adds", _adds(uncached))
both_parts = call(pairs.tokens_of_text, prompt=again_prompt, new_tokens=asymptotic)
page.reuse("asymptotic_total", _adds(both_parts))
page.reuse("cached_adds", _adds(cached))
page.reuse("whole_adds", _adds(whole))
for exact, estimate in ((again_generated, asymptotic), (uncached, both_parts), (cached, whole)):
    page.claim("estimate_is_close", call(units.ratio, numerator=estimate, denominator=exact), parameter(1.1))

# Which part is larger.

LONG = {"prompt": 1024, "new_tokens": 200}
long_prompt = page.parameter("long_prompt", LONG["prompt"])
long_new = page.parameter("long_new", LONG["new_tokens"])
long_again_prompt = page.value("long_again_prompt", pairs.prompt_tokens_uncached, **LONG)
long_again_new = page.value("long_again_new", pairs.generated_tokens_uncached, new_tokens=long_new)
page.value("long_times", units.ratio, numerator=long_again_prompt, denominator=long_again_new)
page.formula("balance", pairs.balancing_new_tokens)
long_balance = page.value("long_balance", pairs.balancing_new_tokens, prompt=long_prompt)
page.claim("prompt_part_larger", long_again_new, long_again_prompt)
page.same(
    "parts_equal_at_balance",
    call(pairs.prompt_tokens_uncached, prompt=long_prompt, new_tokens=long_balance),
    call(pairs.generated_tokens_uncached, new_tokens=long_balance),
)
for prompt, twice_and_one in ((1, 3), (2, 5)):
    page.same("parts_equal_at_balance", call(pairs.balancing_new_tokens, prompt=prompt), parameter(twice_and_one))
DRAWN_PROMPTS, DRAWN_GENERATED = (4, 64, 1024), 4096
page.parameter("drawn_prompts", len(DRAWN_PROMPTS))
smallest_prompt, middle_prompt = (
    page.parameter(name, quantity)
    for name, quantity in zip(("smallest_prompt", "middle_prompt"), DRAWN_PROMPTS, strict=False)
)


def parts_data() -> list[parts_figure.Row]:
    """Return both parts against the tokens generated, for three prompts, and where they are equal."""
    rows = []
    powers = [2**power for power in range(1, DRAWN_GENERATED.bit_length())]
    for n in powers:
        own = call(pairs.generated_tokens_uncached, new_tokens=n)
        rows.append(parts_figure.Row("generated", None, n, own.result))
    for prompt in DRAWN_PROMPTS:
        for n in powers:
            again = call(pairs.prompt_tokens_uncached, prompt=prompt, new_tokens=n)
            rows.append(parts_figure.Row("prompt", prompt, n, again.result))
        balance = call(pairs.balancing_new_tokens, prompt=prompt)
        equal = call(pairs.generated_tokens_uncached, new_tokens=balance)
        rows.append(parts_figure.Row("equal", prompt, balance.result, equal.result))
    return rows


page.figure("parts", parts_data, parts_figure.draw)

# Attention too.

COUNTED, LARGER = 128, 1024
counted = page.parameter("counted_length", COUNTED)
larger = page.parameter("larger_length", LARGER)
page.formula("causal", pairs.causal_pairs)
page.table(runs.growth)
GROWING = {
    length: {
        ("pairs", False): call(pairs.pairs_uncached, prompt=1, new_tokens=length),
        ("pairs", True): call(pairs.pairs_cached, prompt=1, new_tokens=length),
        ("tokens", False): call(pairs.tokens_uncached, prompt=1, new_tokens=length),
        ("tokens", True): call(pairs.tokens_cached, prompt=1, new_tokens=length),
    }
    for length in (COUNTED, LARGER)
}
RAN = {
    (what, cached): call(count, length=COUNTED, cached=cached)
    for what, count in (("pairs", redundancy.counted_pairs), ("tokens", redundancy.counted_tokens))
    for cached in (False, True)
}
for key, value in RAN.items():
    page.same("counted_is_derived", value, GROWING[COUNTED][key])
page.derivation("tetrahedral_derived", "A", call(pairs.tetrahedral, n_tokens=counted))
page.same(
    "tetrahedral",
    GROWING[COUNTED]["pairs", False],
    call(pairs.tetrahedral, n_tokens=counted),
)


@page.table
def counted_work(words: Words) -> Rows:
    """Return scores and projections of a growing text: counted in a run, and by formula at a length beyond it."""
    rows: list[list[str | Shown]] = []
    for source, length, found in (("counted", counted, RAN), ("formula", larger, GROWING[LARGER])):
        for what in ("pairs", "tokens"):
            without, kept = found[what, False], found[what, True]
            rows.append(
                [
                    words(f"counted_work.{what}"),
                    Shown(length),
                    Shown(without),
                    Shown(kept),
                    Shown(call(units.ratio, numerator=without, denominator=kept), "fixed1"),
                    words(f"counted_work.{source}"),
                ]
            )
    return rows


# One step, with everything that it does.

BLOCK = ("d_model", "d_ff")
MINI = shapes("MiniGPT", "n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size")
page.formula("scan_balance", flops.gpt2_balancing_context)
mini_balance = page.value("mini_balance", flops.gpt2_balancing_context, **shapes("MiniGPT", *BLOCK))
mini_context = page.reuse("mini_context", shapes("MiniGPT", "max_context")["max_context"])
gpt3_balance = page.value("gpt3_balance", flops.gpt2_balancing_context, **shapes("GPT-3 175B", *BLOCK))
gpt3_context = page.reuse("gpt3_context", shapes("GPT-3 175B", "max_context")["max_context"])
page.same(
    "scan_costs_as_matrices",
    call(flops.attention_flops, n_layers=1, **shapes("MiniGPT", "n_heads", "head_dim"), context=mini_balance),
    call(flops.pass_flops, **MINI | {"n_layers": one}, mlp_matrices=2, n_tokens=1, pairs=0, rows=0),
)
page.claim("contexts_end_before_balance", mini_context, mini_balance)
page.claim("contexts_end_before_balance", gpt3_context, gpt3_balance)


def _over_width(model: str, length: Value) -> Value:
    return call(units.ratio, numerator=length, denominator=shapes(model, "d_model")["d_model"])


balances = {"MiniGPT": mini_balance, "GPT-3 175B": gpt3_balance}
page.reuse("balance_over_width", _over_width("MiniGPT", mini_balance))
page.reuse("mlp_over_width", _over_width("MiniGPT", MINI["d_ff"]))
page.same("widths_of_gpt2", *(_over_width(model, balance) for model, balance in balances.items()))
page.same("widths_of_gpt2", *(_over_width(model, shapes(model, "d_ff")["d_ff"]) for model in balances))


def _generation_flops(tokens: Value, pairs: Value) -> Value:
    return call(flops.pass_flops, **MINI, mlp_matrices=2, n_tokens=tokens, pairs=pairs, rows=generated)


flops_uncached = page.reuse("flops_uncached", _generation_flops(uncached, call(pairs.pairs_uncached, **COUNTS)))
flops_cached = page.reuse("flops_cached", _generation_flops(cached, call(pairs.pairs_cached, **COUNTS)))
all_times = page.value("flops_times", units.ratio, numerator=flops_uncached, denominator=flops_cached)
page.claim("all_counted_saves_less", all_times, page.values["times_fewer"])

# What it costs in memory.

KV = kv_shapes("MiniGPT")


def _slots(tokens: Value) -> Value:
    return call(memory.kv_cache_bytes, **KV, context=tokens, batch=one, bytes_per_element=FP32)


page.reuse("reserved", _slots(whole))
page.reuse("filled", _slots(cached))
page.value(
    "gpt3_cache",
    memory.kv_cache_bytes,
    **kv_shapes("GPT-3 175B"),
    context=gpt3_context,
    batch=one,
    bytes_per_element=FP16,
)

# Measured.

page.value("timed_prompt", minigpt.prompt_text, prompt=per_token.PROMPT)
page.reuse("timed", measured("bench.per_token.generated_tokens"))
page.reuse("timed_ends", measured("bench.per_token.compared_tokens"))
uncached_climbs = page.reuse(
    "uncached_climbs", measured("bench.per_token.uncached_last_over_first", at_least=1.5, at_most=6)
)
page.reuse("cached_stays", measured("bench.per_token.cached_last_over_first", at_least=0.8, at_most=1.25))

timed_prompt = call(redundancy.tokens_of_step, prompt=per_token.PROMPT, n_tokens=1, cached=True, step=0)


def _tokens_passed(before: int) -> Value:
    """Return the tokens of so many passes as are compared, after the tokens generated `before`, without a cache."""
    text = call(pairs.tokens_of_text, prompt=timed_prompt, new_tokens=before)
    return call(pairs.tokens_uncached, prompt=text, new_tokens=per_token.COMPARED)


ends = (_tokens_passed(per_token.GENERATED_TOKENS - per_token.COMPARED), _tokens_passed(per_token.FIRST.start))
passes_grow = call(units.ratio, numerator=ends[0], denominator=ends[1])
page.claim("time_grows_less_than_passes", uncached_climbs, passes_grow)


def token_times_data() -> list[token_times.Row]:
    """Return the time of each generated token, with a cache and without, in milliseconds."""
    return [
        token_times.Row(run, token, ms)
        for run in ("uncached", "cached")
        for token, ms in enumerate(measured(f"bench.per_token.{run}_ms").result, 1)
    ]


page.figure("token_times", token_times_data, token_times.draw, measured=True)
