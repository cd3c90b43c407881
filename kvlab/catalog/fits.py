"""What a device of the catalog has room for beside a model of it."""

from __future__ import annotations

from kvlab.accounting.elements import ELEMENTS
from kvlab.catalog.devices import device
from kvlab.catalog.zoo import model
from kvlab.errors import KvlabError
from kvlab.sizing.fitting import fitted
from kvlab.units import bytes_per_element


def sequences_that_fit(model_name: str, device_name: str, context: int, dtype: str) -> int:
    """Return how many sequences of `context` tokens a device holds beside the weights, both in `dtype`.

    Of the memory that it reports; activations and what a framework takes are not counted.

    Raises:
        KvlabError: an unknown model, device or dtype; a model whose parameters are not counted, or that stores nothing
            of a text.
    """
    decoder = model(model_name).decoder
    if decoder.parameters is None:
        raise KvlabError(f"the parameters of {model_name} are not counted")
    weights = decoder.parameters * bytes_per_element(dtype)
    fit = fitted(decoder, device(device_name).memory_bytes, weights, context, 1, ELEMENTS[dtype])
    if fit.sequences is None:
        raise KvlabError(f"any number of sequences fits: {model_name} stores nothing of {context} tokens")
    return fit.sequences
