"""What several pages put into formulas: the shapes of models, looked up in the catalog."""

from __future__ import annotations

from figures_src.values import Value, call
from kvlab import catalog


def shapes(model: str, *fields: str) -> dict[str, Value]:
    """Return shapes of a model as arguments for a formula."""
    return {field: call(catalog.shape, model_name=model, field=field) for field in fields}


def kv_shapes(model: str) -> dict[str, Value]:
    """Return the shapes on which the size of a token's K and V depends."""
    return shapes(model, "n_layers", "n_kv_heads", "head_dim")
