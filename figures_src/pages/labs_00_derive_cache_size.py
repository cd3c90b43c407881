"""`labs/00-derive-cache-size`: the paper exercise; what is right, and what each usual mistake gives, is computed."""

from __future__ import annotations

import re

from figures_src.declared.page import Blank, Page, Rows, Shown
from figures_src.declared.values import Value, call, constant, parameter
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import memory, paging
from kvlab.catalog import mistakes, sizes

page = Page("labs/00-derive-cache-size")

FP16 = call(units.bytes_per_element, dtype="fp16")
one, eight, thirty_two = (parameter(quantity) for quantity in (1, 8, 32))
TOKEN, K4, K32 = (constant(f"kvlab.catalog.mistakes.LAB_CONTEXTS[{nth}]") for nth in range(3))
LLAMA, GPT3, H100 = "Llama-2-7B", "GPT-3 175B", "H100 80GB SXM"
WINDOWED, UNWINDOWED = "Mistral-7B-v0.1", "Mistral-7B-v0.3"

page.reuse("k4", K4)
page.reuse("k32", K32)
page.parameter("k1", 1024)
page.reuse("fp16_bytes", FP16)
page.reuse("batch_of_8", eight)
page.constant("n_models", "len(kvlab.catalog.mistakes.LAB_MODELS)")

# A. Six models.

SHAPES = ("n_layers", "d_model", "n_heads", "n_kv_heads", "max_context")


@page.table
def models(words: Words) -> Rows:
    """Return the shapes of the six models, their element formats and limits."""
    rows: list[list[str | Shown | Blank]] = []
    for name, dtype in mistakes.LAB_MODELS:
        *first, limit = (Shown(value) for value in shapes(name, *SHAPES).values())
        rows.append([name, *first, dtype, limit])
    return rows


for model, _ in mistakes.LAB_MODELS:
    width, heads, head = shapes(model, "d_model", "n_heads", "head_dim").values()
    page.same("heads_share_the_width", head, call(units.ratio, numerator=width, denominator=heads))
page.reuse("window", call(sizes.layer_group, model_name=WINDOWED, kind="sliding").field("window"))


def _size_blank(model: str, dtype: str, context: Value, name: str) -> Blank:
    case = {"model_name": model, "context": context, "batch": one, "dtype": dtype}
    beyond = None if context is TOKEN else call(sizes.over_limit, model_name=model, context=context)
    return page.blank(
        f"{_plain(model)}_{name}",
        call(sizes.cache_bytes, **case),
        call(mistakes.mistaken_bytes, **case),
        beyond=beyond,
    )


def _thousands(context: Value) -> int:
    return call(units.ratio, numerator=context, denominator=1024).result


def _plain(model: str) -> str:
    return re.sub(r"\W+", "_", model).lower()


SIX = {
    model: [_size_blank(model, dtype, *at) for at in ((TOKEN, "token"), (K4, "k4"), (K32, "k32"))]
    for model, dtype in mistakes.LAB_MODELS
}


@page.table
def six(words: Words) -> Rows:
    """Return the six rows to be filled in."""
    return [[f"{model}, {dtype}", *SIX[model]] for model, dtype in mistakes.LAB_MODELS]


page.blank("derivations")

# B. The inverse: a device of 40, in either reading, and weights, rounded or exact.

BINARY, DECIMAL, ROUNDED = (call(units.parse_size, written=written) for written in ("40GiB", "40GB", "14GiB"))
EXACT = call(sizes.weight_bytes, model_name=LLAMA, dtype="fp16")
page.reuse("memory_binary", BINARY)
page.reuse("memory_decimal", DECIMAL)
page.same("device_reports_gib", BINARY, call(sizes.memory_bytes, device_name="A100 40GB"))
page.reuse("weights_rounded", ROUNDED)
page.reuse("llama_parameters", call(catalog.model, name=LLAMA).field("decoder.parameters"))


def _fitting_blanks(name: str, device: Value, weights: Value) -> list[Blank]:
    free = call(memory.left_for_cache, memory=device, weights=weights)
    blanks = [page.blank(f"{name}_free", free, call(mistakes.mistaken_free, memory=device, weights=weights))]
    for batch in (one, eight):
        fitting = call(memory.context_in_budget, budget=free, **kv_shapes(LLAMA), batch=batch, bytes_per_element=FP16)
        given = {"model_name": LLAMA, "memory": device, "weights": weights, "batch": batch, "dtype": "fp16"}
        wrong = call(mistakes.mistaken_tokens, **given)
        blanks.append(page.blank(f"{name}_{batch.result}", fitting, wrong, counted=True))
    return blanks


FITTING = {
    "binary": _fitting_blanks("binary", BINARY, ROUNDED),
    "decimal": _fitting_blanks("decimal", DECIMAL, ROUNDED),
    "exact": _fitting_blanks("exact", BINARY, EXACT),
}


@page.table
def fitting(words: Words) -> Rows:
    """Return the readings of a device's 40, and what fits in each."""
    return [[words(f"lab_fitting.{name}"), *blanks] for name, blanks in FITTING.items()]


def _device_blanks(dtype: str) -> list[Blank]:
    of = {"model_name": GPT3, "dtype": dtype}
    weights = call(sizes.weight_bytes, **of)
    number = call(sizes.devices_for_weights, **of, device_name=H100)
    wrong = call(mistakes.mistaken_devices, **of, device_name=H100)
    return [
        page.blank(f"weights_{dtype}", weights, call(mistakes.mistaken_weights, **of)),
        page.blank(f"devices_{dtype}", number, wrong, counted=True),
    ]


DEVICES = {dtype: _device_blanks(dtype) for dtype in ("fp16", "int8")}


@page.table
def devices(words: Words) -> Rows:
    """Return the weights of GPT-3 in two formats, and the devices that they take."""
    return [[dtype, *blanks] for dtype, blanks in DEVICES.items()]


page.reuse("gpt3_parameters", call(catalog.model, name=GPT3).field("decoder.parameters"))
page.value("h100", sizes.memory_bytes, device_name=H100)
page.blank("inverse_arithmetic")

# C. A claim: the two models' caches, and how many times the one is larger.


def _ratio_blank(model: str, context: Value, name: str) -> Blank:
    taken = [call(sizes.cache_bytes, model_name=of, context=context, batch=one, dtype="fp16") for of in (LLAMA, model)]
    return page.blank(name, call(units.ratio, numerator=taken[0], denominator=taken[1]), counted=True)


of = {"context": K32, "batch": one}
without_window = call(memory.kv_cache_bytes, **kv_shapes(WINDOWED), **of, bytes_per_element=FP16)
page.same(
    "versions_differ_by_the_window",
    without_window,
    call(sizes.cache_bytes, model_name=UNWINDOWED, **of, dtype="fp16"),
)
RATIOS = {
    "ratio_token": _ratio_blank(WINDOWED, TOKEN, "ratio_token"),
    "ratio_window": _ratio_blank(WINDOWED, K32, "ratio_window"),
    "ratio_no_window": _ratio_blank(UNWINDOWED, K32, "ratio_no_window"),
}


@page.table
def ratios(words: Words) -> Rows:
    """Return the ratios that decide on the claim."""
    return [[words(f"lab_ratios.{name}").format(k=_thousands(K32)), blank] for name, blank in RATIOS.items()]


page.blank("reason")

# D. Four paragraphs, the last with its two numbers.

MEAN = page.parameter("mean", 1024)
RESERVED = {"max_context": K32, "context": MEAN}
UNUSED = call(paging.unused_slots, **RESERVED, batch=one)
WASTED = call(paging.unused_bytes, **kv_shapes(LLAMA), **RESERVED, batch=thirty_two, bytes_per_element=FP16)
WASTE = {
    "slots": page.blank("unused_slots", UNUSED, counted=True),
    "bytes": page.blank(
        "unused_bytes",
        WASTED,
        call(mistakes.mistaken_bytes, model_name=LLAMA, context=UNUSED, batch=thirty_two, dtype="fp16"),
    ),
}
page.reuse("batch", thirty_two)


@page.table
def waste(words: Words) -> Rows:
    """Return what preallocation leaves empty, to be filled in."""
    return [[words(f"lab_waste.{name}"), blank] for name, blank in WASTE.items()]


for paragraph in ("two", "width", "dtype", "preallocation"):
    page.blank(f"paragraph_{paragraph}")

# E. The reader's own first errors.

page.blank("own_errors")
