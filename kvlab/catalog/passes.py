"""The work of a pass of a model, by name, for the models whose layers kvlab can run."""

from __future__ import annotations

from functools import cache

from kvlab.accounting import operations
from kvlab.architecture import Architecture, read_architecture
from kvlab.catalog.models import model
from kvlab.errors import KvlabError


def operation(
    model_name: str,
    operation: str,
    held: int,
    n_tokens: int,
    batch: int,
    bytes_per_element: int,
    block: int = 1,
) -> operations.Operation:
    """Return one operation of a pass that ends in one row of logits a sequence.

    Args:
        model_name: of the catalog.
        operation: a name of `accounting.operations.operations`, such as `"qkv"`.
        held: tokens that each sequence's cache holds already; 0 in prefill.
        n_tokens: new tokens of each sequence; 1 in decode.
        batch: sequences.
        bytes_per_element: of weights, cache and activations.
        block: slots that are read at once, which only `flops_read` depends on.

    Raises:
        KvlabError: no such model or operation; layers that kvlab cannot run; more tokens than the model's limit.
    """
    found = {one.name: one for one in _operations(model_name, held, n_tokens, batch, bytes_per_element, block)}
    if operation not in found:
        raise KvlabError(f"unknown operation {operation!r}; known are {', '.join(found)}")
    return found[operation]


def whole_pass(model_name: str, held: int, n_tokens: int, batch: int, bytes_per_element: int) -> operations.Operation:
    """Return the sum of a pass's operations. Arguments and errors are those of `operation`.

    Of its `bytes`, what an operation gives and the next one takes is counted twice: as if each were done by itself.
    """
    parts = _operations(model_name, held, n_tokens, batch, bytes_per_element, 1)
    return sum(parts, operations.Operation("pass"))


def _operations(
    model_name: str, held: int, n_tokens: int, batch: int, bytes_per_element: int, block: int
) -> tuple[operations.Operation, ...]:
    a = _architecture(model_name)
    if held + n_tokens > a.max_context:
        raise KvlabError(f"{held + n_tokens} tokens exceed the {a.max_context} positions that {model_name} has")
    return operations.operations(a, operations.Pass(batch, held, n_tokens, 1, block, a.max_context), bytes_per_element)


@cache
def _architecture(model_name: str) -> Architecture:
    """Return the shapes of a model. Raises `KvlabError` where kvlab cannot run it."""
    return read_architecture(model(model_name).config, model_name)
