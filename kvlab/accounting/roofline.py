"""The roofline: what bounds an operation on a device, and how fast a step can be at best (Williams et al. 2009).

Times are lower bounds: every byte crosses the memory's door once, at the bandwidth of the data sheet, and every FLOP is
done at the peak. A real step takes longer. Weights are read once for all sequences of a batch, each cache for its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from kvlab.accounting.flops import absorbed_mla_flops, attention_flops
from kvlab.accounting.integers import exact
from kvlab.accounting.memory import kv_cache_bytes
from kvlab.errors import KvlabError
from kvlab.units import ratio


@exact
def intensity(flops: int, bytes_moved: int) -> int | float:
    """Return the FLOPs for each byte that is moved. Raises `KvlabError` where none is."""
    return ratio(flops, bytes_moved)


@exact
def ridge(flops_per_second: int, bytes_per_second: int) -> int | float:
    """Return the intensity, in FLOP/byte, from which on a device is bound by its arithmetic."""
    return ratio(flops_per_second, bytes_per_second)


@exact
def bound(flops: int, bytes_moved: int, flops_per_second: int, bytes_per_second: int) -> str:
    """Return what bounds an operation: `"memory"` below the ridge, `"compute"` from it on."""
    # Times compared without a division, so that a tie is one.
    return "memory" if flops * bytes_per_second < bytes_moved * flops_per_second else "compute"


@exact
def attainable(flops: int, bytes_moved: int, flops_per_second: int, bytes_per_second: int) -> int | float:
    """Return the FLOPs a second at which a device can do an operation at best: the height of its roof there.

    The peak, or the bandwidth times the intensity where that is less. Raises `KvlabError` where no byte is moved.
    """
    return min(flops_per_second, ratio(flops * bytes_per_second, bytes_moved))


@exact
def grouped_attention_intensity(n_heads: int, n_kv_heads: int, bytes_per_element: int) -> int | float:
    """Return the intensity of one token's attention over its cache, MHA, GQA or MQA: `2 · H / (H_kv · s)`.

    `4 · H · d_h` FLOPs and `2 · H_kv · d_h · s` bytes for each token in reach; layers, `d_h` and tokens cancel, and are
    1 here. At 2 bytes an element it is `H / H_kv`.
    """
    return ratio(attention_flops(1, n_heads, 1, 1), kv_cache_bytes(1, n_kv_heads, 1, 1, 1, bytes_per_element))


@exact
def latent_attention_intensity(n_heads: int, latent: int, rope_dim: int, bytes_per_element: int) -> int | float:
    """Return the intensity of one token's attention over latents, its up-projections absorbed.

    `2 · H · (2 · d_c + d_rope)` FLOPs and `(d_c + d_rope) · s` bytes for each token in reach.
    """
    return ratio(absorbed_mla_flops(1, n_heads, latent, rope_dim, 1), (latent + rope_dim) * bytes_per_element)


@dataclass(frozen=True)
class StepTime:
    """The lower bound of a step's time, in seconds, and what it is made of.

    Attributes:
        weights: to read the weights.
        cache: to read K and V.
        compute: to do the arithmetic.
    """

    weights: float
    cache: float
    compute: float

    @property
    def memory(self) -> float:
        """To read weights and cache."""
        return self.weights + self.cache

    @property
    def bound(self) -> str:
        """What takes longest: `"memory"` or `"compute"`."""
        return "memory" if self.memory > self.compute else "compute"

    @property
    def seconds(self) -> float:
        """The lower bound: memory and arithmetic at the same time, as if neither waited for the other."""
        return max(self.memory, self.compute)


@exact
def step_time(
    weight_bytes: int, cache_bytes: int, flops: int, flops_per_second: int, bytes_per_second: int
) -> StepTime:
    """Return the lower bound of a step: time to first token of a prefill, time per token of a decode step.

    Args:
        weight_bytes: of the weights that it reads, once for the whole batch.
        cache_bytes: of K and V that it reads, of all sequences together.
        flops: of all its tokens.
        flops_per_second: the device's peak.
        bytes_per_second: the device's bandwidth.
    """
    return StepTime(
        float(ratio(weight_bytes, bytes_per_second)),
        float(ratio(cache_bytes, bytes_per_second)),
        float(ratio(flops, flops_per_second)),
    )


@exact
def step_milliseconds(
    weight_bytes: int, cache_bytes: int, flops: int, flops_per_second: int, bytes_per_second: int, part: str
) -> float:
    """Return one part of `step_time` in milliseconds: `"weights"`, `"cache"`, `"compute"`, or the whole, `"seconds"`.

    Raises `KvlabError` for a part that there is not.
    """
    step = step_time(weight_bytes, cache_bytes, flops, flops_per_second, bytes_per_second)
    if part not in (*vars(step), "memory", "seconds"):
        raise KvlabError(f"a step has no part {part!r}; it has {', '.join(vars(step))}, memory and seconds")
    return float(1000 * getattr(step, part))


@exact
def tokens_per_second(
    batch: int, weight_bytes: int, cache_bytes: int, flops: int, flops_per_second: int, bytes_per_second: int
) -> float:
    """Return the tokens of all sequences together that decode makes in a second at most: `B` for each `step_time`."""
    return batch / step_time(weight_bytes, cache_bytes, flops, flops_per_second, bytes_per_second).seconds
