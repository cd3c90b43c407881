"""`theory/01-prefill-vs-decode`: FLOPs, bytes and intensity of each operation, for a prompt and for one token."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages import theory_05_worked_example as worked_example
from figures_src.pages.shared.shapes import shapes, speeds
from figures_src.plots import pass_times, roofline_points
from figures_src.words import Words
from kvlab import units
from kvlab.accounting import flops, memory, pairs, roofline
from kvlab.cache import READ_TILE
from kvlab.catalog import passes
from kvlab.experiments import flop_counter, minigpt

page = Page("theory/01-prefill-vs-decode")

PROMPT = "Yesterday I worked at home. Every day she makes some cake. Right now you are writing a letter. Tomorrow they"
OPERATIONS = ("qkv", "scores", "weighted sum", "output", "mlp", "head")
LARGE, DEVICE = "Llama-2-7B", "A100 80GB SXM"
FP32, FP16 = (call(units.bytes_per_element, dtype=dtype) for dtype in ("fp32", "fp16"))

# The prompt.

page.value("prompt", minigpt.prompt_text, prompt=PROMPT)
page.value("continuation", minigpt.continuation, prompt=PROMPT, n_tokens=6)
prompt_tokens = page.value("prompt_tokens", flop_counter.prompt_tokens, prompt=PROMPT)
one, nothing = (parameter(quantity) for quantity in (1, 0))
page.reuse("one", one)
in_reach = page.value("in_reach", pairs.tokens_cached, prompt=prompt_tokens, new_tokens=2)

# FLOPs and intensity, in symbols.

page.formula("qkv_work", flops.qkv_flops)
page.formula("scores_work", flops.scores_flops)
page.formula("weighted_sum_work", flops.weighted_sum_flops)
page.formula("output_work", flops.output_flops)
page.formula("mlp_work", flops.mlp_flops)
page.formula("head_work", flops.head_flops)
page.formula("prompt_pairs", pairs.causal_pairs)
page.formula("one_query", flops.attention_flops)
per_element = page.value("flops_per_element", flops.head_flops, d_model=1, vocab_size=1, n_tokens=1)
page.value("attention_factor", flops.attention_flops, n_layers=1, n_heads=1, head_dim=1, context=1)
page.reuse("fp32_bytes", FP32)
page.reuse("fp16_bytes", FP16)
page.value("fp32_share", units.ratio, numerator=per_element, denominator=FP32)
page.same("fp16_counts_tokens", per_element, FP16)

# The MiniGPT, operation by operation: tokens held and new tokens of each phase.

PHASES = {"prefill": (nothing, prompt_tokens), "decode": (prompt_tokens, one)}


def _mini(phase: str, operation: str, quantity: str, block: int = 1) -> Value:
    held, new = PHASES[phase]
    shape = {"model_name": "MiniGPT", "held": held, "n_tokens": new, "batch": 1, "bytes_per_element": FP32}
    return call(passes.operation, **shape, operation=operation, block=block).field(quantity)


def _intensity(work: Value, moved: Value) -> Value:
    return call(roofline.intensity, flops=work, bytes_moved=moved)


def _mini_intensity(phase: str, operation: str) -> Value:
    return _intensity(_mini(phase, operation, "flops"), _mini(phase, operation, "bytes"))


def _operation_columns(words: Words) -> list[str]:
    columns = [f"{quantity}_{phase}" for phase in PHASES for quantity in ("flops", "bytes", "intensity")]
    return [words("operations.operation"), *(words(f"operations.{column}") for column in columns)]


@page.table
def mini_operations(words: Words) -> Rows:
    """Return FLOPs, bytes and intensity of each operation, for the prompt and for one token after it."""
    rows: list[list[str | Shown]] = []
    for operation in OPERATIONS:
        row: list[str | Shown] = [words(f"operations.{operation.replace(' ', '_')}")]
        for phase in PHASES:
            row += [Shown(_mini(phase, operation, quantity)) for quantity in ("flops", "bytes")]
            row += [Shown(_mini_intensity(phase, operation), "fixed2")]
        rows.append(row)
    return rows


MINI = shapes("MiniGPT", "n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size")
PAIRS = {"prefill": call(pairs.causal_pairs, n_tokens=prompt_tokens), "decode": in_reach}
for phase, (held, new) in PHASES.items():
    rows = call(passes.whole_pass, model_name="MiniGPT", held=held, n_tokens=new, batch=1, bytes_per_element=FP32)
    whole = call(flops.pass_flops, **MINI, mlp_matrices=2, n_tokens=new, pairs=PAIRS[phase], rows=1)
    page.same("operations_add_up", rows.field("flops"), whole)

SHAPES = shapes("MiniGPT", "n_layers", "d_model", "d_ff")
mlp_matrices = page.parameter("mlp_matrices", 2)
mlp_prefill = call(flops.mlp_flops, **SHAPES, mlp_matrices=mlp_matrices, n_tokens=prompt_tokens)
page.derivation("mlp_derived", "F", mlp_prefill)
page.same("mlp_two_routes", mlp_prefill, _mini("prefill", "mlp", "flops"))
page.reuse("mlp_bytes_prefill", _mini("prefill", "mlp", "bytes"))
page.reuse("mlp_weights", _mini("prefill", "mlp", "weight_bytes"))
page.reuse("mlp_intensity_prefill", _mini_intensity("prefill", "mlp"))
page.reuse("mlp_flops_decode", _mini("decode", "mlp", "flops"))
page.reuse("mlp_bytes_decode", _mini("decode", "mlp", "bytes"))
page.reuse("mlp_intensity_decode", _mini_intensity("decode", "mlp"))


def _fall(operation: str, quantity: str) -> Value:
    """Return how many times as much prefill takes of a quantity as decode."""
    taken = (_mini(phase, operation, quantity) for phase in ("prefill", "decode"))
    return call(units.ratio, **dict(zip(("numerator", "denominator"), taken, strict=True)))


page.claim("mlp_bytes_are_weights", _fall("mlp", "bytes"), parameter(1.1))
for name in ("qkv", "output", "mlp"):
    page.same("flops_follow_tokens", _fall(name, "flops"), prompt_tokens)
    page.claim("flops_follow_tokens", _fall(name, "bytes"), parameter(2))
for quantity in ("flops", "bytes"):
    page.same("logits_are_one_row", _mini("prefill", "head", quantity), _mini("decode", "head", quantity))

# The same, counted.


@page.table
def counted_products(words: Words) -> Rows:
    """Return for each operation the FLOPs of the accounting on the slots that are read, and those counted in a run."""
    rows: list[list[str | Shown]] = []
    for operation in OPERATIONS:
        row: list[str | Shown] = [words(f"operations.{operation.replace(' ', '_')}")]
        for phase in PHASES:
            run = call(flop_counter.counted_flops, prompt=PROMPT, phase=phase, operation=operation)
            row += [Shown(_mini(phase, operation, "flops_read", READ_TILE)), Shown(run)]
        rows.append(row)
    [f"{side}_{phase}" for phase in PHASES for side in ("formula", "counted")]
    return rows


page.value("operations_counted", flop_counter.operations_counted, prompt=PROMPT)
miscounted = page.value("operations_miscounted", flop_counter.operations_miscounted, prompt=PROMPT)
page.same("counted_is_derived", miscounted, nothing)
page.reuse("block", constant("kvlab.cache.READ_TILE"))
pairs_prefill = page.value("pairs_prefill", flop_counter.counted_pairs, prompt=PROMPT, phase="prefill")
pairs_decode = page.value("pairs_decode", flop_counter.counted_pairs, prompt=PROMPT, phase="decode")
heads = shapes("MiniGPT", "n_layers", "n_heads")
page.reuse("n_layers", heads["n_layers"])
page.reuse("n_heads", heads["n_heads"])
pairs_of_head = page.value("pairs_of_head_prefill", pairs.causal_pairs, n_tokens=prompt_tokens)
for counted, of_head in ((pairs_prefill, pairs_of_head), (pairs_decode, in_reach)):
    of_layer = call(units.ratio, numerator=counted, denominator=heads["n_layers"])
    page.same("counted_is_derived", call(units.ratio, numerator=of_layer, denominator=heads["n_heads"]), of_head)
for phase in PHASES:
    for name in ("scores", "weighted sum"):
        read = _mini(phase, name, "flops_read", READ_TILE)
        page.claim("whole_blocks_are_read", _mini(phase, name, "flops"), read)

# A large model on a device.

SPEEDS = speeds(DEVICE)
ridge = page.value("ridge", roofline.ridge, **SPEEDS)
long_prompt = page.parameter("long_prompt", 1024)
LARGE_PHASES = {"prefill": (0, 1024), "decode": (1023, 1)}


def _large(phase: str, operation: str, quantity: str) -> Value:
    held, new = LARGE_PHASES[phase]
    shape = {"model_name": LARGE, "held": held, "n_tokens": new, "batch": 1, "bytes_per_element": FP16}
    return call(passes.operation, **shape, operation=operation).field(quantity)


LARGE_INTENSITY = {
    (phase, operation): _intensity(_large(phase, operation, "flops"), _large(phase, operation, "bytes"))
    for phase in LARGE_PHASES
    for operation in OPERATIONS
}
for name in OPERATIONS:
    times = call(units.ratio, numerator=ridge, denominator=LARGE_INTENSITY["decode", name])
    page.claim("decode_is_one_point", parameter(0.99), LARGE_INTENSITY["decode", name], one)
    page.claim("decode_far_left", parameter(10), times)
page.same("decode_is_one_point", *(LARGE_INTENSITY[phase, "head"] for phase in LARGE_PHASES))
page.same("prefill_in_order", *(LARGE_INTENSITY["prefill", name] for name in ("scores", "weighted sum")))
page.claim(
    "prefill_in_order",
    ridge,
    *(LARGE_INTENSITY["prefill", name] for name in ("weighted sum", "output", "qkv", "mlp")),
)
for name in ("qkv", "output", "mlp"):
    times = call(units.ratio, numerator=LARGE_INTENSITY["prefill", name], denominator=ridge)
    page.claim("prefill_far_right", parameter(4), times)
page.same("prefill_far_right", *(LARGE_INTENSITY["prefill", name] for name in ("scores", "weighted sum")))
page.claim("prefill_far_right", ridge, LARGE_INTENSITY["prefill", "scores"])
page.reuse("scores_large", LARGE_INTENSITY["prefill", "scores"])
page.reuse("mlp_large", LARGE_INTENSITY["prefill", "mlp"])


def roofline_points_data() -> list[roofline_points.Row]:
    """Return the roof at its ends and its ridge, and each operation of both phases on it."""
    roof = ((1, 4), (SPEEDS["flops_per_second"], SPEEDS["bytes_per_second"]), (4096, 1))
    points = [("roof", "", *point) for point in roof]
    for phase, operation in LARGE_INTENSITY:
        work, moved = (_large(phase, operation, quantity) for quantity in ("flops", "bytes"))
        points.append((phase, operation, work, moved))
    rows = []
    for kind, operation, work, moved in points:
        attainable = call(roofline.attainable, flops=work, bytes_moved=moved, **SPEEDS).result
        rows.append(roofline_points.Row(kind, operation, _intensity(work, moved).result, attainable))
    return rows


page.figure("roofline_points", roofline_points_data, roofline_points.draw)


@page.table
def large_operations(words: Words) -> Rows:
    """Return FLOPs, bytes and intensity of each operation of the large model, for a prompt and for one token."""
    rows: list[list[str | Shown]] = []
    for operation in OPERATIONS:
        row: list[str | Shown] = [words(f"operations.{operation.replace(' ', '_')}")]
        for phase in LARGE_PHASES:
            row += [Shown(_large(phase, operation, "flops"), "FLOP")]
            row += [Shown(_large(phase, operation, "bytes"), "decimal")]
            row += [Shown(LARGE_INTENSITY[phase, operation], "fixed1")]
        rows.append(row)
    return rows


# Time to first token, and time per token.


def _step(phase: str, tokens: int) -> dict[str, Value]:
    """Return what the lower bound of a pass is made of: prefill uses its K and V as it computes them."""
    held, new = (0, tokens) if phase == "prefill" else (tokens - 1, 1)
    shape = {"model_name": LARGE, "held": held, "n_tokens": new, "batch": 1, "bytes_per_element": FP16}
    work, weights, cache = (
        call(passes.whole_pass, **shape).field(quantity) for quantity in ("flops", "weight_bytes", "kv_bytes")
    )
    return {"flops": work, "weight_bytes": weights, "cache_bytes": nothing if phase == "prefill" else cache, **SPEEDS}


def _milliseconds(phase: str, tokens: int, part: str) -> Value:
    return call(roofline.step_milliseconds, **_step(phase, tokens), part=part)


def _bound_by(phase: str, tokens: int) -> str:
    """Return what bounds a pass: `"memory"` or `"compute"`."""
    step = _step(phase, tokens)
    moved = call(memory.together, weights=step["weight_bytes"], kv_cache=step["cache_bytes"])
    return str(call(roofline.bound, flops=step["flops"], bytes_moved=moved, **SPEEDS).result)


STEPS = (("prefill", 64), ("prefill", 256), ("prefill", 1024), ("prefill", 4096), ("decode", 1024), ("decode", 4096))


@page.table
def first_token(words: Words) -> Rows:
    """Return the lower bounds of prefills and decode steps, and what each is made of."""
    return [
        [
            words(f"first_token.{phase}"),
            Shown(parameter(tokens)),
            Shown(_milliseconds(phase, tokens, "weights"), "fixed2"),
            words("first_token.none") if phase == "prefill" else Shown(_milliseconds(phase, tokens, "cache"), "fixed2"),
            Shown(_milliseconds(phase, tokens, "compute"), "fixed2"),
            Shown(_milliseconds(phase, tokens, "seconds"), "fixed2"),
            words(f"first_token.by_{_bound_by(phase, tokens)}"),
        ]
        for phase, tokens in STEPS
    ]


first, each = (_milliseconds(phase, 1024, "seconds") for phase in ("prefill", "decode"))
page.reuse("first_ms", first)
page.reuse("each_ms", each)
page.value("first_over_each", units.ratio, numerator=first, denominator=each)
# Around the ridge, and beyond it: what a pass takes.
SHORT, LONG = 128, 192
page.claim("prefill_turns_at_ridge", parameter(SHORT), ridge, parameter(LONG))
page.claim("prefill_turns_at_ridge", *(_milliseconds("prefill", SHORT, part) for part in ("compute", "memory")))
page.claim("prefill_turns_at_ridge", *(_milliseconds("prefill", LONG, part) for part in ("memory", "compute")))


def _times(longer: tuple[str, int], shorter: tuple[str, int]) -> Value:
    return call(
        units.ratio, numerator=_milliseconds(*longer, "seconds"), denominator=_milliseconds(*shorter, "seconds")
    )


page.claim("flat_up_to_ridge", _times(("prefill", SHORT), ("prefill", 1)), parameter(1.01))
page.claim("flat_up_to_ridge", one, _times(("decode", SHORT), ("prefill", SHORT)), parameter(1.01))
page.claim("grows_beyond_ridge", parameter(4), _times(("prefill", 4096), ("prefill", 1024)), parameter(4.5))
page.claim("decode_hardly_grows", _times(("decode", 4096), ("decode", 1)), parameter(1.2))
for name, part in (("compute", "memory"), ("cache", "weights")):
    page.claim("decode_hardly_grows", _milliseconds("decode", 4096, name), _milliseconds("decode", 4096, part))
idle = call(units.ratio, numerator=_milliseconds("decode", 1024, "compute"), denominator=each)
page.claim("arithmetic_idles", idle, parameter(0.5))
page.claim("mini_fits_on_chip", worked_example.together, worked_example.l3)

# A batch.

BATCH = 8
page.parameter("batch", BATCH)


def _gain(operation: str) -> Value:
    """Return how many times as intense an operation of a decode step is in a batch as alone."""
    alone, batched = (
        call(
            passes.operation,
            model_name=LARGE,
            operation=operation,
            held=1023,
            n_tokens=1,
            batch=batch,
            bytes_per_element=FP16,
        )
        for batch in (1, BATCH)
    )
    intensities = (_intensity(found.field("flops"), found.field("bytes")) for found in (batched, alone))
    return call(units.ratio, **dict(zip(("numerator", "denominator"), intensities, strict=True)))


page.reuse("mlp_gain", _gain("mlp"))
page.same("scores_gain_nothing", _gain("scores"), one)


def pass_times_data() -> list[pass_times.Row]:
    """Return the lower bound of a prefill of so many tokens, and of a decode step with as many in reach."""
    tokens = sorted([2**power for power in range(13)] + [96, 144, 152, 160, 192])
    rows = []
    for count in tokens:
        prefill, decode = (_milliseconds(phase, count, "seconds").result for phase in ("prefill", "decode"))
        rows.append(pass_times.Row(count, prefill, decode, ridge.result))
    return rows


page.figure("pass_times", pass_times_data, pass_times.draw)
