"""The golden file of sizing: what the transformers library has and stores of each case.

    versions     of torch and transformers, as text
    cases        by name:
      parameters   elements of the class's parameters
      shape        as the configuration class resolves it: layers, d, H, width of an MLP or expert, V, longest context
      layers       rows of [type, window, how many], as the configuration class derives them
      heads        of the layers that keep K and V, each kind once: [H_kv, elements of K and V of a head]
      bytes        rows of [context, batch, bytes of K and V, bytes of states]

All elements are bfloat16, but those of recurrent states, which are fp32.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypedDict

from sizing_case import Case, as_implemented

from kvlab.accounting.formats import ELEMENTS
from kvlab.accounting.layers import Layers, attention_bytes, state_bytes
from kvlab.sizing import Decoder
from kvlab.sizing.layer_types import LAYER_TYPES

PATH = Path(__file__).parent / "golden" / "caches.json"


class Measured(TypedDict):
    """What was measured of one case."""

    parameters: int | None
    shape: list[int | None]
    layers: list[list[Any]]
    heads: list[list[int]]
    bytes: list[list[int]]


def read_golden_caches() -> dict[str, Any]:
    """Return the file's contents."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def by_formula(case: Case, decoder: Decoder, rows: Sequence[Sequence[int]] = ()) -> Measured:
    """Return what is said here of a case that was read: its layers as they are, the rest as the library has it."""
    d = as_implemented(decoder, case)
    kinds = {(group.n_kv_heads, group.k_dim + group.v_dim) for group in d.layers if group.stores and group.n_kv_heads}
    return {
        "parameters": d.parameters,
        "shape": [d.n_layers, d.d_model, d.n_heads, d.d_ff, d.vocab_size, d.max_context],
        "layers": counted(_typed(group) for group in decoder.layers for _ in range(group.count)),
        "heads": sorted(map(list, kinds)),
        "bytes": [_row(d, *row[:2]) for row in rows],
    }


def counted(layers: Iterable[tuple[str, int | None]]) -> list[list[Any]]:
    """Return types and windows of layers, each pair with how many there are of it."""
    return [[*pair, count] for pair, count in sorted(Counter(layers).items())]


def _typed(group: Layers) -> tuple[str, int | None]:
    names = {kind: name for name, kind in LAYER_TYPES.items()} | {"latent": "full_attention"}
    shared = {f"{kind}, shared": "dummy" for kind in names}
    return (names | shared)[group.kind], group.window if group.stores else None


def _row(decoder: Decoder, context: int, batch: int) -> list[int]:
    kv_cache = attention_bytes(decoder.layers, context, batch, ELEMENTS["bf16"])
    return [context, batch, kv_cache, state_bytes(decoder.layers, batch, 2)]
