"""`diagnose`: somebody's figure for a cache, and the mistake that explains it."""

from __future__ import annotations

import click

from kvlab.accounting.formats import Element
from kvlab.cli.arguments import as_json, open_decoder
from kvlab.cli.size import batch_option, context_option, dtype_option, model_argument, note_limit
from kvlab.cli.terminal import print_card, print_json
from kvlab.units import both_units, ratio


@click.command()
@model_argument
@click.argument("number")
@context_option
@batch_option
@dtype_option
@as_json
def diagnose(model: str, number: str, context: int, batch: int, dtype: Element, json_: bool) -> None:
    """Diagnose a NUMBER that somebody gives for the cache of a model, such as 131072, "2.15 GB" or 128KiB.

    It says whether the number is right at the digits given, and else which usual mistakes give it: all that fit.
    """
    from kvlab.catalog.mistakes import SENTENCES, Case, diagnosed, mistakes_of

    case = Case(open_decoder(model), context, batch, dtype)
    verdict, gives = diagnosed(case, number), mistakes_of(case)
    note_limit(case.decoder, context)
    if json_:
        print_json(
            model=case.decoder.name,
            context=context,
            batch=batch,
            dtype=dtype.name,
            number=number,
            verdict=verdict.kind,
            cache_bytes=case.size,
            mistakes=[
                {
                    "mistake": name,
                    "bytes": gives.get(name),
                    "factor": ratio(gives[name], case.size) if name in gives else None,
                }
                for name in verdict.mistakes
            ],
        )
        return
    said = {
        "right": "right, at the digits given",
        "few": "right as far as its digits go; three tell it from others",
        "inexact": "nearly; without a unit a number must be exact to the byte",
        "wrong": "wrong, and none of the usual mistakes gives it" if not verdict.mistakes else "wrong",
    }
    rows = {"number": number, "verdict": said[verdict.kind], "cache": both_units(case.size)}
    for name in verdict.mistakes:
        rows[name.replace("_", " ")] = SENTENCES[name] + (f": {both_units(gives[name])}" if name in gives else "")
    print_card(f"{case.decoder.name}, {context:,} tokens × {batch:,}, {dtype.name}", rows)
