"""`experiments/kv-cost`: memory and latency against context, each formula next to what was measured."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.shared.measurements import SAVED, curve, held_out_error, measured
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.plots import kv_cost as kv_cost_plot
from figures_src.plots import memory_curve
from figures_src.words import Words
from kvlab import catalog
from kvlab.accounting import memory, parameters
from kvlab.benchmark import curves, predictions, record
from kvlab.benchmark.fit import PROMISE
from kvlab.experiments import kv_cost

page = Page("experiments/kv-cost")

CONTEXTS = curves.CONTEXTS
RUNS = ("uncached", "cached")
HELD_OUT = "†"

page.reuse("processor", call(record.measured_on, what="processor"))
page.reuse("taken", call(record.measured_on, what="taken"))
page.constant("first", "kvlab.benchmark.curves.CONTEXTS[0]")
page.constant("last", "kvlab.benchmark.curves.CONTEXTS[-1]")
page.constant("promise", "kvlab.benchmark.fit.PROMISE")
for run in RUNS:
    held_out_twice = constant(f"2 * sum(kvlab.benchmark.predictions.HELD_OUT[{run!r}])")
    page.same("half_is_held_out", held_out_twice, constant("len(kvlab.benchmark.curves.CONTEXTS)"))
page.constant("n_constants", "len(kvlab.benchmark.predictions.uncached_terms())")
SHAPE = shapes("GPT-2 small", "n_layers", "d_model", "d_ff", "vocab_size", "max_context")
gpt2_weights = call(memory.weight_bytes, parameters=call(parameters.gpt2_parameters, **SHAPE), bytes_per_element=4)
for processor in catalog.processors():
    l3 = call(catalog.processor, name=processor.name).field("l3_bytes_shared")
    page.claim("gpt2_beyond_caches", l3, gpt2_weights)

# Memory.

page.formula("size", memory.kv_cache_bytes)
page.formula("size_of_mini", memory.kv_cache_bytes, **kv_shapes("MiniGPT"), batch=1, bytes_per_element=4)
page.reuse("memory_error", held_out_error("memory", at_most=PROMISE))


def _place(run: str, context: int) -> Value:
    return call(kv_cost.place, contexts=measured(f"curves.{run}.contexts"), context=context)


@page.table
def memory_points(words: Words) -> Rows:
    """Return the bytes of the cache at each context: by the formula, from the allocator, and their distance."""
    allocated, formula = curve("memory", "measured"), curve("memory", "predicted")
    places = {context: _place("memory", context) for context in CONTEXTS}
    return [
        [
            Shown(parameter(context)),
            Shown(call(memory.kv_cache_bytes, **kv_shapes("MiniGPT"), context=context, batch=1, bytes_per_element=4)),
            Shown(call(kv_cost.whole_bytes, sizes=allocated, index=index)),
            Shown(call(kv_cost.relative_error, measured=allocated, predicted=formula, index=index), "percent1"),
        ]
        for context, index in places.items()
    ]


def memory_curve_data() -> list[memory_curve.Row]:
    """Return the bytes that the allocator gave at each context, and those of the formula."""
    columns = (curve("memory", part).result for part in ("contexts", "measured", "predicted"))
    return [memory_curve.Row(*point) for point in zip(*columns, strict=True)]


page.figure("memory_curve", memory_curve_data, memory_curve.draw, measured=True)

# Time.


def _noise(run: str) -> Value:
    return measured(f"curves.{run}.noise")


for run in RUNS:
    page.reuse(f"{run}_error", held_out_error(run, at_most=PROMISE))
    page.reuse(f"{run}_noise", _noise(run))
SECONDS = {run: measured(f"curves.{run}.measured_seconds") for run in RUNS}
page.reuse("uncached_growth", call(kv_cost.last_over_first, points=SECONDS["uncached"], at_least=2.0))
page.reuse("cached_growth", call(kv_cost.last_over_first, points=SECONDS["cached"], at_most=1.5))
for name, context in (("first", CONTEXTS[0]), ("last", CONTEXTS[-1])):
    both = {"slower": SECONDS["uncached"], "faster": SECONDS["cached"]}
    page.reuse(f"{name}_ratio", call(kv_cost.times_as_long, **both, index=_place("cached", context)))
page.reuse("cached_risen", call(kv_cost.risen_share, points=curve("cached", "predicted")))


@page.table
def time_points(words: Words) -> Rows:
    """Return the time of a step at each context, without a cache and with one: measured, and by the formula."""
    rows: list[list[str | Shown]] = []
    for index, context in enumerate(CONTEXTS):
        row: list[str | Shown] = [Shown(parameter(context))]
        for run in RUNS:
            mark = HELD_OUT if predictions.HELD_OUT[run][index] else ""
            for points, dagger in ((SECONDS[run], ""), (curve(run, "predicted"), mark)):
                row.append(
                    Shown(call(kv_cost.microseconds, seconds=points, index=_place(run, context)), "fixed0", mark=dagger)
                )
        rows.append(row)
    return rows


def kv_cost_data() -> list[kv_cost_plot.Row]:
    """Return for each run and context the time, the formula's, its error, and whether the fit has seen the point."""
    rows = []
    for run in RUNS:
        both = {"measured": SECONDS[run], "predicted": curve(run, "predicted")}
        columns = (curve(run, part).result for part in ("contexts", "held_out", "measured", "predicted"))
        for index, (context, held_out, seconds, formula) in enumerate(zip(*columns, strict=True)):
            error = call(kv_cost.relative_error, **both, index=index).result
            rows.append(kv_cost_plot.Row(run, context, held_out, seconds, formula, error, PROMISE))
    return rows


page.figure("kv_cost", kv_cost_data, kv_cost_plot.draw, measured=True)


@page.table
def held_out_errors(words: Words) -> Rows:
    """Return the largest error of each formula on the points that its fit has not seen, and the noise next to it."""
    rows: list[list[str | Shown]] = []
    for name in ("memory", "cached", "uncached"):
        is_fitted = name != "memory"
        count = constant(f"len(kvlab.benchmark.predictions.{name}_terms())") if is_fitted else parameter(0)
        points = (
            f"sum(kvlab.benchmark.predictions.HELD_OUT[{name!r}])"
            if is_fitted
            else "len(kvlab.benchmark.curves.CONTEXTS)"
        )
        rows.append(
            [
                words(f"held_out_errors.{name}"),
                Shown(count),
                Shown(constant(points)),
                Shown(held_out_error(name), "percent1"),
                Shown(_noise(name), "percent1") if is_fitted else words("held_out_errors.none"),
            ]
        )
    return rows


page.reuse("uncached_over_cached", SAVED)
page.constant("generated", "kvlab.benchmark.bench.GENERATED_TOKENS")
page.constant("prompt", "kvlab.benchmark.bench.PROMPT_TOKENS")
