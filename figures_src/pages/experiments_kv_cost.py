"""`experiments/kv-cost`: memory and latency against context, each formula beside what was measured."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.shared.measurements import SAVED, measured
from figures_src.pages.shared.shapes import kv_shapes
from figures_src.plots import kv_cost as kv_cost_plot
from figures_src.plots import memory_curve
from figures_src.words import Words
from kvlab.accounting import memory
from kvlab.benchmark import curves, record
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

# Memory.

page.formula("size", memory.kv_cache_bytes)
page.formula("size_of_mini", memory.kv_cache_bytes, **kv_shapes("MiniGPT"), batch=1, bytes_per_element=4)
page.reuse("memory_error", measured("curves.memory.held_out_error", at_most=PROMISE))


def _points(run: str, what: str) -> Value:
    return measured(f"curves.{run}.{what}")


@page.table
def memory_points(words: Words) -> Rows:
    """Return the bytes of the cache at each context: by the formula, from the allocator, and their distance."""
    allocated, formula = _points("memory", "measured_bytes"), _points("memory", "predicted_bytes")
    return [
        [
            Shown(parameter(context)),
            Shown(call(memory.kv_cache_bytes, **kv_shapes("MiniGPT"), context=context, batch=1, bytes_per_element=4)),
            Shown(call(kv_cost.whole_bytes, sizes=allocated, index=index)),
            Shown(call(kv_cost.relative_error, measured=allocated, predicted=formula, index=index), "percent1"),
        ]
        for index, context in enumerate(CONTEXTS)
    ]


def memory_curve_data() -> list[memory_curve.Row]:
    """Return the bytes that the allocator gave at each context, and those of the formula."""
    allocated = _points("memory", "measured_bytes").result
    predicted = _points("memory", "predicted_bytes").result
    return [memory_curve.Row(*point) for point in zip(CONTEXTS, allocated, predicted, strict=True)]


page.figure("memory_curve", memory_curve_data, memory_curve.draw, measured=True)

# Time.

for run in RUNS:
    page.reuse(f"{run}_error", measured(f"curves.{run}.held_out_error", at_most=PROMISE))
    page.reuse(f"{run}_noise", _points(run, "noise"))
page.reuse(
    "uncached_growth", call(kv_cost.last_over_first, points=_points("uncached", "measured_seconds"), at_least=2.0)
)
page.reuse("cached_growth", call(kv_cost.last_over_first, points=_points("cached", "measured_seconds"), at_most=1.5))
for name, index in (("first", 0), ("last", len(CONTEXTS) - 1)):
    both = {"slower": _points("uncached", "measured_seconds"), "faster": _points("cached", "measured_seconds")}
    page.reuse(f"{name}_ratio", call(kv_cost.times_as_long, **both, index=index))
page.reuse("cached_risen", call(kv_cost.risen_share, points=_points("cached", "predicted_seconds")))


@page.table
def time_points(words: Words) -> Rows:
    """Return the time of a step at each context, without a cache and with one: measured, and by the formula."""
    rows: list[list[str | Shown]] = []
    for index, context in enumerate(CONTEXTS):
        row: list[str | Shown] = [Shown(parameter(context))]
        for run in RUNS:
            held_out = curves.HELD_OUT[run][index]
            for what in ("measured_seconds", "predicted_seconds"):
                time = call(kv_cost.microseconds, seconds=_points(run, what), index=index)
                row.append(Shown(time, "fixed0", mark=HELD_OUT if held_out and what == "predicted_seconds" else ""))
        rows.append(row)
    return rows


def kv_cost_data() -> list[kv_cost_plot.Row]:
    """Return for each run and context the time, the formula's, its error, and whether the fit has seen the point."""
    return [
        kv_cost_plot.Row(
            run,
            context,
            curves.HELD_OUT[run][index],
            _points(run, "measured_seconds").result[index],
            _points(run, "predicted_seconds").result[index],
            call(
                kv_cost.relative_error,
                measured=_points(run, "measured_seconds"),
                predicted=_points(run, "predicted_seconds"),
                index=index,
            ).result,
            PROMISE,
        )
        for run in RUNS
        for index, context in enumerate(CONTEXTS)
    ]


page.figure("kv_cost", kv_cost_data, kv_cost_plot.draw, measured=True)


@page.table
def held_out_errors(words: Words) -> Rows:
    """Return the largest error of each formula on the points that its fit has not seen, and the noise beside it."""
    constants = {"memory": 0, "cached": len(curves.cached_terms()), "uncached": len(curves.uncached_terms())}
    rows: list[list[str | Shown]] = []
    for name, count in constants.items():
        judged = len(CONTEXTS) if name == "memory" else sum(curves.HELD_OUT[name])
        rows.append(
            [
                words(f"held_out_errors.{name}"),
                Shown(parameter(count)),
                Shown(parameter(judged)),
                Shown(measured(f"curves.{name}.held_out_error"), "percent1"),
                words("held_out_errors.none") if name == "memory" else Shown(_points(name, "noise"), "percent1"),
            ]
        )
    return rows


page.reuse("uncached_over_cached", SAVED)
page.constant("generated", "kvlab.benchmark.bench.GENERATED_TOKENS")
page.constant("prompt", "kvlab.benchmark.bench.PROMPT_TOKENS")
