"""A forward pass that counts its own work, from the shapes of the operands at the moment of each operation.

Nothing here knows an architecture's numbers: a product is filed under the name of the weight that it uses, and what
stands between products under the name of the function that does it.
"""

from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import ClassVar
from unittest import mock

import numpy as np

from kvlab.model import EXACT, Kernel, gpt2, llama

PRODUCTS = (np.matvec, np.vecmat)  # counted by the kernel, with the name of their weight
OPERATION_OF = {
    "c_attn": "qkv",
    "attn_c_proj": "output",
    "c_fc": "mlp",
    "mlp_c_proj": "mlp",
    "q_proj": "qkv",
    "k_proj": "qkv",
    "v_proj": "qkv",
    "o_proj": "output",
    "gate_proj": "mlp",
    "up_proj": "mlp",
    "down_proj": "mlp",
    "head": "head",
}


class Counted(np.ndarray):
    """An array whose operations are counted; what is computed from it is one too."""

    ledger: ClassVar = Counter()
    doing: ClassVar = ["rest"]

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        plain = [np.asarray(x) if isinstance(x, Counted) else x for x in inputs]
        targets = {"out": tuple(np.asarray(x) if isinstance(x, Counted) else x for x in out)} if out else {}
        result = getattr(ufunc, method)(*plain, **targets, **kwargs)
        # What is one number a row is computed in double precision, and is not counted.
        if ufunc not in PRODUCTS and result.dtype == np.float32:
            touched = plain[0].size if method == "reduce" or ufunc is np.vecdot else result.size
            Counted.ledger[Counted.doing[-1]] += 2 * touched if ufunc is np.vecdot else touched
        return out[0] if out else result.view(Counted)

    def dot(self, other):
        if self.ndim == 1:  # a norm's sum over its row; a weight's product is the kernel's
            Counted.ledger[Counted.doing[-1]] += 2 * self.size
        return np.asarray(self).dot(np.asarray(other)).view(Counted) if self.ndim > 1 else np.asarray(self).dot(other)


class Count:
    """Kernels that count multiply-adds, and the ledgers of a pass.

    Attributes:
        products: multiply-adds by operation; of `scores` and `weighted sum` those of every slot that is read.
        needed: the multiply-adds of the weighted sum whose weight is not masked.
        elementwise: operations on elements, by what was being done.
        taken, given: elements of the activations that products take and give, by the weight's name.
    """

    def __init__(self, model):
        self.model = model
        self.products, self.needed, self.elementwise = Counter(), 0, Counted.ledger
        self.kernel = Kernel(self._linear, self._scores, self._mix)
        self.names, self.taken, self.given = {}, Counter(), Counter()

    def _linear(self, x, weight):
        assert x.shape[-1] == weight.shape[1]
        name, result = self.names[id(weight)], EXACT.linear(x, weight)
        self.products[OPERATION_OF[name]] += x.size // x.shape[-1] * weight.size
        self.taken[name] += x.size
        self.given[name] += result.size
        return result

    def _scores(self, keys, q):
        scores = EXACT.scores(keys, q)
        assert keys.shape[-1] == q.shape[-1]
        self.products["scores"] += scores.size * q.shape[-1]
        return scores

    def _mix(self, p, values):
        assert p.shape[-1] == values.shape[1]
        self.products["weighted sum"] += p.size * values.shape[-1]
        self.needed += int(np.count_nonzero(np.asarray(p))) * values.shape[-1]
        return EXACT.mix(p, values)

    def run(self, ids, cache, rows=None):
        """Run ids, `(B, T)`, and the logits of the last `rows` tokens of each sequence; return these."""
        counted = self._counted(self.model)
        cache.keys, cache.values = cache.keys.view(Counted), cache.values.view(Counted)
        Counted.ledger.clear()
        with watched():
            hidden = counted.forward(np.asarray(ids), cache, self.kernel)
            return np.asarray(counted.logits(hidden[:, -rows:] if rows else hidden, self.kernel))

    def _counted(self, model):
        """Return the model with its arrays counted, having noted the name of each weight."""

        def view(name, value):
            if isinstance(value, np.ndarray):
                array = value.view(Counted)
                self.names[id(array)] = name
                self.kept.append(array)
                return array
            if isinstance(value, tuple) and not hasattr(value, "_fields"):
                return tuple(view(name, inner) for inner in value)
            if hasattr(value, "_fields"):
                fields = value._asdict().items()
                return type(value)(**{field: view(name if field == "weight" else field, one) for field, one in fields})
            return value

        self.kept = []
        return type(model)(**{field: view(field, value) for field, value in vars(model).items()})


@contextmanager
def watched():
    """File what is done within each of these functions under its name."""
    doing = {
        (gpt2, "layer_norm"): "norms",
        (llama, "rms_norm"): "norms",
        (gpt2, "gelu"): "activation",
        (llama, "silu"): "activation",
        (llama, "rotate"): "rotary",
        (gpt2, "attend"): "softmax",
        (llama, "attend"): "softmax",
    }
    with mock.patch.object(llama, "rotary", _counted_rotary(llama.rotary)), ExitStack() as patches:
        for (module, name), label in doing.items():
            patches.enter_context(mock.patch.object(module, name, _filed(getattr(module, name), label)))
        yield


def _filed(function, label):
    def filed(*args, **kwargs):
        Counted.doing.append(label)
        try:
            result = function(*args, **kwargs)
            return result.view(Counted) if isinstance(result, np.ndarray) else result
        finally:
            Counted.doing.pop()

    return filed


def _counted_rotary(function):
    return _filed(lambda positions, *rest: function(np.asarray(positions).view(Counted), *rest), "rotary")
