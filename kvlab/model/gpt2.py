"""The GPT-2 forward pass: learned positions, pre-LayerNorm, GELU, biases. Prefill and decode are one function.

B  sequences     T  new tokens      N    B · T rows     d    d_model
V  vocabulary    n  slots read      d_h  head size      H    query heads    H_kv  K/V heads
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kvlab.architecture import Architecture
from kvlab.cache import KVCache
from kvlab.model.attention import Ids, attend, begin, heads_of
from kvlab.model.kernels import EXACT, Kernel
from kvlab.model.ops import Floats, gelu, layer_norm
from kvlab.model.tensors import TensorOf


class Affine(NamedTuple):
    """A weight and a bias: of a linear map, `(out, in)` and `(1, out)`, or of a LayerNorm, `(1, d)` and `(1, d)`.

    Vectors are rows: adding one row to one row takes NumPy's shortest way.
    """

    weight: Floats
    bias: Floats


class Block(NamedTuple):
    """The weights of one layer, in the order in which they are used; named as in the transformers library.

    `c_attn` makes Q, K and V in one product; the factor 1/√d_h of attention's scores is in its part for Q.
    """

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
        """Run the new tokens `ids`, `(B, T)`, after those that the cache holds; it then holds them too.

        Prefill is a call with the whole prompt, decode a call with `T = 1`.

        Returns:
            The hidden states after the last LayerNorm, `(B, T, d)`; `logits` takes those it wants.

        Raises:
            KvlabError: `ids` is not a matrix or holds an id outside 0 … V − 1, or the tokens do not fit in the cache or
                in the model's context.
        """
        a = self.architecture
        positions = begin(a, ids, cache)
        readings = cache.readable(ids.shape[1])

        def linear(x: Floats, map: Affine) -> Floats:
            return kernel.linear(x, map.weight) + map.bias

        x = self.wte.take(ids.reshape(-1), 0) + self.wpe.take(positions.reshape(-1), 0)  # (N, d)
        for layer, block in enumerate(self.blocks):
            qkv = linear(layer_norm(x, *block.ln_1, a.norm_epsilon), block.c_attn)
            heads = heads_of(qkv, len(ids), a.n_heads + 2 * a.n_kv_heads)  # (B, H + 2 H_kv, T, d_h)
            q, k, v = heads[:, : a.n_heads], heads[:, a.n_heads : -a.n_kv_heads], heads[:, -a.n_kv_heads :]
            cache.write(layer, k, v)
            x = x + linear(attend(q, layer, cache, readings, kernel), block.attn_c_proj)

            hidden = gelu(linear(layer_norm(x, *block.ln_2, a.norm_epsilon), block.c_fc))  # (N, d_ff)
            x = x + linear(hidden, block.mlp_c_proj)
        cache.advance(ids.shape[1])
        return layer_norm(x, *self.ln_f, a.norm_epsilon).reshape(*ids.shape, -1)

    def logits(self, hidden: Floats, kernel: Kernel = EXACT) -> Floats:
        """Return the scores of the next token, `(..., V)`, for hidden states `(..., d)`."""
        rows = kernel.linear(hidden.reshape(-1, hidden.shape[-1]), self.head)
        return rows.reshape(*hidden.shape[:-1], -1)


def gpt2_from_tensors(a: Architecture, tensor: TensorOf) -> GPT2:
    """Return the model of the weights that `tensor` hands out.

    The transformers library keeps GPT-2's linear weights as `(in, out)`; here they are turned to `(out, in)`, rows
    contiguous, as a matrix-vector product reads them.

    Raises:
        KvlabError: `tensor` has no such tensor, or one of another shape.
    """
    d = a.d_model

    def norm(name: str) -> Affine:
        return Affine(tensor(f"{name}.weight", (d,))[None], tensor(f"{name}.bias", (d,))[None])

    def linear(name: str, n_in: int, n_out: int) -> Affine:
        weight = np.array(tensor(f"{name}.weight", (n_in, n_out)).T, order="C")
        return Affine(weight, tensor(f"{name}.bias", (n_out,))[None])

    def projection(name: str) -> Affine:
        weight, bias = linear(name, d, 3 * d)
        # Attention divides every score by √d_h; the queries may as well be made smaller by it from the start.
        weight[:d] *= 1 / math.sqrt(a.head_dim)
        return Affine(weight, np.concatenate([bias[:, :d] * (1 / math.sqrt(a.head_dim)), bias[:, d:]], axis=1))

    def block(h: str) -> Block:
        return Block(
            ln_1=norm(f"{h}.ln_1"),
            c_attn=projection(f"{h}.attn.c_attn"),
            attn_c_proj=linear(f"{h}.attn.c_proj", d, d),
            ln_2=norm(f"{h}.ln_2"),
            c_fc=linear(f"{h}.mlp.c_fc", d, a.d_ff),
            mlp_c_proj=linear(f"{h}.mlp.c_proj", a.d_ff, d),
        )

    wte = tensor("wte.weight", (a.vocab_size, d))
    return GPT2(
        architecture=a,
        wte=wte,
        wpe=tensor("wpe.weight", (a.max_context, d)),
        blocks=tuple(block(f"h.{layer}") for layer in range(a.n_layers)),
        ln_f=norm("ln_f"),
        head=wte if a.tied_head else tensor("lm_head.weight", (a.vocab_size, d)),
    )
