"""`reference/devices`: memory as its maker names it and as it is reported, bandwidth, peak and ridge; caches."""

from __future__ import annotations

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.shared.shapes import kv_shapes
from figures_src.pages.shared.sourced import read_cell, source_cell
from figures_src.words import Words
from kvlab import catalog, units
from kvlab.accounting import memory, roofline
from kvlab.catalog import Accelerator, Processor, sizes

page = Page("reference/devices")

Row = list[str | Shown]


def number(device: Accelerator, field: str) -> Value:
    """Return one number of an accelerator."""
    return call(catalog.device, name=device.name).field(field)


def named(device: Accelerator, unit: str) -> Value:
    """Return the memory in a device's name, its unit read as `GB` or as `GiB`."""
    return call(units.parse_size, written=device.marketed.replace("GB", unit))


# Memory.


@page.table
def device_memory(words: Words) -> Rows:
    """Return the memory of each accelerator: as its maker names it, as it reports it, and what that is of the name."""
    return [memory_row(device) for device in catalog.accelerators()]


def memory_row(device: Accelerator) -> Row:
    """Return a device's memory in both conventions."""
    reported = number(device, "memory_bytes")
    shares = [call(units.ratio, numerator=reported, denominator=named(device, unit)) for unit in ("GB", "GiB")]
    return [
        device.name,
        device.marketed,
        Shown(number(device, "nvidia_smi_mib")),
        Shown(reported, "both"),
        *(Shown(share, "percent1") for share in shares),
    ]


for device in catalog.accelerators():
    past_gib = parameter(named(device, "GiB").result + 1)  # no more is less than one byte more
    page.claim("reported_between_gb_and_gib", named(device, "GB"), number(device, "memory_bytes"), past_gib)

# What the difference is worth in tokens.

A100, LLAMA = catalog.device("A100 40GB"), "Llama-2-7B"
weights = page.value("weights", sizes.weight_bytes, model_name=LLAMA, dtype="fp16")
for name, size in (("reported", number(A100, "memory_bytes")), ("decimal", named(A100, "GB"))):
    left = page.value(f"left_{name}", memory.left_for_cache, memory=size, weights=weights)
    shape = {**kv_shapes(LLAMA), "batch": 1, "bytes_per_element": call(units.bytes_per_element, dtype="fp16")}
    page.value(f"tokens_{name}", memory.context_in_budget, budget=left, **shape)
limit = call(catalog.model, name=LLAMA).field("decoder.max_context")
page.claim("reading_gb_finds_fewer", limit, page.values["tokens_decimal"], page.values["tokens_reported"])
page.same("a100_meets_its_gib", number(A100, "memory_bytes"), named(A100, "GiB"))

# Speed.


@page.table
def device_speed(words: Words) -> Rows:
    """Return bandwidth, peak and ridge of each accelerator, and the time in which it can read all of its memory."""
    return [speed_row(device) for device in catalog.accelerators()]


def speed_row(device: Accelerator) -> Row:
    """Return what a device moves and computes in a second, and what follows from it."""
    bandwidth, peak = (number(device, f) for f in ("bandwidth_bytes_per_second", "dense_bf16_flops_per_second"))
    once = call(units.ratio, numerator=number(device, "memory_bytes"), denominator=bandwidth)
    return [
        device.name,
        Shown(bandwidth, "GB_s"),
        Shown(peak, "TFLOP_s"),
        Shown(ridge_of(device), "fixed0"),
        Shown(once, "fixed4"),
    ]


def ridge_of(device: Accelerator) -> Value:
    """Return the ridge of a device, in FLOP/byte."""
    return call(
        roofline.ridge,
        flops_per_second=number(device, "dense_bf16_flops_per_second"),
        bytes_per_second=number(device, "bandwidth_bytes_per_second"),
    )


for name in ("A100 80GB SXM", "H100 80GB SXM"):
    page.reuse(f"ridge_{name[:4].lower()}", ridge_of(catalog.device(name)))

# Processors.


@page.table
def processor_caches(words: Words) -> Rows:
    """Return the data caches and the bandwidth of each processor."""
    fields = {"cores": "", "l1d_bytes_per_core": "KiB", "l2_bytes_per_core": "KiB", "l3_bytes_shared": "MiB"}
    return [
        [
            cpu.name,
            *(Shown(of_processor(cpu, field), format) for field, format in fields.items()),
            Shown(of_processor(cpu, "bandwidth_bytes_per_second"), "GB_s"),
        ]
        for cpu in catalog.processors()
    ]


def of_processor(cpu: Processor, field: str) -> Value:
    """Return one number of a processor."""
    return call(catalog.processor, name=cpu.name).field(field)


# Sources.


@page.table
def device_sources(words: Words) -> Rows:
    """Return where each device's numbers were read, and what else is to be known of them."""
    devices: list[Accelerator | Processor] = [*catalog.accelerators(), *catalog.processors()]
    return [
        [
            entry.name,
            source_cell(entry.sources, words, lambda field: words(f"device_field.{field}")),
            read_cell(entry.sources, words),
            note(entry, words),
        ]
        for entry in devices
    ]


def note(entry: Accelerator | Processor, words: Words) -> str:
    """Return what the catalog notes of a device, in the page's language."""
    return words(f"device_note.{entry.name}") if entry.note else words("devices.no_note")
