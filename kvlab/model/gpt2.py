"""The GPT-2 forward pass: learned positions, pre-LayerNorm, GELU, biases. Prefill and decode are one function.

B  sequences     T  new tokens      d    d_model     H     query heads
V  vocabulary    n  slots read      d_h  head size   H_kv  K/V heads; G = H / H_kv share one
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kvlab.architecture import Architecture
from kvlab.cache import KVCache, Reading
from kvlab.errors import KvlabError
from kvlab.model.kernels import EXACT, Kernel
from kvlab.model.ops import Floats, gelu, layer_norm, softmax

Ids = NDArray[np.integer]


class Affine(NamedTuple):
    """A weight and a bias: of a linear map, `(out, in)` and `(out,)`, or of a LayerNorm, `(d,)` and `(d,)`."""

    weight: Floats
    bias: Floats


class Block(NamedTuple):
    """The weights of one layer, in the order in which they are used; named as in the transformers library."""

    ln_1: Affine
    c_attn: Affine
    attn_c_proj: Affine
    ln_2: Affine
    c_fc: Affine
    mlp_c_proj: Affine


@dataclass(frozen=True)
class GPT2:
    """A GPT-2 model: its shapes and its float32 weights.

    Attributes:
        architecture: the shapes.
        wte: token embeddings, `(V, d)`.
        wpe: position embeddings, `(S_max, d)`.
        blocks: the layers.
        ln_f: the last LayerNorm.
        head: `(V, d)`; the same array as `wte` when the head is tied.
    """

    architecture: Architecture
    wte: Floats
    wpe: Floats
    blocks: tuple[Block, ...]
    ln_f: Affine
    head: Floats

    def forward(self, ids: Ids, cache: KVCache, kernel: Kernel = EXACT) -> Floats:
        """Run the new tokens `ids`, `(B, T)`, behind those that the cache holds; it then holds them too.

        Prefill is a call with the whole prompt, decode a call with `T = 1`.

        Returns:
            The hidden states behind the last LayerNorm, `(B, T, d)`; `logits` takes those it wants.

        Raises:
            KvlabError: `ids` is no matrix or holds an id outside 0 … V − 1, or the tokens do not fit in the cache or
                in the model's context.
        """
        if ids.ndim != 2 or ids.size == 0:
            raise KvlabError(f"ids have shape {ids.shape}; a forward pass takes (batch, tokens), at least one of each")
        if ids.min() < 0 or ids.max() >= self.architecture.vocab_size:
            raise KvlabError(f"ids go from {ids.min()} to {ids.max()}; the vocabulary from 0 to {len(self.wte) - 1}")
        batch, n_tokens = ids.shape
        cache.require_room(batch, n_tokens)
        first, limit = cache.position, self.architecture.max_context
        if first + n_tokens > limit:
            raise KvlabError(f"{first + n_tokens} tokens exceed the {limit} positions that the model has")

        x = self.wte[ids] + self.wpe[first : first + n_tokens]  # (B, T, d)
        readings = cache.readable(n_tokens)
        epsilon = self.architecture.norm_epsilon
        for layer, block in enumerate(self.blocks):
            x = x + self._attend(layer, block, layer_norm(x, *block.ln_1, epsilon), cache, readings, kernel)
            x = x + _mlp(block, layer_norm(x, *block.ln_2, epsilon), kernel)
        cache.advance(n_tokens)
        return layer_norm(x, *self.ln_f, epsilon)

    def logits(self, hidden: Floats, kernel: Kernel = EXACT) -> Floats:
        """Return the scores of the next token, `(..., V)`, for hidden states `(..., d)`."""
        return kernel.linear(hidden, self.head)

    def _attend(
        self, layer: int, block: Block, x: Floats, cache: KVCache, readings: list[Reading], kernel: Kernel
    ) -> Floats:
        """Return the output of one attention layer, `(B, T, d)`; K and V of the new tokens go to the cache."""
        a = self.architecture
        q, k, v = self._split(kernel.linear(x, block.c_attn.weight) + block.c_attn.bias)
        cache.write(layer, k, v)

        q = q.reshape(len(q), a.n_kv_heads, -1, *q.shape[2:]) / math.sqrt(a.head_dim)  # (B, H_kv, G, T, d_h)
        mixed = np.empty_like(q)
        for rows, n_slots, visible in readings:
            keys, values = cache.read(layer, n_slots)  # (B, H_kv, n, d_h)
            scores = kernel.scores(keys[:, :, None], q[..., rows, :])  # (B, H_kv, G, rows, n)
            p = softmax(np.where(visible, scores, np.float32(-np.inf)))
            mixed[..., rows, :] = kernel.mix(p, values[:, :, None])

        # (B, H_kv, G, T, d_h) → (B, T, d): a head's outputs lie side by side again.
        heads = np.ascontiguousarray(mixed.transpose(0, 3, 1, 2, 4)).reshape(*x.shape[:2], -1)
        return kernel.linear(heads, block.attn_c_proj.weight) + block.attn_c_proj.bias

    def _split(self, qkv: Floats) -> tuple[Floats, Floats, Floats]:
        """Return Q, K and V, `(B, heads, T, d_h)` each, of the fused projection `(B, T, (H + 2 H_kv) d_h)`."""
        a = self.architecture
        heads = qkv.reshape(*qkv.shape[:2], -1, a.head_dim).swapaxes(1, 2)
        return heads[:, : a.n_heads], heads[:, a.n_heads : -a.n_kv_heads], heads[:, -a.n_kv_heads :]


def _mlp(block: Block, x: Floats, kernel: Kernel) -> Floats:
    """Return the output of one MLP, `(B, T, d)`."""
    hidden = gelu(kernel.linear(x, block.c_fc.weight) + block.c_fc.bias)  # (B, T, d_ff)
    return kernel.linear(hidden, block.mlp_c_proj.weight) + block.mlp_c_proj.bias


def gpt2_from_tensors(architecture: Architecture, tensors: Mapping[str, NDArray[np.floating]]) -> GPT2:
    """Return the model of `tensors`, named as in the transformers library, with or without `transformer.` in front.

    The library keeps linear weights as `(in, out)`; here they are turned to `(out, in)`, rows contiguous, as a
    matrix-vector product reads them. Buffers that hold no weights (`attn.bias`) are left aside.

    Raises:
        KvlabError: a tensor is missing or has another shape than the architecture says.
    """
    a, d = architecture, architecture.d_model
    stripped = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}

    def tensor(name: str, *shape: int) -> Floats:
        if name not in stripped:
            raise KvlabError(f"{a.name}: the tensor {name} is missing from its safetensors file")
        if stripped[name].shape != shape:
            raise KvlabError(f"{a.name}: {name} has shape {stripped[name].shape}; its config.json asks for {shape}")
        return np.ascontiguousarray(stripped[name], dtype=np.float32)

    def norm(name: str) -> Affine:
        return Affine(tensor(f"{name}.weight", d), tensor(f"{name}.bias", d))

    def linear(name: str, n_in: int, n_out: int) -> Affine:
        weight = np.ascontiguousarray(tensor(f"{name}.weight", n_in, n_out).T)
        return Affine(weight, tensor(f"{name}.bias", n_out))

    def block(h: str) -> Block:
        return Block(
            ln_1=norm(f"{h}.ln_1"),
            c_attn=linear(f"{h}.attn.c_attn", d, 3 * d),
            attn_c_proj=linear(f"{h}.attn.c_proj", d, d),
            ln_2=norm(f"{h}.ln_2"),
            c_fc=linear(f"{h}.mlp.c_fc", d, a.d_ff),
            mlp_c_proj=linear(f"{h}.mlp.c_proj", a.d_ff, d),
        )

    wte = tensor("wte.weight", a.vocab_size, d)
    return GPT2(
        architecture=a,
        wte=wte,
        wpe=tensor("wpe.weight", a.max_context, d),
        blocks=tuple(block(f"h.{layer}") for layer in range(a.n_layers)),
        ln_f=norm("ln_f"),
        head=wte if a.tied_head else tensor("lm_head.weight", a.vocab_size, d),
    )
