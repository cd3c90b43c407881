"""GPT-2's loss and its gradient by hand: the forward and the backward pass of each operation stand side by side.

Parameters are a flat dict with the names and the orientations of the transformers library: a linear layer's weight is
(in, out). A forward function returns its output, and what its backward function needs of it. A backward function takes
the gradient with respect to the output, `dy`, puts the gradients of its parameters into `gradients`, and returns the
gradient with respect to its input. Everything runs in the dtype of the parameters: float32 to train, float64 to check.

    B sequences, T positions, d the width, H heads of size d_h, V the vocabulary
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kvlab.architecture import Architecture

Array = NDArray[np.floating[Any]]
Ids = NDArray[np.integer[Any]]
Tensors = dict[str, Array]


def _rows(x: Array) -> Array:
    """Lay all positions of all sequences below each other: (B, T, d) to (B·T, d), for one large matrix product."""
    return x.reshape(-1, x.shape[-1])


def linear(x: Array, p: Tensors, name: str) -> Array:
    """Return y = x·W + b."""
    y = _rows(x) @ p[f"{name}.weight"] + p[f"{name}.bias"]
    return y.reshape(*x.shape[:-1], -1)


def linear_backward(dy: Array, x: Array, p: Tensors, name: str, gradients: Tensors) -> Array:
    """Return dx = dy·Wᵀ; dW = xᵀ·dy, db = Σ dy."""
    gradients[f"{name}.weight"] = _rows(x).T @ _rows(dy)
    gradients[f"{name}.bias"] = _rows(dy).sum(axis=0)
    return (_rows(dy) @ p[f"{name}.weight"].T).reshape(x.shape)


class Normed(NamedTuple):
    """What LayerNorm's backward pass needs: the normed input and 1/σ of each position."""

    values: Array
    inverse_std: Array


def layer_norm(x: Array, p: Tensors, name: str, epsilon: float) -> tuple[Array, Normed]:
    """Return y = n·w + b, with n = (x − mean) / σ."""
    centered = x - x.mean(axis=-1, keepdims=True)
    inverse_std = 1 / np.sqrt((centered * centered).mean(axis=-1, keepdims=True) + epsilon)
    normed = Normed(centered * inverse_std, inverse_std)
    return normed.values * p[f"{name}.weight"] + p[f"{name}.bias"], normed


def layer_norm_backward(dy: Array, normed: Normed, p: Tensors, name: str, gradients: Tensors) -> Array:
    """Return dx = (dn − mean(dn) − n·mean(dn·n)) / σ, with dn = dy·w."""
    n, inverse_std = normed
    gradients[f"{name}.weight"] = _rows(dy * n).sum(axis=0)
    gradients[f"{name}.bias"] = _rows(dy).sum(axis=0)
    dn = dy * p[f"{name}.weight"]
    dx: Array = (dn - dn.mean(axis=-1, keepdims=True) - n * (dn * n).mean(axis=-1, keepdims=True)) * inverse_std
    return dx


_GELU_SCALE, _GELU_CUBE = math.sqrt(2 / math.pi), 0.044715


def gelu(x: Array) -> tuple[Array, Array]:
    """Return y = x·(1 + t)/2 and t = tanh(s·(x + c·x³)), GPT-2's approximation."""
    t = np.tanh(_GELU_SCALE * (x + _GELU_CUBE * (x * x * x)))
    return 0.5 * x * (1 + t), t


def gelu_backward(dy: Array, x: Array, t: Array) -> Array:
    """Return dx = dy·((1 + t)/2 + x·(1 − t²)·s·(1 + 3c·x²)/2)."""
    slope = _GELU_SCALE * (1 + 3 * _GELU_CUBE * (x * x))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)


def softmax(x: Array) -> Array:
    """Return the probabilities over the last axis."""
    e: Array = x - x.max(axis=-1, keepdims=True)
    np.exp(e, out=e)  # in place, here and below, where a (B, H, T, T) array would be made only to be thrown away
    e /= e.sum(axis=-1, keepdims=True)
    return e


class Attended(NamedTuple):
    """What attention's backward pass needs: Q/√d_h, K, V and the output (B, H, T, d_h), probabilities (B, H, T, T)."""

    q: Array
    k: Array
    v: Array
    probabilities: Array
    output: Array


def _causal_mask(t: int, dtype: np.dtype[Any]) -> Array:
    """Return what to add to the scores, (T, T): a query sees itself and what came before."""
    return np.triu(np.full((t, t), -np.inf, dtype), k=1)


def attention(qkv: Array, n_heads: int) -> tuple[Array, Attended]:
    """Return causal attention, (B, T, 3d) to (B, T, d): y = P·V, with P = softmax(mask + Q·Kᵀ/√d_h)."""
    b, t, three_d = qkv.shape
    q, k, v = qkv.reshape(b, t, 3, n_heads, -1).transpose(2, 0, 3, 1, 4)
    q = q / math.sqrt(q.shape[-1])
    scores = q @ k.swapaxes(-1, -2)
    scores += _causal_mask(t, scores.dtype)
    probabilities = softmax(scores)
    y = probabilities @ v
    return y.swapaxes(1, 2).reshape(b, t, three_d // 3), Attended(q, k, v, probabilities, y)


def attention_backward(dy: Array, kept: Attended) -> Array:
    """Return dQ = dS·K/√d_h, dK = dSᵀ·Q/√d_h, dV = Pᵀ·dy side by side, with dS = P·(dy·Vᵀ − Σ dy·y)."""
    q, k, v, p, y = kept
    b, n_heads, t, head_dim = q.shape
    dy = dy.reshape(b, t, n_heads, head_dim).swapaxes(1, 2)
    ds = dy @ v.swapaxes(-1, -2)
    ds -= (dy * y).sum(axis=-1, keepdims=True)  # Σ P·dP over the keys is Σ dy·y over the head: fewer terms
    ds *= p
    dqkv = np.stack((ds @ k / math.sqrt(head_dim), ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ dy))
    return dqkv.transpose(1, 3, 0, 2, 4).reshape(b, t, -1)


class Block(NamedTuple):
    """What a transformer block's backward pass needs, in the order in which it came up."""

    attention_input: Array
    norm_1: Normed
    attended: Attended
    attention_output: Array
    mlp_input: Array
    norm_2: Normed
    hidden: Array
    tanh: Array
    activated: Array


def block(x: Array, p: Tensors, name: str, a: Architecture) -> tuple[Array, Block]:
    """Return z = y + MLP(LayerNorm(y)), with y = x + attention(LayerNorm(x))."""
    attention_input, norm_1 = layer_norm(x, p, f"{name}.ln_1", a.norm_epsilon)
    attention_output, attended = attention(linear(attention_input, p, f"{name}.attn.c_attn"), a.n_heads)
    x = x + linear(attention_output, p, f"{name}.attn.c_proj")
    mlp_input, norm_2 = layer_norm(x, p, f"{name}.ln_2", a.norm_epsilon)
    hidden = linear(mlp_input, p, f"{name}.mlp.c_fc")
    activated, tanh = gelu(hidden)
    x = x + linear(activated, p, f"{name}.mlp.c_proj")
    return x, Block(attention_input, norm_1, attended, attention_output, mlp_input, norm_2, hidden, tanh, activated)


def block_backward(dy: Array, kept: Block, p: Tensors, name: str, gradients: Tensors) -> Array:
    """Walk `block` backwards; each residual sum passes its gradient on to both of its terms."""
    dx = linear_backward(dy, kept.activated, p, f"{name}.mlp.c_proj", gradients)
    dx = gelu_backward(dx, kept.hidden, kept.tanh)
    dx = linear_backward(dx, kept.mlp_input, p, f"{name}.mlp.c_fc", gradients)
    dy = dy + layer_norm_backward(dx, kept.norm_2, p, f"{name}.ln_2", gradients)
    dx = linear_backward(dy, kept.attention_output, p, f"{name}.attn.c_proj", gradients)
    dx = attention_backward(dx, kept.attended)
    dx = linear_backward(dx, kept.attention_input, p, f"{name}.attn.c_attn", gradients)
    return dy + layer_norm_backward(dx, kept.norm_1, p, f"{name}.ln_1", gradients)


class Kept(NamedTuple):
    """What the whole model's backward pass needs."""

    ids: Ids
    blocks: list[Block]
    last_norm: Normed
    hidden: Array


def forward(p: Tensors, ids: Ids, a: Architecture) -> tuple[Array, Kept]:
    """Return the logits (B, T, V) of token ids (B, T), and what `backward` needs."""
    x: Array = p["transformer.wte.weight"][ids] + p["transformer.wpe.weight"][: ids.shape[1]]
    blocks = []
    for layer in range(a.n_layers):
        x, kept = block(x, p, f"transformer.h.{layer}", a)
        blocks.append(kept)
    hidden, last_norm = layer_norm(x, p, "transformer.ln_f", a.norm_epsilon)
    logits = _rows(hidden) @ p["transformer.wte.weight"].T  # the tied head: the embedding, read the other way
    return logits.reshape(*ids.shape, -1), Kept(ids, blocks, last_norm, hidden)


def backward(dlogits: Array, kept: Kept, p: Tensors) -> Tensors:
    """Return the gradient of every parameter, named and shaped as the parameters are."""
    gradients: Tensors = {"transformer.wte.weight": _rows(dlogits).T @ _rows(kept.hidden)}
    dx: Array = (_rows(dlogits) @ p["transformer.wte.weight"]).reshape(kept.hidden.shape)
    dx = layer_norm_backward(dx, kept.last_norm, p, "transformer.ln_f", gradients)
    for layer in reversed(range(len(kept.blocks))):
        dx = block_backward(dx, kept.blocks[layer], p, f"transformer.h.{layer}", gradients)
    np.add.at(gradients["transformer.wte.weight"], kept.ids, dx)  # the embedding's second part: as input table
    gradients["transformer.wpe.weight"] = np.zeros_like(p["transformer.wpe.weight"])
    gradients["transformer.wpe.weight"][: dx.shape[1]] = dx.sum(axis=0)
    return gradients


def cross_entropy(logits: Array, targets: Ids) -> tuple[float, Array]:
    """Return the mean of −log softmax(logits)[target], in nats a token, and its gradient: (softmax − one-hot) / n."""
    probabilities = _rows(softmax(logits))
    rows, columns = np.arange(targets.size), targets.ravel()
    loss = -float(np.log(probabilities[rows, columns]).mean())
    probabilities[rows, columns] -= 1
    probabilities /= targets.size
    return loss, probabilities.reshape(logits.shape)


def loss_and_gradients(p: Tensors, ids: Ids, targets: Ids, a: Architecture) -> tuple[float, Tensors]:
    """Return the mean loss of predicting ``targets`` (B, T) from ``ids`` (B, T), and every parameter's gradient."""
    logits, kept = forward(p, ids, a)
    loss, dlogits = cross_entropy(logits, targets)
    return loss, backward(dlogits, kept, p)
