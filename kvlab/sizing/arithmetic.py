"""The arithmetic of a size, as text: every number that goes in, and every line with the numbers put in."""

from __future__ import annotations

from typing import Any

from kvlab import formula
from kvlab.accounting import layers as general
from kvlab.accounting.formats import Element, state_element_bytes, stored_bytes
from kvlab.accounting.layers import Layers
from kvlab.accounting.memory import kv_cache_bytes
from kvlab.sizing.decoder import Decoder
from kvlab.units import both_units

SUM = "Σ " + formula.text(general.kind_bytes)


def cache_bytes(decoder: Decoder, context: int, batch: int, element: Element) -> int:
    """Return the bytes of K and V and of the states."""
    return general.attention_bytes(decoder.layers, context, batch, element) + state_bytes(decoder, batch, element)


def state_bytes(decoder: Decoder, batch: int, element: Element) -> int:
    """Return the bytes of the states that do not grow, where K and V are stored as `element`."""
    return general.state_bytes(decoder.layers, batch, state_element_bytes(element))


def weight_bytes(decoder: Decoder, element: Element) -> int | None:
    """Return the bytes of all weights stored as `element`; None where the parameters are not counted."""
    if decoder.parameters is None:
        return None
    return stored_bytes(decoder.parameters, element.block, element.block_bytes)


def over_limit(decoder: Decoder, context: int) -> bool:
    """Return whether the model was made for fewer tokens."""
    return decoder.max_context is not None and context > decoder.max_context


def size_formula(decoder: Decoder, element: Element) -> str:
    """Return the formula of the size: the one of six factors where all layers store alike, or else the sum."""
    return formula.text(kv_cache_bytes) if _alike(decoder, element) else SUM


def size_lines(decoder: Decoder, context: int, batch: int, element: Element) -> dict[str, str]:
    """Return a line for each kind of layer: its term with the numbers put in, and what it comes to."""
    return {group.kind: _line(decoder, group, context, batch, element) for group in decoder.layers}


def explanation(
    decoder: Decoder, context: int, batch: int, element: Element, weights: Element
) -> list[tuple[str, list[str]]]:
    """Return the whole arithmetic as headed paragraphs of lines."""
    kinds = size_lines(decoder, context, batch, element)
    attention = general.attention_bytes(decoder.layers, context, batch, element)
    token = general.next_token_bytes(decoder.layers, context, element)
    states = state_bytes(decoder, batch, element)
    parts = f"{attention:,} B of K and V + {states:,} B of states = " if states else ""
    inferred = [f"{i.key} = {i.value}, by {i.config_class}" for i in decoder.inferred]
    return [
        ("layers", [line for group in decoder.layers for line in _shape_lines(group, context, element)]),
        ("size", [size_formula(decoder, element), *(f"{kind}: {line}" for kind, line in kinds.items())]),
        ("cache", [parts + _in_units(attention + states)]),
        ("one more token", [f"{_in_units(token)} for each sequence, after {context:,} tokens"]),
        ("weights", [_weights_line(decoder, weights)]),
        *([("inferred", inferred)] if inferred else []),
    ]


def _alike(decoder: Decoder, element: Element) -> bool:
    group, *others = decoder.layers
    plain = group.stores and group.window is None and group.k_dim == group.v_dim and element.block == 1
    return plain and not others and group.n_kv_heads > 0


def _line(decoder: Decoder, group: Layers, context: int, batch: int, element: Element) -> str:
    if not group.stores:
        return f"{group.count:,} layers read the caches of others: 0 B"
    if group.n_kv_heads == 0:
        return _state_line(group, batch, element)
    if _alike(decoder, element):
        return _worked(
            kv_cache_bytes,
            n_layers=group.count,
            n_kv_heads=group.n_kv_heads,
            head_dim=group.k_dim,
            context=context,
            batch=batch,
            bytes_per_element=element.block_bytes,
        )
    return _worked(general.attention_bytes, groups=[group], context=context, batch=batch, element=element)


def _state_line(group: Layers, batch: int, element: Element) -> str:
    return _worked(general.state_bytes, groups=[group], batch=batch, bytes_per_element=state_element_bytes(element))


def _worked(function: formula.Formula, **values: Any) -> str:
    return f"{formula.with_numbers(function, values)} = {function(**values):,} B"


def _shape_lines(group: Layers, context: int, element: Element) -> list[str]:
    head = f"{group.count:,} × {group.kind}"
    if group.n_kv_heads == 0:
        state = f"{group.conv_elements:,} + {group.recurrent_elements:,} elements"
        return [f"{head}: a state of {state}, whatever the context"]
    stored = general.tokens_stored(group, context)
    tokens = f"all {context:,} tokens"
    if group.window is not None:
        tokens = f"min({context:,}, {group.window:,}) = {stored:,} tokens"
    if not group.stores:
        tokens += ", in the cache of another layer"
    blocks = "" if element.block == 1 else f", {element.block} in {element.block_bytes} B"
    widths = [
        f"  {name} of a token: {group.n_kv_heads:,} · {dim:,} = {group.n_kv_heads * dim:,} elements{blocks}"
        for name, dim in (("K", group.k_dim), ("V", group.v_dim))
    ]
    if group.v_dim == 0:
        widths[1] = "  V of a token: none, it is computed from the latent"
    return [f"{head}: {tokens}", *widths]


def _weights_line(decoder: Decoder, element: Element) -> str:
    size = weight_bytes(decoder, element)
    return parameters_line(decoder) + ("" if size is None else f"; in {element.name} {_in_units(size)}")


def parameters_line(decoder: Decoder) -> str:
    """Return the number of parameters and what it leaves out, or why there is none."""
    if decoder.parameters is None:
        return f"not counted: {decoder.note}"
    return f"{decoder.parameters:,}" + (f" ({decoder.note})" if decoder.note else "")


def _in_units(size: int) -> str:
    return f"{size:,} B = {both_units(size)}" if size >= 1024 else f"{size:,} B"
