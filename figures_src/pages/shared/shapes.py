"""What several pages put into formulas: shapes of models and speeds of devices, looked up in the catalog."""

from __future__ import annotations

from figures_src.declared.values import Value, call
from kvlab import catalog


def shapes(model: str, *fields: str) -> dict[str, Value]:
    """Return shapes of a model as arguments for a formula."""
    return {field: call(catalog.model, name=model).field(f"decoder.{field}") for field in fields}


def kv_shapes(model: str) -> dict[str, Value]:
    """Return the shapes on which the size of a token's K and V depends."""
    return shapes(model, "n_layers", "n_kv_heads", "head_dim")


def speeds(device: str) -> dict[str, Value]:
    """Return peak and bandwidth of a device as arguments for a formula of the roofline."""
    fields = {"flops_per_second": "dense_bf16_flops_per_second", "bytes_per_second": "bandwidth_bytes_per_second"}
    return {name: call(catalog.device, name=device).field(field) for name, field in fields.items()}
