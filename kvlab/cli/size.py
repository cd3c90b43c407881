"""`size` and `explain`: the formula, the numbers put in, the bytes; of any model whose configuration can be read."""

from __future__ import annotations

import click

from kvlab.accounting.formats import Element
from kvlab.cli.arguments import Count, Dtype, as_json, open_decoder
from kvlab.cli.terminal import note, print_card, print_json, print_text
from kvlab.sizing.decoder import Decoder
from kvlab.units import both_units

model_argument = click.argument("model", metavar="MODEL|CONFIG.JSON")
context_option = click.option("--context", type=Count(), required=True, help="Tokens of each sequence.")
batch_option = click.option("--batch", type=Count(), default=1, show_default=True, help="Sequences.")
dtype_option = click.option(
    "--dtype", type=Dtype(), default="fp16", show_default=True, help=f"Of the cache: {Dtype.known()}."
)
weights_option = click.option(
    "--weights-dtype", type=Dtype(), default="fp16", show_default=True, help=f"Of the weights: {Dtype.known()}."
)


@click.command()
@model_argument
@context_option
@batch_option
@dtype_option
@as_json
def size(model: str, context: int, batch: int, dtype: Element, json_: bool) -> None:
    """Size the cache of a model: one of `kvlab models`, or the path to a config.json or to its folder."""
    from kvlab.accounting import layers
    from kvlab.sizing import arithmetic

    decoder = open_decoder(model)
    note_limit(decoder, context)
    attention = layers.attention_bytes(decoder.layers, context, batch, dtype)
    states = arithmetic.state_bytes(decoder, batch, dtype)
    token = layers.next_token_bytes(decoder.layers, context, dtype)
    if json_:
        print_json(
            model=decoder.name,
            model_type=decoder.model_type,
            context=context,
            batch=batch,
            dtype=dtype.name,
            over_limit=arithmetic.over_limit(decoder, context),
            cache_bytes=attention + states,
            attention_bytes=attention,
            state_bytes=states,
            bytes_per_token=token,
            parameters=decoder.parameters,
            parameters_note=decoder.note,
            inferred=[{"key": i.key, "value": i.value, "class": i.config_class} for i in decoder.inferred],
            layers={group.kind: group.count for group in decoder.layers},
        )
        return
    print_card(
        f"{decoder.name}, {context:,} tokens × {batch:,}, {dtype.name}",
        {
            "formula": arithmetic.size_formula(decoder, dtype),
            **arithmetic.size_lines(decoder, context, batch, dtype),
            "cache": both_units(attention + states),
            "next token": both_units(token),
            "parameters": arithmetic.parameters_line(decoder),
            **({"inferred": ", ".join(i.key for i in decoder.inferred)} if decoder.inferred else {}),
        },
    )


@click.command()
@model_argument
@context_option
@batch_option
@dtype_option
@weights_option
def explain(model: str, context: int, batch: int, dtype: Element, weights_dtype: Element) -> None:
    """Explain a size line by line: what each layer stores, the arithmetic, and what was inferred."""
    from kvlab.sizing import arithmetic

    decoder = open_decoder(model)
    note_limit(decoder, context)
    lines = [f"{decoder.name} ({decoder.model_type}), {context:,} tokens × {batch:,}, {dtype.name}"]
    for heading, paragraph in arithmetic.explanation(decoder, context, batch, dtype, weights_dtype):
        lines += ["", heading, *(f"  {line}" for line in paragraph)]
    print_text("\n".join(lines))


def note_limit(decoder: Decoder, context: int) -> None:
    """Say where a context is more than the model was made for."""
    from kvlab.sizing import arithmetic

    if arithmetic.over_limit(decoder, context):
        note(f"{decoder.name} was made for {decoder.max_context:,} tokens; {context:,} are hypothetical")
