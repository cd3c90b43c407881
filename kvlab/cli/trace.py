"""`trace`: a run step by step, and one slot's bytes against a full recomputation.

The JSON object: `prompt_ids`, `ids`, `text` and `stopped` as in `generate`; `cache`, its axes and the distance in bytes
from a slot to that of the next position, head and layer; `steps`, each as a `kvlab.decoding.trace.Step`, with
`attention` a list of layers of heads of weights, a weight for each slot attended to; and `recomputation`, with the
first bytes of K and V in each layer in hex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table

from kvlab.cli.arguments import Count, Ids, Opened, as_json, of_model, open_model, require_one_prompt
from kvlab.cli.run import EXIT_DIFFERS
from kvlab.cli.terminal import Card, print_json
from kvlab.errors import KvlabError

if TYPE_CHECKING:
    from kvlab.decoding.recomputation import Recomputation, Slot
    from kvlab.decoding.trace import Step, Token, Trace

ROWS = 8  # slots that a step shows, the newest; those before them share a row
FIRST_BYTES = 8  # of a slot: two numbers in float32


@click.command()
@click.argument("prompt", required=False)
@click.option("--ids", type=Ids(), help="The prompt as token ids, such as 1,2,3.")
@click.option("--tokens", type=Count(), required=True, help="How many tokens to generate.")
@click.option("--top", type=Count(), default=5, show_default=True, help="How many candidates to show.")
@click.option("--slot", type=Count(least=0), help="The position whose slot is compared; default the prompt's last.")
@of_model
@as_json
def trace(
    prompt: str | None,
    ids: list[int] | None,
    tokens: int,
    top: int,
    slot: int | None,
    model_name: str | None,
    json_: bool,
) -> None:
    """Continue PROMPT, or the tokens of --ids, and show each step.

    For each forward pass: its tokens and positions, the K/V slots that it writes and reads and where they lie, the
    newest token's attention, and the candidates for the next one. The card shows attention as the mean over the heads
    of the last layer; --json has every layer and head.

    At the end the slot of one position is compared, byte by byte, with a full recomputation of the text. Exit code 1
    if the slot of any position differs.
    """
    from kvlab.decoding.recomputation import compare_with_recomputation
    from kvlab.decoding.trace import trace as run_traced

    require_one_prompt(prompt, ids)
    opened = open_model(model_name)
    prompt_ids = opened.ids_of(prompt) if prompt is not None else ids or []
    traced = run_traced(opened.model, prompt_ids, tokens, n_candidates=top, text_of=partial(_text_of, opened))
    compared = compare_with_recomputation(opened.model, traced, slot)
    text = opened.tokenizer.decode(traced.generation.ids) if opened.tokenizer else None

    opened.note_stop(traced.generation, tokens)
    if json_:
        print_json(**_as_values(traced, compared, text))
    else:
        _print_card(traced, compared, None if text is None else (prompt or "") + text)
    if not compared.identical:
        raise SystemExit(EXIT_DIFFERS)


def _text_of(opened: Opened, id_: int) -> str | None:
    """Return a token's text; None where the model's vocabulary is larger than its tokenizer's, as some are."""
    try:
        return opened.tokenizer.token(id_) if opened.tokenizer else None
    except KvlabError:
        return None


def _as_values(traced: Trace, compared: Recomputation, text: str | None) -> dict[str, Any]:
    run, cache = traced.generation, traced.cache
    n_layers, _, n_kv_heads, capacity, head_dim = cache.shape
    layer_bytes, _, head_bytes, slot_bytes, _ = cache.keys.strides
    return {
        "prompt_ids": run.prompt_ids,
        "ids": run.ids,
        "text": text,
        "stopped": run.stopped,
        "cache": {
            "n_layers": n_layers,
            "n_kv_heads": n_kv_heads,
            "capacity": capacity,
            "head_dim": head_dim,
            "cache_bytes": cache.nbytes,
            "next_slot_bytes": slot_bytes,
            "next_head_bytes": head_bytes,
            "next_layer_bytes": layer_bytes,
        },
        "steps": [asdict(step) | {"attention": step.attention.tolist()} for step in traced.steps],
        "recomputation": {
            "position": compared.position,
            "slots": [_slot_values(slot) for slot in compared.slots],
            "compared_entries": compared.compared_entries,
            "differing_entries": sum(compared.differing_entries),
            "differing_entries_by_position": compared.differing_entries,
        },
    }


def _slot_values(slot: Slot) -> dict[str, Any]:
    return {
        "layer": slot.layer,
        "tensor": slot.tensor,
        "compared_entries": slot.cached.size,
        "differing_entries": slot.differing_entries,
        "cached_first_bytes_hex": slot.cached.tobytes()[:FIRST_BYTES].hex(),
        "recomputed_first_bytes_hex": slot.recomputed.tobytes()[:FIRST_BYTES].hex(),
    }


def _print_card(traced: Trace, compared: Recomputation, text: str | None) -> None:
    # No markup and no emoji: what stands in a token is a token's.
    console = Card()
    console.print(_cache_panel(traced, text))
    for number, step in enumerate(traced.steps, 1):
        first, last = step.positions[0], step.positions[-1]
        where = f"position {last}" if first == last else f"positions {first} to {last}"
        title = f"step {number}: {step.phase}, {where}"
        console.print(_panel(title, _slots_table(step, traced), "", _facts(step)))
    console.print(_comparison(traced, compared))


def _cache_panel(traced: Trace, text: str | None) -> Panel:
    cache = traced.cache
    to_layer, _, to_head, to_slot, _ = cache.keys.strides
    return _panel(
        "trace",
        _grid(
            ({} if text is None else {"text": text})
            | {
                "slots": f"{cache.capacity:,} in each of {cache.shape[2]} K/V heads of {cache.shape[0]} layers",
                "at byte": "of layer 0, head 0, from the start of the K buffer; in the V buffer the same",
                "strides": f"{to_slot:,} B a slot, {to_head:,} B a head, {to_layer:,} B a layer",
                "attention": "of the newest token: the mean over the heads of the last layer",
            }
        ),
    )


def _panel(title: str, *content: RenderableType) -> Panel:
    return Panel(Group(*content), title=title, title_align="left", width=80)


def _slots_table(step: Step, traced: Trace) -> Table:
    """Return the slots that the newest token attends to, a row each: the newest of them, the earlier ones together."""
    from kvlab.decoding.trace import offset_bytes

    weights = step.attention[-1].mean(axis=0).tolist()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("slot", justify="right")
    table.add_column("token", overflow="fold", max_width=24)
    table.add_column("K, V")
    table.add_column("at byte", justify="right")
    table.add_column("attention", justify="right")
    table.add_column("")
    shown_from = max(0, len(weights) - ROWS)
    if shown_from:
        share = sum(weights[:shown_from])
        table.add_row(f"0–{shown_from - 1}", "earlier ones", "", "", f"{share:.1%}", _bar(share))
    for slot in range(shown_from, len(weights)):
        table.add_row(
            str(slot),
            _shown(traced.held[slot]),
            "written" if slot in step.positions else "held",
            f"{offset_bytes(traced.cache, 0, 0, slot):,}",
            f"{weights[slot]:.1%}",
            _bar(weights[slot]),
        )
    return table


def _bar(share: float) -> ProgressBar:
    return ProgressBar(total=1, completed=share, width=16)


def _facts(step: Step) -> Table:
    written = sum(write.written_bytes for write in step.writes)
    read = sum(read.read_bytes for read in step.reads)
    newest = step.reads[-1]
    slots = f"slots 0 to {newest.n_slots - 1}, all but {newest.n_attended} masked"
    return _grid(
        {
            "written": f"{written:,} B of K and V",
            "read": f"{read:,} B; by the newest token {slots}",
            "chosen": _shown(step.chosen),
            # Columns, so that a line does not break inside a token.
            "candidates": Columns([f"{_shown(c.token)} {c.probability:.1%}" for c in step.candidates], padding=(0, 2)),
        }
    )


def _grid(rows: Mapping[str, RenderableType]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(overflow="fold")
    for name, value in rows.items():
        grid.add_row(name, value)
    return grid


def _comparison(traced: Trace, compared: Recomputation) -> Panel:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("layer", "", "first bytes, cached", "recomputed", "differ"):
        table.add_column(heading)
    for slot in compared.slots:
        table.add_row(
            str(slot.layer),
            slot.tensor,
            slot.cached.tobytes()[:FIRST_BYTES].hex(" "),
            slot.recomputed.tobytes()[:FIRST_BYTES].hex(" "),
            f"{slot.differing_entries:,} of {slot.cached.size:,}",
        )
    return _panel(
        f"cached and recomputed: {'identical to the last bit' if compared.identical else 'NOT identical'}",
        _grid(
            {
                f"slot {compared.position}": _shown(traced.held[compared.position]),
                f"all {len(traced.held)} slots": f"{sum(compared.differing_entries):,} of "
                f"{compared.compared_entries:,} entries of K and V differ",
            }
        ),
        "",
        table,
    )


def _shown(token: Token) -> str:
    """Return a token in quotes, so that its spaces are seen and nothing in it acts on the terminal; or its id."""
    return str(token.id) if token.text is None else repr(token.text)
