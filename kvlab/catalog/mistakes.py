"""What is that number? The usual mistakes of a cache's size: what each of them gives, and which explains a figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kvlab import catalog
from kvlab.accounting.formats import ELEMENTS, Element, state_element_bytes
from kvlab.accounting.layers import Layers
from kvlab.catalog import sizes
from kvlab.catalog.sizes import element_named
from kvlab.errors import KvlabError
from kvlab.sizing import Decoder, arithmetic
from kvlab.units import in_unit, parse_size
from kvlab.units.quantity import Verdict, judge, read_figure

# The six models of the first lab, as they are run, and its contexts.
LAB_MODELS = (
    ("MiniGPT", "fp32"),
    ("GPT-2 small", "fp16"),
    ("Llama-2-7B", "fp16"),
    ("Llama-2-70B", "fp16"),
    ("GPT-3 175B", "fp16"),
    ("Mistral-7B-v0.1", "fp16"),
)
LAB_CONTEXTS = (1, 4096, 32768)


@dataclass(frozen=True)
class Case:
    """What is sized: the cache of `batch` sequences of `context` tokens, K and V stored as `element`."""

    decoder: Decoder
    context: int
    batch: int
    element: Element

    @property
    def size(self) -> int:
        """Its bytes."""
        return arithmetic.cache_bytes(self.decoder, self.context, self.batch, self.element)

    def but(self, change: Callable[[Layers], Layers]) -> Case:
        """Return the case with each group of layers changed."""
        return replace(self, decoder=replace(self.decoder, layers=tuple(map(change, self.decoder.layers))))


def _query_heads(case: Case) -> int:
    heads = case.decoder.n_heads
    return case.but(lambda g: replace(g, n_kv_heads=heads) if g.v_dim and g.n_kv_heads else g).size


def _thousand(case: Case) -> int:
    kibis, rest = divmod(case.context, 1024)
    return case.size if rest else replace(case, context=kibis * 1000).size


def _two_lost(case: Case) -> int:
    return case.but(lambda g: replace(g, v_dim=0)).size


def _two_doubled(case: Case) -> int:
    return case.but(lambda g: replace(g, k_dim=2 * g.k_dim, v_dim=2 * g.v_dim)).size


def _bits(case: Case) -> int:
    in_bits = replace(case.element, block_bytes=8 * case.element.block_bytes)
    return replace(case, element=in_bits).size


def _element_size(case: Case) -> int:
    other = {4: "fp16", 2: "fp32", 1: "fp16"}.get(case.element.block_bytes)
    return case.size if other is None else replace(case, element=ELEMENTS[other]).size


def _weights(case: Case) -> int:
    parameters = case.decoder.parameters or 0
    return case.size + parameters * state_element_bytes(case.element)


def _one_layer(case: Case) -> int:
    alone = [replace(group, count=1) for group in case.decoder.layers if group.stores]
    return max(replace(case, decoder=replace(case.decoder, layers=(group,))).size for group in alone)


def _window(case: Case) -> int:
    return case.but(lambda g: replace(g, window=None)).size


def _batch(case: Case) -> int:
    return replace(case, batch=1).size


def _head_size(case: Case) -> int:
    size, rest = divmod(case.decoder.d_model, case.decoder.n_heads)
    if rest:
        return case.size
    return case.but(lambda g: replace(g, k_dim=size, v_dim=size) if g.v_dim and g.n_kv_heads else g).size


# What each mistake makes of a case; where it changes nothing, the size itself. One more, "units", GB for GiB or the
# other way round, is no other size but another name for its unit: `kvlab.units.quantity` finds it.
MISTAKES: dict[str, Callable[[Case], int]] = {
    "query_heads": _query_heads,
    "thousand": _thousand,
    "two_lost": _two_lost,
    "two_doubled": _two_doubled,
    "bits": _bits,
    "element_size": _element_size,
    "weights": _weights,
    "one_layer": _one_layer,
    "window": _window,
    "batch": _batch,
    "head_size": _head_size,
}
SENTENCES = {
    "query_heads": "the query heads were counted instead of the K/V heads",
    "thousand": "1k tokens were taken for 1,000 and not for 1,024",
    "two_lost": "the factor 2 is missing: K and V are both kept",
    "two_doubled": "the factor 2 is there twice",
    "bits": "bits were taken for bytes: an element of 16 bits has 2 bytes",
    "element_size": "the elements have another size: 4 bytes in fp32, 2 in fp16, 1 in fp8",
    "weights": "the weights are counted in; they are no part of the cache",
    "one_layer": "this is one layer only",
    "window": "the window was ignored: no more tokens than it holds are stored",
    "batch": "the batch was forgotten: every sequence has a cache of its own",
    "head_size": "the model width divided by the heads was taken for the head size, which is a number of its own here",
    "units": "a number of GiB is called GB, or the other way round (likewise KiB and kB, MiB and MB)",
}


def mistakes_of(case: Case) -> dict[str, int]:
    """Return the bytes that each mistake gives, where it changes them and something is left."""
    found = {name: mistake(case) for name, mistake in MISTAKES.items()}
    return {name: size for name, size in found.items() if size not in (0, case.size)}


def diagnosed(case: Case, written: str) -> Verdict:
    """Return whether a written figure is the case's size, and else which mistakes explain it; all that fit are named.

    Raises:
        KvlabError: the figure cannot be read.
    """
    return judge(read_figure(written), case.size, mistakes_of(case))


def mistaken_bytes(model_name: str, context: int, batch: int, dtype: str) -> dict[str, int]:
    """Return the bytes that each mistake gives for a model of the catalog, where it changes them.

    Raises:
        KvlabError: an unknown model or element format.
    """
    return mistakes_of(_case(model_name, context, batch, dtype))


def mistaken(model_name: str, mistake: str, context: int, batch: int, dtype: str) -> int:
    """Return the bytes that one mistake gives. Raises `KvlabError` also where it is unknown or changes nothing."""
    if mistake not in MISTAKES:
        raise KvlabError(f"unknown mistake {mistake!r:.60}; known are {', '.join(MISTAKES)}")
    found = mistaken_bytes(model_name, context, batch, dtype)
    if mistake not in found:
        raise KvlabError(f"the mistake {mistake!r} changes nothing for {model_name} with {context:,} tokens")
    return found[mistake]


def explanations(model_name: str, written: str, context: int, batch: int, dtype: str) -> str:
    """Return the names of all mistakes that explain a written figure: none if it is right, or if no usual one fits.

    Raises:
        KvlabError: an unknown model or element format, or the figure cannot be read.
    """
    return " ".join(diagnosed(_case(model_name, context, batch, dtype), written).mistakes)


def mistaken_tokens(model_name: str, memory: int, weights: int, batch: int, dtype: str) -> dict[str, int]:
    """Return the tokens of each sequence that each mistake makes fit next to the weights, where it changes them.

    `"weights"` is here to forget them, so that the whole memory is given to the cache; `"units"`, to read the memory's
    GiB as GB or the other way round. For layers that store all tokens alike.

    Raises:
        KvlabError: an unknown model or element format.
    """
    case = _case(model_name, 1, batch, dtype)
    free = memory - weights
    found = {name: free // size for name, size in mistakes_of(case).items() if name not in ("weights", "window")}
    found["weights"] = memory // case.size
    found["units"] = max(_other_unit(memory) - weights, 0) // case.size
    return {name: tokens for name, tokens in found.items() if tokens not in (0, free // case.size)}


def mistaken_free(memory: int, weights: int) -> dict[str, int]:
    """Return the bytes that seem free next to the weights when these are forgotten, or GB and GiB exchanged."""
    return {"weights": memory, "units": max(_other_unit(memory) - weights, 0)}


def mistaken_weights(model_name: str, dtype: str) -> dict[str, int]:
    """Return the bytes of weights that mistakes of their element give. Raises `KvlabError` as `sizes.weight_bytes`."""
    right = sizes.weight_bytes(model_name, dtype)
    other = "fp16" if dtype in ("fp32", "int8", "fp8") else "int8"
    return {"bits": 8 * right, "element_size": sizes.weight_bytes(model_name, other)}


def mistaken_devices(model_name: str, device_name: str, dtype: str) -> dict[str, int]:
    """Return how many devices such weights seem to need. Raises `KvlabError` also for an unknown device."""
    memory = sizes.memory_bytes(device_name)
    found = {name: -(-weights // memory) for name, weights in mistaken_weights(model_name, dtype).items()}
    right = sizes.devices_for_weights(model_name, device_name, dtype)
    return {name: devices for name, devices in found.items() if devices != right}


def _other_unit(memory: int) -> int:
    """Return a memory of a whole number of GiB with that number read as GB, or the other way round; else as it is."""
    for unit, other in (("GiB", "GB"), ("GB", "GiB")):
        number = in_unit(memory, unit)
        if number.denominator == 1:
            return parse_size(f"{number}{other}")
    return memory


def _case(model_name: str, context: int, batch: int, dtype: str) -> Case:
    return Case(catalog.model(model_name).decoder, context, batch, element_named(dtype))
