"""`models` and `devices`: what the catalog holds, with its sources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from kvlab.cli.arguments import as_json
from kvlab.cli.terminal import print_json, print_table
from kvlab.units import both_units, in_decimal

if TYPE_CHECKING:
    from kvlab.catalog.sources import Source


@click.command()
@as_json
def models(json_: bool) -> None:
    """List the models that can be sized by name, and the types of config.json that can be read."""
    from kvlab import catalog, sizing
    from kvlab.accounting import layers
    from kvlab.accounting.formats import ELEMENTS

    entries = [
        {
            "name": m.name,
            "model_type": m.decoder.model_type,
            "layers": {group.kind: group.count for group in m.decoder.layers},
            "max_context": m.decoder.max_context,
            "parameters": m.decoder.parameters,
            "first_token_bytes_fp16": layers.next_token_bytes(m.decoder.layers, 0, ELEMENTS["fp16"]),
            "published_parameters": m.published_parameters,
            "sources": _as_data(m.sources),
            "notes": list(m.notes),
        }
        for m in catalog.all_models()
    ]
    if json_:
        print_json(models=entries, model_types=list(sizing.model_types()))
        return
    header = ["model", "layers", "made for", "parameters", "a token in fp16"]
    rows = [
        [
            m.name,
            " + ".join(f"{group.count} {group.kind}" for group in m.decoder.layers),
            "no limit" if m.decoder.max_context is None else f"{m.decoder.max_context:,}",
            "not counted" if m.decoder.parameters is None else f"{m.decoder.parameters:,}",
            f"{layers.next_token_bytes(m.decoder.layers, 0, ELEMENTS['fp16']):,} B",
        ]
        for m in catalog.all_models()
    ]
    print_table(header, rows, f"A config.json can be of the types {', '.join(sizing.model_types())}.")


@click.command()
@as_json
def devices(json_: bool) -> None:
    """List the devices whose memory `kvlab fit` knows, as nvidia-smi reports it."""
    from kvlab import catalog

    found = catalog.accelerators()
    if json_:
        print_json(
            devices=[
                {**vars(device), "memory_bytes": device.memory_bytes, "sources": _as_data(device.sources)}
                for device in found
            ]
        )
        return
    header = ["device", "marketed", "nvidia-smi", "in bytes", "bandwidth", "bf16, dense"]
    rows = [
        [
            device.name,
            device.marketed,
            f"{device.nvidia_smi_mib:,} MiB",
            both_units(device.memory_bytes),
            in_decimal(device.bandwidth_bytes_per_second, "GB") + "/s",
            in_decimal(device.dense_bf16_flops_per_second, "TFLOP") + "/s",
        ]
        for device in found
    ]
    notes = [f"{device.name}: {device.note}." for device in found if device.note]
    print_table(header, rows, "\n".join(notes))


def _as_data(sources: Iterable[Source]) -> list[dict[str, Any]]:
    return [{**one.link._asdict(), "read": one.read, "holds": list(one.holds)} for one in sources]
