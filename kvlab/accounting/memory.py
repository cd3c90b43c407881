"""Bytes of the cache and of the weights; what a token, a layer or a budget comes to follows from `kv_cache_bytes`.

Arguments are positive integers. Results are bytes, exactly; the unit is chosen where they are shown.
"""

from kvlab.accounting.integers import exact
from kvlab.errors import KvlabError


@exact
def kv_cache_bytes(
    n_layers: int, n_kv_heads: int, head_dim: int, context: int, batch: int, bytes_per_element: int
) -> int:
    """Return the bytes of the K and V buffers: `2 · L · H_kv · d_h · S · B · s` (Pope et al. 2023, arXiv 2211.05102).

    `context` is the number of tokens that are stored, or of those that there is room for. Query heads are not in it:
    they are not cached. Not counted: page tables, padding to blocks, allocator overhead.
    """
    return 2 * n_layers * n_kv_heads * head_dim * context * batch * bytes_per_element


@exact
def kv_elements_per_token(n_layers: int, n_kv_heads: int, head_dim: int) -> int:
    """Return the elements that one token of one sequence takes in the cache: `2 · L · H_kv · d_h`."""
    return kv_cache_bytes(n_layers, n_kv_heads, head_dim, 1, 1, 1)


@exact
def kv_bytes_per_token(n_layers: int, n_kv_heads: int, head_dim: int, bytes_per_element: int) -> int:
    """Return the bytes that one more token of one sequence adds to the cache: `2 · L · H_kv · d_h · s`."""
    return kv_cache_bytes(n_layers, n_kv_heads, head_dim, 1, 1, bytes_per_element)


@exact
def k_bytes_per_layer_token(n_kv_heads: int, head_dim: int, bytes_per_element: int) -> int:
    """Return the bytes of K alone that one token takes in one layer: `H_kv · d_h · s`; V takes as many."""
    return k_width(n_kv_heads, head_dim) * bytes_per_element


@exact
def kv_bytes_per_layer_token(n_kv_heads: int, head_dim: int, bytes_per_element: int) -> int:
    """Return the bytes of K and V that one token takes in one layer: `2 · H_kv · d_h · s`."""
    return kv_bytes_per_token(1, n_kv_heads, head_dim, bytes_per_element)


@exact
def context_in_budget(
    budget: int, n_layers: int, n_kv_heads: int, head_dim: int, batch: int, bytes_per_element: int
) -> int:
    """Return the tokens that each of `batch` sequences can have in `budget` bytes.

    `⌊M_free / (2 · L · H_kv · d_h · B · s)⌋`. Not counted: what an allocator rounds up, and a model's own limit.
    Raises `KvlabError` where a token takes no bytes.
    """
    if kv_cache_bytes(n_layers, n_kv_heads, head_dim, 1, batch, bytes_per_element) == 0:
        raise KvlabError("where a token takes no bytes, any number of them fits; give shapes from 1 on")
    return budget // kv_cache_bytes(n_layers, n_kv_heads, head_dim, 1, batch, bytes_per_element)


@exact
def k_width(n_kv_heads: int, head_dim: int) -> int:
    """Return the elements of K that one layer stores of one token: `H_kv · d_h`; of V as many."""
    return n_kv_heads * head_dim


@exact
def weight_bytes(parameters: int, bytes_per_element: int) -> int:
    """Return the bytes of the weights: `N · s`."""
    return parameters * bytes_per_element


@exact
def left_for_cache(memory: int, weights: int) -> int:
    """Return the bytes that the weights leave of a memory: `M_mem − M_w`; both are arguments in bytes.

    Not counted: activations, and what a framework keeps for itself. Raises `KvlabError` where the weights do not fit.
    """
    if weights > memory:
        raise KvlabError(f"weights of {weights:,} B do not fit in {memory:,} B")
    return memory - weights


@exact
def devices_for_weights(weights: int, memory: int) -> int:
    """Return how many memories the weights take, spread evenly over them: `⌈M_w / M_mem⌉`; both arguments in bytes.

    Not counted: room for a cache, and that layers and heads are not divided into any number of parts. Raises
    `KvlabError` where the memory is none.
    """
    if memory == 0:
        raise KvlabError("no number of devices without memory holds weights; give a memory of 1 B at least")
    return -(-weights // memory)


@exact
def together(weights: int, kv_cache: int) -> int:
    """Return the bytes of weights and cache together; both are arguments in bytes."""
    return weights + kv_cache
