"""`labs/03-cost-curves`: what noise does to a measurement, computed on an imagined machine, and what to predict."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.plots import rounds_summed
from figures_src.words import Words
from kvlab import units
from kvlab.accounting import flops, memory, pairs
from kvlab.benchmark import curves
from kvlab.labs.lab_03 import noise

page = Page("labs/03-cost-curves")

FP32 = call(units.bytes_per_element, dtype="fp32")
first, last = (constant(f"kvlab.benchmark.curves.CONTEXTS[{end}]") for end in (0, -1))
one = parameter(1)
KV = kv_shapes("MiniGPT")
STEP = shapes("MiniGPT", "n_layers", "d_model", "n_heads", "head_dim", "d_ff", "vocab_size")

page.reuse("first", first)
page.reuse("last", last)
page.reuse("one", one)
page.constant("promise", "kvlab.benchmark.fit.PROMISE")
page.constant("noise_limit", "kvlab.benchmark.record.NOISE_LIMIT")
block = page.constant("block", "kvlab.cache.protocol.READ_TILE")
page.claim("first_shares_a_block", first, block)
page.constant("n_checks", "len(kvlab.labs.lab_03.checker.CHECKS)")
page.constant("fewest_contexts", "kvlab.labs.lab_03.possible.FEWEST_CONTEXTS")
page.constant("fewest_reads", "kvlab.labs.lab_03.possible.FEWEST_READS")

# What to predict.

page.formula("size", memory.kv_cache_bytes)
page.formula("slots", pairs.slots_of_query)
page.reuse("s_max", last)
bytes_last = call(memory.kv_cache_bytes, **KV, context=last, batch=one, bytes_per_element=FP32)
page.value("bytes_first", memory.kv_cache_bytes, **KV, context=first, batch=one, bytes_per_element=FP32)
page.derivation("bytes_derived", "M", bytes_last, "B")
steps = [call(flops.gpt2_decode_flops, **STEP, context=context) for context in (first, last)]
passes = [call(flops.gpt2_prefill_flops, **STEP, prompt=context) for context in (first, last)]
page.value("step_growth", units.ratio, numerator=steps[1], denominator=steps[0])
page.value("pass_growth", units.ratio, numerator=passes[1], denominator=passes[0])
page.value("tokens_growth", units.ratio, numerator=last, denominator=first)

# Least, median and mean, on an imagined machine.

DISTURBANCE = 0.3
SEED = 37
ROUNDS = [2**power for power in range(9)]
page.parameter("most_rounds", ROUNDS[-1])
page.parameter("disturbance", DISTURBANCE)


def _excess(way: str, rounds: int) -> Value:
    return call(noise.excess, way=way, rounds=rounds, mean_disturbance=DISTURBANCE, seed=SEED)


summed = [page.reuse(f"{way}_at_end", _excess(way, ROUNDS[-1])) for way in ("least", "median", "mean")]
page.claim("least_is_nearest", *summed)


def rounds_summed_data() -> list[rounds_summed.Row]:
    """Return for each way and number of rounds how far the summary lies above the true time."""
    return [
        rounds_summed.Row(way, rounds, _excess(way, rounds).result)
        for way in ("mean", "median", "least")
        for rounds in ROUNDS
    ]


page.figure("rounds_summed", rounds_summed_data, rounds_summed.draw)

# The order.

SLOWER, DRIFT_ROUNDS = 0.3, 100
page.parameter("slower", SLOWER)
page.parameter("drift_rounds", DRIFT_ROUNDS)


def _drift(order: str, place: int) -> Value:
    return call(
        noise.drift_error,
        order=order,
        place=place,
        contexts=len(curves.CONTEXTS),
        rounds=DRIFT_ROUNDS,
        slower=SLOWER,
        seed=SEED,
    )


in_order_at_last = page.reuse("in_order_at_last", _drift("ascending", len(curves.CONTEXTS) - 1))
page.claim("order_becomes_a_slope", page.values["promise"], in_order_at_last)


@page.table
def drift(words: Words) -> Rows:
    """Return what a machine that slows down adds to each context, measured in order and interleaved."""
    return [
        [
            Shown(constant(f"kvlab.benchmark.curves.CONTEXTS[{place}]")),
            *(Shown(_drift(order, place), "percent1") for order in ("ascending", "drawn")),
        ]
        for place in range(len(curves.CONTEXTS))
    ]


# Points that the fit has not seen.

FIT_NOISE, FIT_POINTS, FIT_DRAWS = 0.05, 8, 500
page.parameter("fit_draws", FIT_DRAWS)
page.parameter("fit_noise", FIT_NOISE)
page.parameter("fit_points", FIT_POINTS)


def _fit_error(constants: int, held_out: bool) -> Value:
    drawn = {"points": FIT_POINTS, "noise": FIT_NOISE, "draws": FIT_DRAWS, "seed": SEED}
    return call(noise.fit_error, constants=constants, held_out=held_out, **drawn)


CONSTANTS = range(1, FIT_POINTS // 2 + 1)
page.claim("constants_mislead", *(_fit_error(n, False) for n in reversed(CONSTANTS)))
page.claim("constants_mislead", *(_fit_error(n, True) for n in CONSTANTS))


@page.table
def polynomials(words: Words) -> Rows:
    """Return the errors of formulas with more and more constants, on their own points and on unseen ones."""
    return [
        [
            Shown(parameter(constants)),
            *(Shown(_fit_error(constants, held_out), "percent1") for held_out in (False, True)),
        ]
        for constants in CONSTANTS
    ]
