"""`solutions/03-cost-curves`: the measured curves, their formulas, and what simpler formulas would have done."""

from __future__ import annotations

from functools import partial

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.shared.measurements import curves_data, measured
from figures_src.pages.shared.shapes import kv_shapes
from figures_src.plots import curves as curves_figure
from figures_src.words import Words
from kvlab import units
from kvlab.accounting import memory
from kvlab.benchmark import record
from kvlab.labs import solution
from kvlab.labs.lab_03 import baselines

page = Page("solutions/03-cost-curves")

first, last = (constant(f"kvlab.benchmark.curves.CONTEXTS[{end}]") for end in (0, -1))
page.reuse("first", first)
page.reuse("last", last)
page.constant("promise", "kvlab.benchmark.fit.PROMISE")
contexts = page.constant("contexts", "len(kvlab.benchmark.curves.CONTEXTS)")
block = page.constant("block", "kvlab.cache.protocol.READ_TILE")
reads = page.value("reads", units.ratio, numerator=last, denominator=block)
page.value("in_each_block", units.ratio, numerator=contexts, denominator=reads)
page.claim("more_points_than_constants", parameter(2), reads)
page.claim("more_points_than_constants", parameter(3), contexts)

# The memory.

KV, one = kv_shapes("MiniGPT"), parameter(1)
FP32 = call(units.bytes_per_element, dtype="fp32")
page.value("per_token", memory.kv_bytes_per_token, **KV, bytes_per_element=FP32)
page.value("buffer", memory.kv_cache_bytes, **KV, context=last, batch=one, bytes_per_element=FP32)

# The curves of the record, and what simpler formulas make of them.

page.figure("curves", curves_data, curves_figure.draw, measured=True)
page.reuse("processor", call(record.measured_on, what="processor"))
page.reuse("taken", call(record.measured_on, what="taken"))

CONTEXTS = measured("curves.cached.contexts")
SECONDS = {run: measured(f"curves.{run}.measured_seconds") for run in ("cached", "uncached")}


def _error(run: str, constants: int) -> Value:
    return call(baselines.held_out_error, run=run, constants=constants, contexts=CONTEXTS, seconds=SECONDS[run])


@page.table
def rival_errors(words: Words) -> Rows:
    """Return the error of each formula and of its simpler rivals on the points that no fit has seen."""
    formulas = {
        ("cached", 1): r"$\alpha$",
        ("cached", 2): r"$\alpha + \beta \cdot r$",
        ("uncached", 1): r"$\alpha$",
        ("uncached", 2): r"$\alpha + \beta \cdot T$",
        ("uncached", 3): r"$\alpha + \beta \cdot T + \gamma \cdot \sum r$",
    }
    return [
        [words(f"rival_errors.{run}"), written, Shown(_error(run, constants), "percent1")]
        for (run, constants), written in formulas.items()
    ]


page.claim("pass_is_no_constant", page.values["promise"], _error("uncached", 1))
for run in ("cached", "uncached"):
    page.value(f"{run}_growth", baselines.last_over_first, seconds=SECONDS[run])
page.value("uncached_over_cached", baselines.over_at_last, slower=SECONDS["uncached"], faster=SECONDS["cached"])

page.file("program", partial(solution, "03"))
