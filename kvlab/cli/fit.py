"""`fit`: how many tokens, and how many sequences, fit in a memory next to the weights."""

from __future__ import annotations

import click

from kvlab.accounting.formats import Element
from kvlab.cli.arguments import Count, Dtype, Size, as_json, open_decoder
from kvlab.cli.size import batch_option, dtype_option, model_argument, note_limit
from kvlab.cli.terminal import print_card, print_json
from kvlab.errors import KvlabError
from kvlab.sizing.decoder import Decoder
from kvlab.units import both_units


@click.command()
@model_argument
@click.option("--budget", type=Size(), help="A memory, such as 24GB or 24GiB: they differ.")
@click.option(
    "--device", "device_name", metavar="NAME", help="A device's memory, as it reports it; see `kvlab devices`."
)
@click.option("--weights-dtype", type=Dtype(), help="Of the weights; default fp16.")
@click.option("--weights", type=Size(), help="The weights' size, where it is known, instead of their count.")
@click.option("--context", type=Count(), help="Tokens of each sequence; default as many as the model was made for.")
@batch_option
@dtype_option
@as_json
def fit(
    model: str,
    budget: int | None,
    device_name: str | None,
    weights_dtype: Element | None,
    weights: int | None,
    context: int | None,
    batch: int,
    dtype: Element,
    json_: bool,
) -> None:
    """Fit a model and its cache into a memory: tokens for `--batch` sequences, sequences of `--context` tokens.

    Counted are weights, K and V and states; activations, and what a framework keeps for itself, come on top.
    """
    from kvlab.sizing.fitting import fitted

    decoder = open_decoder(model)
    memory, memory_name = memory_of(budget, device_name)
    weight_bytes, weights_name = weights_of(decoder, weights, weights_dtype)
    context = context or decoder.max_context
    found = fitted(decoder, memory, weight_bytes, context, batch, dtype)
    if context is not None:
        note_limit(decoder, context)
    if json_:
        print_json(
            model=decoder.name,
            memory_bytes=memory,
            device=device_name and memory_name,
            weights_bytes=weight_bytes,
            free_bytes=found.free_bytes,
            dtype=dtype.name,
            batch=batch,
            tokens=found.tokens,
            over_limit=found.over_limit,
            context=context,
            sequences=found.sequences,
            memories_for_weights=found.memories_for_weights,
        )
        return
    rows = {"memory": f"{memory:,} B = {both_units(memory)}, {memory_name}"}
    rows["weights"] = f"{weight_bytes:,} B = {both_units(weight_bytes)}, {weights_name}"
    if found.free_bytes < 0:
        rows["room"] = f"none: the weights alone take {found.memories_for_weights:,} such memories"
    else:
        rows["room"] = f"{found.free_bytes:,} B = {both_units(found.free_bytes)}"
        limit = f"; it was made for {decoder.max_context:,}" if found.over_limit else ""
        tokens = "as many tokens as you like" if found.tokens is None else f"{found.tokens:,} tokens each{limit}"
        rows[f"× {batch:,}"] = tokens
        if context is not None:
            rows[f"{context:,} tokens"] = f"{found.sequences:,} sequences"
    print_card(f"{decoder.name}, cache in {dtype.name}", rows)


def memory_of(budget: int | None, device_name: str | None) -> tuple[int, str]:
    """Return the memory in bytes and what it is. Raises `KvlabError` unless exactly one of the two is given."""
    from kvlab import catalog

    if (budget is None) == (device_name is None):
        raise KvlabError("give either a --budget, such as 24GiB, or a --device, such as 'RTX 4090'")
    if budget is not None:
        return budget, "as given"
    device = catalog.device(device_name or "")
    return device.memory_bytes, f"{device.name}: {device.nvidia_smi_mib:,} MiB, as nvidia-smi reports it"


def weights_of(decoder: Decoder, weights: int | None, dtype: Element | None) -> tuple[int, str]:
    """Return the weights' bytes and where they come from. Raises `KvlabError` where nothing gives them."""
    from kvlab.accounting.formats import ELEMENTS
    from kvlab.sizing import arithmetic

    if weights is not None:
        if dtype is not None:
            raise KvlabError("give either --weights, a size, or --weights-dtype, with which it is counted")
        return weights, "as given"
    dtype = dtype or ELEMENTS["fp16"]
    counted = arithmetic.weight_bytes(decoder, dtype)
    if counted is None:
        raise KvlabError(f"the parameters of {decoder.name} are not counted: {decoder.note}; give --weights, a size")
    return counted, f"{decoder.parameters:,} parameters in {dtype.name}"
