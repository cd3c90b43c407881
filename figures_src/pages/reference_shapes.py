"""`reference/shapes`: the shapes of the models of the catalog, their windows, and where they were read."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call
from figures_src.pages.reference_models import BYTES_PER_ELEMENT, DTYPE, NONE, ZOO, Row, added, shape
from figures_src.pages.shared.shapes import kv_shapes, shapes
from figures_src.pages.shared.sourced import read_cell, source_cell
from figures_src.words import Words
from kvlab import units
from kvlab.accounting import memory
from kvlab.catalog import CatalogModel, sizes
from kvlab.catalog.sources import Source

page = Page("reference/shapes")

WINDOWED = [entry for entry in ZOO if any(group.window for group in entry.decoder.layers)]
page.constant("n_models", "len(kvlab.catalog.models.all_models())")
page.reuse("bytes_per_element", BYTES_PER_ELEMENT)

# Shapes.

SYMBOLS = {
    "n_layers": "$L$",
    "d_model": "$d$",
    "n_heads": "$H$",
    "n_kv_heads": r"$H_{\mathrm{kv}}$",
    "head_dim": "$d_h$",
    "d_ff": r"$d_{\mathrm{ff}}$",
    "vocab_size": "$V$",
}


def head_dim(entry: CatalogModel) -> Value:
    """Return the size of a head; of a latent, which all heads share, its width."""
    if entry.decoder.head_dim is not None:
        return shape(entry, "head_dim")
    [latent] = entry.decoder.layers
    return call(sizes.layer_group, model_name=entry.name, kind=latent.kind).field("k_dim")


@page.table
def model_shapes(words: Words) -> Rows:
    """Return the shapes of the models, one a row."""
    return [
        [entry.name, *(Shown(head_dim(entry) if field == "head_dim" else shape(entry, field)) for field in SYMBOLS)]
        for entry in ZOO
    ]


@page.table
def windows(words: Words) -> Rows:
    """Return the models with sliding windows: how many layers have one, and what a token adds before and after it."""
    return [window_row(entry) for entry in WINDOWED]


def window_row(entry: CatalogModel) -> Row:
    """Return a model's layers by kind, their window, and the bytes that a token adds at first and after the window."""
    kinds = {group.kind for group in entry.decoder.layers}
    [windowed] = (group.kind for group in entry.decoder.layers if group.window)
    counted = [
        Shown(call(sizes.layer_group, model_name=entry.name, kind=kind).field("count") if kind in kinds else NONE)
        for kind in (windowed, "full")
    ]
    window = call(sizes.layer_group, model_name=entry.name, kind=windowed).field("window")
    return [entry.name, *counted, Shown(window), *(Shown(added(entry, after), "B") for after in (NONE, window))]


# One of them, for the mistake.

LLAMA, MHA = "Llama-2-70B", "n_heads"
page.claim("fewer_kv_heads", *shapes(LLAMA, "n_kv_heads", MHA).values())
page.value("llama_token", sizes.next_token_bytes, model_name=LLAMA, context=0, dtype=DTYPE)
page.value(
    "llama_token_as_mha",
    memory.kv_bytes_per_token,
    **{**kv_shapes(LLAMA), "n_kv_heads": shapes(LLAMA, MHA)[MHA]},
    bytes_per_element=BYTES_PER_ELEMENT,
)
page.value(
    "llama_factor",
    units.ratio,
    numerator=page.values["llama_token_as_mha"],
    denominator=page.values["llama_token"],
)

# Sources.


@page.table
def model_sources(words: Words) -> Rows:
    """Return where each model's shapes were read, and what its number of parameters is."""
    return [
        [entry.name, status(entry, words), source_cell(entry.sources, words), read_cell(all_sources(entry), words)]
        for entry in ZOO
    ]


def status(entry: CatalogModel, words: Words) -> str:
    """Return what the number of parameters is, and what else is to be known of a model."""
    found = words(f"status.{entry.parameters_status}")
    if entry.parameters_source:
        found += f" ({source_cell([entry.parameters_source], words)})"
    return "; ".join([found, *(words(f"model_note.{note}") for note in entry.notes)])


def all_sources(entry: CatalogModel) -> list[Source]:
    """Return where a model's shapes and its number of parameters were read."""
    return [*entry.sources, *([entry.parameters_source] if entry.parameters_source else [])]
