"""The Llama forward pass: RMSNorm, rotary positions, grouped K/V heads, SwiGLU, no biases.

B  sequences     T  new tokens      N    B · T rows     d    d_model
V  vocabulary    n  slots read      d_h  head size      H    query heads    H_kv  K/V heads
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from kvlab.architecture import Architecture
from kvlab.cache import KVCache
from kvlab.model.attention import Ids, attend, begin, heads_of
from kvlab.model.kernels import EXACT, Kernel
from kvlab.model.ops import Floats, rms_norm, rotary, rotate, silu
from kvlab.model.tensors import TensorOf


class Block(NamedTuple):
    """The weights of one layer, in the order in which they are used; named as in the transformers library.

    Linear maps are `(out, in)`, norms `(1, d)`.
    """

    input_layernorm: Floats
    q_proj: Floats
    k_proj: Floats
    v_proj: Floats
    o_proj: Floats
    post_attention_layernorm: Floats
    gate_proj: Floats
    up_proj: Floats
    down_proj: Floats


@dataclass(frozen=True)
class Llama:
    """A Llama model: its shapes and its float32 weights.

    Attributes:
        architecture: the shapes.
        embed_tokens: token embeddings, `(V, d)`.
        blocks: the layers.
        norm: the last RMSNorm, `(1, d)`.
        head: `(V, d)`; the same array as `embed_tokens` when the head is tied.
    """

    architecture: Architecture
    embed_tokens: Floats
    blocks: tuple[Block, ...]
    norm: Floats
    head: Floats

    def forward(self, ids: Ids, cache: KVCache, kernel: Kernel = EXACT) -> Floats:
        """Run the new tokens `ids`, `(B, T)`, after those that the cache holds; it then holds them too.

        What is cached is the rotated key: the angle belongs to the token's position and never changes.

        Returns:
            The hidden states after the last RMSNorm, `(B, T, d)`; `logits` takes those it wants.

        Raises:
            KvlabError: `ids` is not a matrix or holds an id outside 0 … V − 1, or the tokens do not fit in the cache or
                in the model's context.
        """
        a = self.architecture
        positions = begin(a, ids, cache)
        readings = cache.readable(ids.shape[1])
        angles = rotary(positions, a.head_dim, a.rope_theta)

        x = self.embed_tokens.take(ids.reshape(-1), 0)  # (N, d)
        for layer, block in enumerate(self.blocks):
            h = rms_norm(x, block.input_layernorm, a.norm_epsilon)
            q = rotate(heads_of(kernel.linear(h, block.q_proj), len(ids), a.n_heads), *angles)
            k = rotate(heads_of(kernel.linear(h, block.k_proj), len(ids), a.n_kv_heads), *angles)
            v = heads_of(kernel.linear(h, block.v_proj), len(ids), a.n_kv_heads)
            cache.write(layer, k, v)
            heads = attend(q * (1 / math.sqrt(a.head_dim)), layer, cache, readings, kernel)
            x = x + kernel.linear(heads, block.o_proj)

            h = rms_norm(x, block.post_attention_layernorm, a.norm_epsilon)
            gated = silu(kernel.linear(h, block.gate_proj)) * kernel.linear(h, block.up_proj)  # (N, d_ff)
            x = x + kernel.linear(gated, block.down_proj)
        cache.advance(ids.shape[1])
        return rms_norm(x, self.norm, a.norm_epsilon).reshape(*ids.shape, -1)

    def logits(self, hidden: Floats, kernel: Kernel = EXACT) -> Floats:
        """Return the scores of the next token, `(..., V)`, for hidden states `(..., d)`."""
        return kernel.linear(hidden.reshape(-1, hidden.shape[-1]), self.head).reshape(*hidden.shape[:-1], -1)


def llama_from_tensors(a: Architecture, tensor: TensorOf) -> Llama:
    """Return the model of the weights that `tensor` hands out; they are `(out, in)` in the transformers library too.

    Raises:
        KvlabError: `tensor` has no such tensor, or one of another shape.
    """
    d, q, kv = a.d_model, a.n_heads * a.head_dim, a.n_kv_heads * a.head_dim

    def block(layer: str) -> Block:
        return Block(
            input_layernorm=tensor(f"{layer}.input_layernorm.weight", (d,))[None],
            q_proj=tensor(f"{layer}.self_attn.q_proj.weight", (q, d)),
            k_proj=tensor(f"{layer}.self_attn.k_proj.weight", (kv, d)),
            v_proj=tensor(f"{layer}.self_attn.v_proj.weight", (kv, d)),
            o_proj=tensor(f"{layer}.self_attn.o_proj.weight", (d, q)),
            post_attention_layernorm=tensor(f"{layer}.post_attention_layernorm.weight", (d,))[None],
            gate_proj=tensor(f"{layer}.mlp.gate_proj.weight", (a.d_ff, d)),
            up_proj=tensor(f"{layer}.mlp.up_proj.weight", (a.d_ff, d)),
            down_proj=tensor(f"{layer}.mlp.down_proj.weight", (d, a.d_ff)),
        )

    embed_tokens = tensor("embed_tokens.weight", (a.vocab_size, d))
    return Llama(
        architecture=a,
        embed_tokens=embed_tokens,
        blocks=tuple(block(f"layers.{layer}") for layer in range(a.n_layers)),
        norm=tensor("norm.weight", (d,))[None],
        head=embed_tokens if a.tied_head else tensor("lm_head.weight", (a.vocab_size, d)),
    )
