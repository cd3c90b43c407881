"""What the models of the catalog take, asked for by name: of any kind of layers, MLA, windows and mixtures included."""

from __future__ import annotations

from kvlab.accounting import layers
from kvlab.accounting.formats import ELEMENTS, Element, state_element_bytes
from kvlab.catalog.devices import device
from kvlab.catalog.models import model
from kvlab.errors import KvlabError
from kvlab.sizing import Decoder, arithmetic
from kvlab.sizing.fitting import fitted


def cache_bytes(model_name: str, context: int, batch: int, dtype: str) -> int:
    """Return the bytes that `batch` sequences of `context` tokens take in a model's cache, states included.

    Raises:
        KvlabError: an unknown model or element format, or a count that is not a whole number from 0 on.
    """
    return arithmetic.cache_bytes(_decoder(model_name), context, batch, element_named(dtype))


def next_token_bytes(model_name: str, context: int, dtype: str) -> int:
    """Return the bytes that one more token of one sequence adds after `context` others. Errors as of `cache_bytes`."""
    return layers.next_token_bytes(_decoder(model_name).layers, context, element_named(dtype))


def weight_bytes(model_name: str, dtype: str) -> int:
    """Return the bytes of a model's weights. Raises `KvlabError` as `cache_bytes`, and where they are not counted."""
    size = arithmetic.weight_bytes(_decoder(model_name), element_named(dtype))
    if size is None:
        raise KvlabError(f"the parameters of {model_name} are not counted")
    return size


def over_limit(model_name: str, context: int) -> bool:
    """Return whether a model was made for fewer tokens. Raises `KvlabError` for an unknown model."""
    return arithmetic.over_limit(_decoder(model_name), context)


def layer_group(model_name: str, kind: str) -> layers.Layers:
    """Return a model's layers of one kind, such as `"sliding"`.

    Raises:
        KvlabError: an unknown model, or a kind of layers that it has not.
    """
    groups = {group.kind: group for group in _decoder(model_name).layers}
    if kind not in groups:
        raise KvlabError(f"{model_name} has no {kind!r:.60} layers; it has {', '.join(groups)}")
    return groups[kind]


def crossing(model_name: str, batch: int, dtype: str) -> int:
    """Return the fewest tokens of each of `batch` sequences whose cache is larger than the weights, both in `dtype`.

    Raises:
        KvlabError: as `weight_bytes`, and where no number of tokens is enough: all windows are full before.
    """
    groups, element = _decoder(model_name).layers, element_named(dtype)
    weights = weight_bytes(model_name, dtype)
    most = layers.largest_context(groups, weights, batch, element, state_element_bytes(element))
    if most is None:
        raise KvlabError(f"the cache of {model_name} never outgrows its weights: it stops growing before")
    return most + 1


def memory_bytes(device_name: str) -> int:
    """Return the memory that a device reports. Raises `KvlabError` for an unknown one."""
    return device(device_name).memory_bytes


def devices_for_weights(model_name: str, device_name: str, dtype: str) -> int:
    """Return the fewest devices that the weights alone fill, spread evenly. Raises `KvlabError` for unknown names."""
    weights, memory = weight_bytes(model_name, dtype), memory_bytes(device_name)
    return fitted(_decoder(model_name), memory, weights, None, 1, element_named(dtype)).memories_for_weights


def sequences_beside_weights(model_name: str, device_name: str, context: int, dtype: str) -> int:
    """Return how many sequences of `context` tokens fit in what the weights leave of a device's memory.

    Raises:
        KvlabError: as `weight_bytes`, an unknown device, or sequences that take nothing.
    """
    weights, memory = weight_bytes(model_name, dtype), memory_bytes(device_name)
    found = fitted(_decoder(model_name), memory, weights, context, 1, element_named(dtype)).sequences
    if found is None:
        raise KvlabError("any number of sequences fits that take no bytes; give a context from 1 on")
    return found


def _decoder(model_name: str) -> Decoder:
    return model(model_name).decoder


def element_named(dtype: str) -> Element:
    """Return a format of elements by name. Raises `KvlabError` that lists the known ones."""
    if dtype not in ELEMENTS:
        raise KvlabError(f"unknown element format {dtype!r:.60}; known are {', '.join(ELEMENTS)}")
    return ELEMENTS[dtype]
