"""The experiment `cache-sizing`, which lab 00 asks on paper: six models forward, two memories turned around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kvlab import catalog
from kvlab.accounting import layers, memory
from kvlab.catalog import sizes
from kvlab.catalog.mistakes import LAB_CONTEXTS, LAB_MODELS
from kvlab.errors import KvlabError
from kvlab.units import bytes_per_element, parse_size

# What is asked forward: each model and how its cache is stored; and next to one token, these contexts.
ROWS = LAB_MODELS
CONTEXTS = LAB_CONTEXTS[1:]

# What is asked backward: tokens next to the weights of one model, and the devices that those of another take.
FITTED, FITTED_DEVICE, BATCHES = "Llama-2-7B", "A100 40GB", (1, 8)
ROUNDED_WEIGHTS = "14GiB"
SPREAD, SPREAD_DEVICE, SPREAD_DTYPES = "GPT-3 175B", "H100 80GB SXM", ("fp16", "int8")

# How the number in a device's name is read: as what it reports, or as a number of the one unit or the other.
READINGS = ("reported", "GiB", "GB")


@dataclass(frozen=True)
class Row:
    """What one model's cache takes, for one sequence.

    Attributes:
        model: its name in the catalog.
        dtype: how K and V are stored.
        token_bytes: of one token, as long as no window is full.
        context_bytes: of each of `CONTEXTS`.
        hypothetical: those of them that the model was not made for.
    """

    model: str
    dtype: str
    token_bytes: int
    context_bytes: Mapping[int, int]
    hypothetical: tuple[int, ...]


@dataclass(frozen=True)
class Fitted:
    """What fits in a memory, read in one way, next to weights of one size.

    Attributes:
        reading: one of `READINGS`.
        memory_bytes: the memory.
        weights_bytes: the weights.
        free_bytes: what they leave.
        tokens: of each sequence, by the number of sequences.
        over_limit: whether one sequence could have more tokens than the model was made for.
    """

    reading: str
    memory_bytes: int
    weights_bytes: int
    free_bytes: int
    tokens: Mapping[int, int]
    over_limit: bool


@dataclass(frozen=True)
class Spread:
    """How many devices weights take, and what is left on them for a cache.

    Attributes:
        reading: one of `READINGS`.
        dtype: of the weights.
        memory_bytes: of one device.
        weights_bytes: the weights.
        devices: how many.
        free_bytes: what the weights leave on all of them.
    """

    reading: str
    dtype: str
    memory_bytes: int
    weights_bytes: int
    devices: int
    free_bytes: int


def forward() -> list[Row]:
    """Return what the caches of the six models take."""
    return [
        Row(
            model=model,
            dtype=dtype,
            token_bytes=sizes.next_token_bytes(model, 0, dtype),
            context_bytes={context: sizes.cache_bytes(model, context, 1, dtype) for context in CONTEXTS},
            hypothetical=tuple(context for context in CONTEXTS if sizes.over_limit(model, context)),
        )
        for model, dtype in ROWS
    ]


def fitted() -> list[Fitted]:
    """Return what fits next to the rounded weights and next to the exact ones, in each reading that differs."""
    return [
        _fitted(reading, weights)
        for weights in (parse_size(ROUNDED_WEIGHTS), sizes.weight_bytes(FITTED, "fp16"))
        for reading in distinct_readings(FITTED_DEVICE)
    ]


def spread() -> list[Spread]:
    """Return the devices that the weights take, in each dtype and each reading."""
    return [_spread(reading, dtype) for dtype in SPREAD_DTYPES for reading in distinct_readings(SPREAD_DEVICE)]


def memory_read(device_name: str, reading: str) -> int:
    """Return the bytes of a device's memory: those that it reports, or the number that it is sold by, in GiB or GB.

    Raises:
        KvlabError: no such device, or no such reading.
    """
    if reading not in READINGS:
        raise KvlabError(f"unknown reading {reading!r:.60}; known are {', '.join(READINGS)}")
    device = catalog.device(device_name)
    if reading == "reported":
        return device.memory_bytes
    return parse_size(device.marketed.split()[0] + reading)


def distinct_readings(device_name: str) -> list[str]:
    """Return the readings of a device's memory, without one that comes to what an earlier one says."""
    found = {memory_read(device_name, reading): reading for reading in reversed(READINGS)}
    return [reading for reading in READINGS if reading in found.values()]


def devices_memory(device_name: str, n_devices: int) -> int:
    """Return the bytes that several devices of one kind report together. Raises `KvlabError` for an unknown one."""
    return sizes.memory_bytes(device_name) * n_devices


def tokens_stored(model_name: str, context: int) -> int:
    """Return the tokens of one sequence that every layer of a model stores: all, or as many as its window holds.

    Raises:
        KvlabError: no such model, or its layers are of several kinds.
    """
    groups = catalog.model(model_name).decoder.layers
    if len(groups) != 1:
        raise KvlabError(f"the layers of {model_name} are of {len(groups)} kinds, and do not all store the same tokens")
    return layers.tokens_stored(groups[0], context)


def dividing_devices(model_name: str, at_least: int) -> int:
    """Return the fewest devices, `at_least` or more, over which the query heads of a model can be shared evenly.

    Raises:
        KvlabError: no such model, or it has fewer heads than that.
    """
    heads = catalog.model(model_name).decoder.n_heads
    numbers = [number for number in range(max(at_least, 1), heads + 1) if heads % number == 0]
    if not numbers:
        raise KvlabError(f"{model_name} has {heads} heads, and {at_least:,} devices were asked for")
    return numbers[0]


def _fitted(reading: str, weights: int) -> Fitted:
    memory_bytes = memory_read(FITTED_DEVICE, reading)
    free = memory.left_for_cache(memory_bytes, weights)
    tokens = {batch: _tokens(free, batch) for batch in BATCHES}
    return Fitted(reading, memory_bytes, weights, free, tokens, sizes.over_limit(FITTED, tokens[BATCHES[0]]))


def _tokens(free: int, batch: int) -> int:
    d = catalog.model(FITTED).decoder
    assert d.n_kv_heads is not None, "its layers are alike"
    assert d.head_dim is not None, "its layers are alike"
    return memory.context_in_budget(free, d.n_layers, d.n_kv_heads, d.head_dim, batch, bytes_per_element("fp16"))


def _spread(reading: str, dtype: str) -> Spread:
    memory_bytes, weights = memory_read(SPREAD_DEVICE, reading), sizes.weight_bytes(SPREAD, dtype)
    devices = memory.devices_for_weights(weights, memory_bytes)
    free = memory.left_for_cache(devices * memory_bytes, weights)
    return Spread(reading, dtype, memory_bytes, weights, devices, free)
