"""`size`: the formula, the numbers put in, the bytes."""

from __future__ import annotations

import click

from kvlab.cli.arguments import Count, as_json
from kvlab.cli.terminal import note, print_card, print_json
from kvlab.units import BYTES_PER_ELEMENT, both_units, bytes_per_element


@click.command()
@click.argument("model")
@click.option("--context", type=Count(), required=True, help="Tokens of each sequence.")
@click.option("--batch", type=Count(), default=1, show_default=True, help="Sequences.")
@click.option("--dtype", default="fp16", show_default=True, help=f"Of the cache: {', '.join(BYTES_PER_ELEMENT)}.")
@as_json
def size(model: str, context: int, batch: int, dtype: str, json_: bool) -> None:
    """Size the cache of MODEL, such as MiniGPT, GPT-2 small or GPT-3; an unknown one is answered with the known."""
    from kvlab import formula
    from kvlab.accounting.memory import kv_cache_bytes
    from kvlab.catalog import model as find_model

    a = find_model(model).architecture
    factors = {
        "n_layers": a.n_layers,
        "n_kv_heads": a.n_kv_heads,
        "head_dim": a.head_dim,
        "context": context,
        "batch": batch,
        "bytes_per_element": bytes_per_element(dtype),
    }
    cache_bytes, over_limit = kv_cache_bytes(**factors), context > a.max_context
    if over_limit:
        note(f"{a.name} was made for {a.max_context:,} tokens; {context:,} are hypothetical")
    if json_:
        print_json(
            model=a.name, context=context, batch=batch, dtype=dtype, cache_bytes=cache_bytes, over_limit=over_limit
        )
        return
    line = formula.with_numbers(kv_cache_bytes, factors)
    print_card(
        f"{a.name}, {context:,} tokens × {batch:,}, {dtype}",
        {"formula": formula.text(kv_cache_bytes), "": f"{line} = {cache_bytes:,} B", "cache": both_units(cache_bytes)},
    )
