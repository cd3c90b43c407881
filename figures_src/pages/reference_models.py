"""`reference/models`: what the models of the catalog take, and the published figures that the formulas meet."""

from __future__ import annotations

import re
from typing import NamedTuple

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.shared.shapes import kv_shapes, speeds
from figures_src.pages.shared.sourced import read_cell, source_cell
from figures_src.words import Words, numbers
from kvlab import catalog, units
from kvlab.accounting import memory, roofline
from kvlab.catalog import CatalogModel, sizes
from kvlab.catalog.published import PublishedFigure, published_figures

page = Page("reference/models")

DTYPE = "fp16"
Row = list[str | Shown]


def family(entry: CatalogModel) -> str:
    """Return what a model's name begins with, by which it is looked up: `llama` of `Llama-2-7B`."""
    return re.split(r"[^a-z]", entry.name.casefold())[0]


# By family; within one, as the catalog has them: by version, and from small to large.
ZOO = sorted(catalog.all_models(), key=family)
BYTES_PER_ELEMENT = page.value("bytes_per_element", units.bytes_per_element, dtype=DTYPE)
page.constant("n_models", "len(kvlab.catalog.models.all_models())")


def shape(entry: CatalogModel, field: str) -> Value:
    """Return one number of a model's shape."""
    return call(catalog.model, name=entry.name).field(f"decoder.{field}")


def limit(entry: CatalogModel) -> Value:
    """Return the context that a model was made for."""
    return shape(entry, "max_context")


def added(entry: CatalogModel, context: Value) -> Value:
    """Return the bytes that one more token adds to a model's cache after `context` others."""
    return call(sizes.next_token_bytes, model_name=entry.name, context=context, dtype=DTYPE)


NONE = parameter(0)

# Sizes.


@page.table
def model_sizes(words: Words) -> Rows:
    """Return what the models take: parameters, weights, and a token in the cache."""
    return [
        [
            entry.name,
            Shown(shape(entry, "parameters")),
            Shown(weights_of(entry.name), "both"),
            Shown(added(entry, NONE), "B"),
        ]
        for entry in ZOO
    ]


@page.table
def at_their_limits(words: Words) -> Rows:
    """Return the cache of one sequence that is as long as the model was made for, and its share of the weights."""
    return [limit_row(e) for e in ZOO]


def limit_row(entry: CatalogModel) -> Row:
    """Return the context that a model was made for, and its cache there."""
    cache, weights = cache_at_limit(entry), weights_of(entry.name)
    share = call(units.ratio, numerator=cache, denominator=weights)
    return [entry.name, Shown(limit(entry)), Shown(cache, "both"), Shown(share, "percent1")]


def weights_of(name: str) -> Value:
    """Return the bytes of a model's weights."""
    return call(sizes.weight_bytes, model_name=name, dtype=DTYPE)


def cache_at_limit(entry: CatalogModel) -> Value:
    """Return the bytes of one sequence as long as the model was made for."""
    return call(sizes.cache_bytes, model_name=entry.name, context=limit(entry), batch=1, dtype=DTYPE)


# One of them, for the mistake.

small = page.value("small_weights", sizes.weight_bytes, model_name="Llama-2-7B", dtype=DTYPE)
guess = page.value("guessed_weights", memory.weight_bytes, parameters=7 * 10**9, bytes_per_element=BYTES_PER_ELEMENT)
page.claim("name_is_rounded_up", small, guess)
page.reuse("small_parameters", call(catalog.model, name="Llama-2-7B").field("decoder.parameters"))

# Published figures, and what the formulas come to.


class Result(NamedTuple):
    """A result that stands next to a printed number: its format, and what was given, which its row names."""

    value: Value
    format: str = ""
    given: int = 0


def cached(model: str, context: int, dtype: str, unit: str = "MiB") -> Result:
    """Return the bytes of one sequence in the cache."""
    return Result(call(sizes.cache_bytes, model_name=model, context=context, batch=1, dtype=dtype), unit, context)


def slots_in(gib: int, model: str) -> Result:
    """Return the tokens that fit in so many GiB of cache."""
    size = call(units.parse_size, written=f"{gib}GiB")
    shape = {**kv_shapes(model), "batch": 1, "bytes_per_element": BYTES_PER_ELEMENT}
    return Result(call(memory.context_in_budget, budget=size, **shape), given=gib)


def ridge_of(device: str) -> Result:
    """Return the ridge of a device."""
    return Result(call(roofline.ridge, **speeds(device)), "fixed0")


def element_bytes(dtype: str) -> Result:
    """Return the bytes of an element, its share of its block's scale included."""
    token = call(sizes.next_token_bytes, model_name="Llama-2-7B", context=0, dtype=dtype)
    elements = call(memory.kv_elements_per_token, **kv_shapes("Llama-2-7B"))
    return Result(call(units.ratio, numerator=token, denominator=elements), "fixed4")


# Of each figure that follows from a formula: the results that stand for its numbers, in the order of the print.
COMPUTED = {
    "llama31_8b_4096": [cached("Llama-3.1-8B", 4096, DTYPE)],
    "deepseek_v3_f16": [cached("DeepSeek-V3", 32768, DTYPE)],
    "deepseek_v3_q8_0": [cached("DeepSeek-V3", 32768, "q8_0")],
    "qwen3_coder_480b": [cached("Qwen3-Coder-480B-A35B", 262_144, DTYPE, "GiB")],
    "opt_13b_token": [Result(call(sizes.next_token_bytes, model_name="OPT-13B", context=0, dtype=DTYPE), "KiB")],
    "opt_slots": [slots_in(12, "OPT-13B"), slots_in(21, "OPT-66B"), slots_in(264, "GPT-3 175B")],
    "h100_ridge": [ridge_of("H100 80GB SXM")],
    "ggml_blocks": [element_bytes("q8_0"), element_bytes("q4_0")],
}


opt = COMPUTED["opt_13b_token"][0].value
page.same("kb_means_kib", opt, call(units.parse_size, written="800KiB"))
page.claim(
    "kb_means_kib", parameter(15_650), COMPUTED["opt_slots"][0].value, parameter(15_750)
)  # the paper prints 15.7K


@page.table
def published(words: Words) -> Rows:
    """Return a row for each number that others have published and a formula gives."""
    figures = [figure for figure in published_figures() if figure.from_formula]
    return [row for figure in figures for row in published_rows(figure, words)]


def published_rows(figure: PublishedFigure, words: Words) -> list[Row]:
    """Return a row for each number of a figure, as it was printed and as it is computed."""
    printed, source = re.split(" / |, (?=q)", figure.published), [figure.source]
    rows: list[Row] = []
    for nth, (part, result) in enumerate(zip(printed, COMPUTED[figure.name], strict=True)):
        given = numbers.show(result.given, "", words.language)
        what = words(f"published.{figure.name}.{nth}").format(given=given)
        shown = Shown(result.value, result.format)
        rows.append([what, f"`{part}`", shown, source_cell(source, words), read_cell(source, words)])
    return rows
