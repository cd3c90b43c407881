"""Devices: accelerators with the memory that they report, and a laptop's processor with its data caches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from kvlab.catalog.entries import folded, read_data, unknown
from kvlab.catalog.sources import Source, source

MIB = 2**20


@dataclass(frozen=True)
class Accelerator:
    """An accelerator.

    Attributes:
        name: what people call it.
        marketed: the memory that its maker names, in a unit that its maker does not define.
        nvidia_smi_mib: the memory that `nvidia-smi` reports, in MiB: what there is.
        bandwidth_bytes_per_second: of its memory, as the data sheet says, decimal.
        dense_bf16_flops_per_second: of matrix products in bf16 without sparsity, as the data sheet says.
        note: what else is to be known.
        sources: the files in which its numbers were read.
    """

    name: str
    marketed: str
    nvidia_smi_mib: int
    bandwidth_bytes_per_second: int
    dense_bf16_flops_per_second: int
    note: str
    sources: tuple[Source, ...]

    @property
    def memory_bytes(self) -> int:
        """The memory that it reports, in bytes."""
        return self.nvidia_smi_mib * MIB


@dataclass(frozen=True)
class Processor:
    """A processor and its data caches, in bytes."""

    name: str
    cores: int
    l1d_bytes_per_core: int
    l2_bytes_per_core: int
    l3_bytes_shared: int
    bandwidth_bytes_per_second: int
    note: str
    sources: tuple[Source, ...]


@cache
def accelerators() -> tuple[Accelerator, ...]:
    """Return the accelerators."""
    return tuple(Accelerator(**_sourced(entry)) for entry in read_data("devices.json")["accelerators"])


@cache
def processors() -> tuple[Processor, ...]:
    """Return the processors."""
    return tuple(Processor(**_sourced(entry)) for entry in read_data("devices.json")["processors"])


def device(name: str) -> Accelerator:
    """Return an accelerator by name, or by the beginning of one name alone. Raises `KvlabError` naming close ones."""
    beginning = [entry for entry in accelerators() if folded(entry.name).startswith(folded(name))]
    if folded(name) and len(beginning) == 1:
        return beginning[0]
    raise unknown("device", name, (entry.name for entry in accelerators()), "kvlab devices")


def processor(name: str) -> Processor:
    """Return a processor by name. Raises `KvlabError` naming those that there are."""
    for entry in processors():
        if folded(name) == folded(entry.name):
            return entry
    raise unknown("processor", name, (entry.name for entry in processors()), "kvlab devices")


def fitting_level(processor_name: str, size_bytes: int) -> str:
    """Return the nearest memory of a processor that holds `size_bytes` whole: `L1d`, `L2`, `L3` or `RAM`.

    Alone in it, as seen from one core: what else wants the same cache is not counted.
    """
    cpu = processor(processor_name)
    levels = (("L1d", cpu.l1d_bytes_per_core), ("L2", cpu.l2_bytes_per_core), ("L3", cpu.l3_bytes_shared))
    return next((name for name, size in levels if size_bytes <= size), "RAM")


def _sourced(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "sources": tuple(map(source, entry["sources"]))}
