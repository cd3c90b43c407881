"""`solutions/00-first-errors`: what each usual mistake gives in a stated case, and by which factor."""

from __future__ import annotations

from typing import Any, NamedTuple

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.experiments_cache_sizing import FP16, K4, K32, LLAMA, ROUNDED, limit, memory_read, one
from figures_src.pages.experiments_cache_sizing import eight as eight_sequences
from figures_src.pages.shared.at_scale import billions
from figures_src.pages.shared.shapes import shapes
from figures_src.plots import factors
from figures_src.words import Words
from kvlab import units
from kvlab.accounting import memory
from kvlab.catalog import mistakes, sizes
from kvlab.experiments import cache_sizing

page = Page("solutions/00-first-errors")

SEVEN, SEVENTY, MISTRAL, WIDE = "Llama-2-7B", "Llama-2-70B", "Mistral-7B-v0.1", "Qwen3-32B"
MINI_LIMIT = limit("MiniGPT")
# The section of each mistake has its name as id, but for these, which share one.
SHARED_SECTION = {"two_lost": "two", "two_doubled": "two"}


class Case(NamedTuple):
    """A mistake, and the case in which this page shows it."""

    mistake: str
    model: str
    context: Value = K4
    batch: Value = one
    dtype: str = "fp16"

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments of what sizes it."""
        return {"model_name": self.model, "context": self.context, "batch": self.batch, "dtype": self.dtype}

    @property
    def right(self) -> Value:
        """The size."""
        return call(sizes.cache_bytes, **self.asked)

    @property
    def wrong(self) -> Value:
        """What the mistake makes of it."""
        if self.mistake == "units":  # not another size: its number in GiB, with the other name
            return call(units.parse_size, written="2GB")
        return call(mistakes.mistaken, mistake=self.mistake, **self.asked)

    @property
    def too_large(self) -> bool:
        """Whether it gives too much."""
        return self.wrong.result > self.right.result

    @property
    def factor(self) -> Value:
        """How many times too large it is, or too small: a number above 1."""
        larger, smaller = (self.wrong, self.right) if self.too_large else (self.right, self.wrong)
        return call(units.ratio, numerator=larger, denominator=smaller)


CASES = {
    case.mistake: case
    for case in (
        Case("query_heads", SEVENTY),
        Case("head_size", WIDE),
        Case("two_lost", SEVEN),
        Case("two_doubled", SEVEN),
        Case("bits", SEVEN),
        Case("element_size", "MiniGPT", context=MINI_LIMIT, dtype="fp32"),
        Case("one_layer", SEVEN),
        Case("batch", SEVEN, batch=eight_sequences),
        Case("window", MISTRAL, context=K32),
        Case("weights", SEVEN),
        Case("thousand", SEVEN),
        Case("units", SEVEN),
    )
}
for name, case in CASES.items():
    page.reuse(f"{name}_wrong", case.wrong)
    if name != "two_doubled":  # in one sentence with the factor that is lost
        page.reuse(f"{name}_right", case.right)
    if not name.startswith("two"):
        page.reuse(f"{name}_factor", case.factor)
page.parameter("n_mistakes", len(CASES))
page.reuse("k4", K4)
page.reuse("k4_in_thousands", call(units.ratio, numerator=K4, denominator=1024))
page.reuse("k32", K32)
page.parameter("k1", 1024)
page.parameter("thousand", 1000)
page.reuse("batch_of_8", eight_sequences)
page.formula("size", memory.kv_cache_bytes)


def section(mistake: str) -> str:
    """Return the id of the section on a mistake."""
    return SHARED_SECTION.get(mistake, mistake.replace("_", "-"))


def _in_thousands(context: Value) -> str:
    thousands, rest = divmod(context.result, 1024)
    return str(context.result) if rest else f"{thousands}k"


def _exact_or_rounded(factor: Value) -> Shown:
    return Shown(factor, "" if isinstance(factor.result, int) else "fixed3")


@page.table
def errors(words: Words) -> Rows:
    """Return each mistake with its case: the right size, the wrong one, and the factor between them."""
    rows: list[list[str | Shown]] = []
    for name, case in CASES.items():
        factor, none = _exact_or_rounded(case.factor), words("errors_first.none")
        told = words("errors_first.batch" if case.batch is eight_sequences else "errors_first.one")
        rows.append(
            [
                f"[{words(f'mistakes.{name}')}](#{section(name)})",
                told.format(model=case.model, tokens=_in_thousands(case.context)),
                Shown(case.right, "binary"),
                Shown(case.wrong, "decimal" if name == "units" else "binary"),
                *((factor, none) if case.too_large else (none, factor)),
            ]
        )
    return rows


def _quotient(case: Case) -> Value:
    return call(units.ratio, numerator=case.wrong, denominator=case.right)


def factors_data() -> list[factors.Row]:
    """Return each mistake and the factor by which its result differs from the size, from the smallest on."""
    rows = [factors.Row(name, _quotient(case).result) for name, case in CASES.items()]
    return sorted(rows, key=lambda row: row.wrong_over_right)


page.figure("factors", factors_data, factors.draw)
for alike in (("bits", "query_heads", "window"), ("two_lost", "element_size")):
    page.same("dots_share_a_place", *(_quotient(CASES[name]) for name in alike))
SMALLER = [_quotient(CASES[name]) for name in ["one_layer", "batch", "two_lost", "head_size", "units", "thousand"]]
LARGER = [_quotient(CASES[name]) for name in ["two_doubled", "weights", "bits"]]
page.claim("dots_are_in_this_order", *SMALLER, one, *LARGER)
page.claim("units_are_near_one", parameter(0.9), _quotient(CASES["units"]))
page.claim("units_are_near_one", _quotient(CASES["head_size"]), parameter(0.9))
page.reuse("smallest", SMALLER[0])

# What the sections say next to these.

seventy = shapes(SEVENTY, "n_heads", "n_kv_heads")
page.reuse("seventy_heads", seventy["n_heads"])
page.reuse("seventy_kv_heads", seventy["n_kv_heads"])
wide = shapes(WIDE, "d_model", "n_heads", "head_dim")
page.reuse("wide_d_model", wide["d_model"])
page.reuse("wide_n_heads", wide["n_heads"])
page.reuse("wide_head_dim", wide["head_dim"])
divided = page.value("wide_divided", units.ratio, numerator=wide["d_model"], denominator=wide["n_heads"])
page.claim("quotient_is_another_head_size", divided, wide["head_dim"])
page.claim("quotient_is_another_head_size", one, CASES["head_size"].factor, parameter(2))
page.same("seven_has_no_groups", *shapes(SEVEN, "n_heads", "n_kv_heads").values())
page.same("gpt2_has_no_groups", *shapes("GPT-2 small", "n_heads", "n_kv_heads").values())
page.reuse("seven_billions", billions(SEVEN))
page.reuse("seven_layers", LLAMA["n_layers"])
page.reuse("fp16_bytes", FP16)
bits = page.constant("fp16_bits", "8 * kvlab.units.BYTES_PER_ELEMENT['fp16']")
page.reuse("window", call(sizes.layer_group, model_name=MISTRAL, kind="sliding").field("window"))
page.value("seven_weights", sizes.weight_bytes, model_name=SEVEN, dtype="fp16")
for unit in ("KiB", "MiB", "GiB", "TiB"):
    decimal = {"KiB": "kB"}.get(unit, unit.replace("i", ""))
    wrong, right = (call(units.parse_size, written=f"1{name}") for name in (decimal, unit))
    page.value(f"step_{unit.lower()}", units.ratio, numerator=right, denominator=wrong)
page.same("units_err_by_their_step", page.values["step_gib"], CASES["units"].factor)
page.value("k_short", units.ratio, numerator=1000, denominator=1024)

# Figures that more than one mistake explains, and one that none does.

HEARD = (
    (SEVENTY, K4, 1, "10GiB"),
    (SEVEN, K4, 1, "4GiB"),
    (SEVEN, K4, 32, "2GiB"),
    (MISTRAL, K32, 1, "4GiB"),
    (SEVEN, K32, 1, "16GB"),
    (SEVEN, K4, 1, "3GiB"),
)


@page.table
def explained(words: Words) -> Rows:
    """Return figures as somebody gives them, the size that was asked for, and all mistakes that explain each."""
    rows: list[list[str | Shown]] = []
    for model, context, batch, written in HEARD:
        asked = {"model_name": model, "context": context, "batch": batch, "dtype": "fp16"}
        fitting = call(mistakes.explanations, written=written, **asked)
        named = "; ".join(words(f"factors.{name}") for name in fitting.result.split())
        told = words("explained.one" if batch == 1 else "explained.many")
        rows.append(
            [
                told.format(model=model, tokens=_in_thousands(context), sequences=batch),
                Shown(call(units.parse_size, written=written), "GB" if written.endswith("GB") else "binary"),
                Shown(call(sizes.cache_bytes, **asked), "both"),
                Shown(fitting, word=named or words("explained.none")),
            ]
        )
    return rows


# Turned around.


def _fits(budget: Value, batch: Value, element: Value) -> Value:
    return call(memory.context_in_budget, budget=budget, **LLAMA, batch=batch, bytes_per_element=element)


FORTY = memory_read(cache_sizing.FITTED_DEVICE, "reported")
FREE = call(memory.left_for_cache, memory=FORTY, weights=ROUNDED)
page.reuse("rounded_weights", ROUNDED)
fits = page.reuse("fits", _fits(FREE, one, FP16))
fits_8 = page.reuse("fits_8", _fits(FREE, eight_sequences, FP16))
fits_forgotten = page.reuse("fits_forgotten", _fits(FORTY, one, FP16))
page.claim("forgotten_weights_leave_more", fits, fits_forgotten)
page.same("bits_give_the_batch", _fits(FREE, one, bits), fits_8)
