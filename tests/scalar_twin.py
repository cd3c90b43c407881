"""The two forward passes once more, in loops over single numbers, each multiply-add counted where it is done."""

import math

import numpy as np

# Heads of 2, since rotary positions turn pairs; everything else as small as it can be while no two axes are alike.


class Scalar:
    """Multiply-adds by operation, of a whole sequence from nothing."""

    def __init__(self):
        self.counts = {}

    def dot(self, operation, a, b):
        """Return the sum of products of two rows of numbers."""
        total = 0.0
        for x, y in zip(a, b, strict=True):
            total += float(x) * float(y)
            self.counts[operation] = self.counts.get(operation, 0) + 1
        return total

    def linear(self, operation, weight, x, bias=None):
        """Return `W x + b`, an entry at a time."""
        return [
            self.dot(operation, row, x) + (float(bias[i]) if bias is not None else 0.0) for i, row in enumerate(weight)
        ]

    def attention(self, q, k, v, group):
        """Return the heads' outputs side by side, for queries `[t][h]` and keys and values `[t][h_kv]`, causally."""
        out = []
        for t, queries in enumerate(q):
            row = []
            for h, query in enumerate(queries):
                scores = [self.dot("scores", query, k[s][h // group]) for s in range(t + 1)]
                weights = [math.exp(score - max(scores)) for score in scores]
                shares = [weight / sum(weights) for weight in weights]
                for i in range(len(query)):
                    row.append(self.dot("weighted sum", shares, [v[s][h // group][i] for s in range(t + 1)]))
            out.append(row)
        return out


def heads(row, n_heads):
    """Return a row of numbers cut into heads."""
    size = len(row) // n_heads
    return [row[h * size : (h + 1) * size] for h in range(n_heads)]


def add(*rows):
    """Return the sum of rows."""
    return [sum(numbers) for numbers in zip(*rows, strict=True)]


def layer_norm(x, weight, bias, epsilon):
    """Return a row normalised."""
    mean = sum(x) / len(x)
    variance = sum((number - mean) ** 2 for number in x) / len(x)
    return [(n - mean) / math.sqrt(variance + epsilon) * w + b for n, w, b in zip(x, weight, bias, strict=True)]


def rms_norm(x, weight, epsilon):
    """Return a row scaled to a mean square of 1."""
    square = sum(number**2 for number in x) / len(x)
    return [n / math.sqrt(square + epsilon) * w for n, w in zip(x, weight, strict=True)]


def turned(head, position, theta):
    """Return a head with each pair turned by its angle."""
    half = len(head) // 2
    out = [0.0] * len(head)
    for i in range(half):
        angle = position * theta ** (-2 * i / len(head))
        out[i] = head[i] * math.cos(angle) - head[i + half] * math.sin(angle)
        out[i + half] = head[i + half] * math.cos(angle) + head[i] * math.sin(angle)
    return out


def gpt2(model, ids):
    """Return the last token's logits of a GPT-2, and the multiply-adds by operation."""
    a, count = model.architecture, Scalar()
    x = [add(model.wte[i].tolist(), model.wpe[t].tolist()) for t, i in enumerate(ids)]
    for b in model.blocks:
        h = [layer_norm(row, b.ln_1.weight[0], b.ln_1.bias[0], a.norm_epsilon) for row in x]
        qkv = [heads(count.linear("qkv", b.c_attn.weight, row, b.c_attn.bias[0]), 3 * a.n_heads) for row in h]
        q, k, v = ([row[i * a.n_heads : (i + 1) * a.n_heads] for row in qkv] for i in range(3))
        mixed = count.attention(q, k, v, 1)
        out = b.attn_c_proj
        x = [add(row, count.linear("output", out.weight, m, out.bias[0])) for row, m in zip(x, mixed, strict=True)]
        h = [layer_norm(row, b.ln_2.weight[0], b.ln_2.bias[0], a.norm_epsilon) for row in x]
        hidden = [[gelu(n) for n in count.linear("mlp", b.c_fc.weight, row, b.c_fc.bias[0])] for row in h]
        down = b.mlp_c_proj
        x = [add(row, count.linear("mlp", down.weight, m, down.bias[0])) for row, m in zip(x, hidden, strict=True)]
    last = layer_norm(x[-1], model.ln_f.weight[0], model.ln_f.bias[0], a.norm_epsilon)
    return np.array(count.linear("head", model.head, last)), count.counts


def llama(model, ids):
    """Return the last token's logits of a Llama, and the multiply-adds by operation."""
    a, count = model.architecture, Scalar()
    x = [model.embed_tokens[i].tolist() for i in ids]
    for b in model.blocks:
        h = [rms_norm(row, b.input_layernorm[0], a.norm_epsilon) for row in x]
        q = [heads(count.linear("qkv", b.q_proj, row), a.n_heads) for row in h]
        k = [heads(count.linear("qkv", b.k_proj, row), a.n_kv_heads) for row in h]
        v = [heads(count.linear("qkv", b.v_proj, row), a.n_kv_heads) for row in h]
        scale = 1 / math.sqrt(a.head_dim)
        q = [[[n * scale for n in turned(head, t, a.rope_theta)] for head in row] for t, row in enumerate(q)]
        k = [[turned(head, t, a.rope_theta) for head in row] for t, row in enumerate(k)]
        mixed = count.attention(q, k, v, a.n_heads // a.n_kv_heads)
        x = [add(row, count.linear("output", b.o_proj, m)) for row, m in zip(x, mixed, strict=True)]
        h = [rms_norm(row, b.post_attention_layernorm[0], a.norm_epsilon) for row in x]
        gates = [[n / (1 + math.exp(-n)) for n in count.linear("mlp", b.gate_proj, row)] for row in h]
        ups = [count.linear("mlp", b.up_proj, row) for row in h]
        gated = [[g * u for g, u in zip(*pair, strict=True)] for pair in zip(gates, ups, strict=True)]
        x = [add(row, count.linear("mlp", b.down_proj, m)) for row, m in zip(x, gated, strict=True)]
    last = rms_norm(x[-1], model.norm[0], a.norm_epsilon)
    return np.array(count.linear("head", model.head, last)), count.counts


def gelu(x):
    """Return GELU of a number, in GPT-2's form."""
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
