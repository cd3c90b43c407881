"""Whole numbers only: what rounds is refused, and what would wrap around does not."""

import inspect

import numpy as np
import pytest

from kvlab.accounting import components, flops, layers, memory, parameters, traffic
from kvlab.accounting.formats import ELEMENTS
from kvlab.accounting.layers import Layers
from kvlab.errors import KvlabError

FORMULAS = [
    function
    for module in (memory, parameters, flops, traffic, layers, components)
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
]
FP16 = ELEMENTS["fp16"]


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda f: f.__qualname__)
def test_every_formula_refuses_a_float_in_the_place_of_each_count(formula):
    signature = inspect.signature(formula).parameters
    counts = [name for name, parameter in signature.items() if parameter.annotation in (int, "int")]
    others = {"groups": [], "layers": Layers("full", 1, 1, 1, 1), "element": FP16, "lengths": []}
    for name in counts:
        for wrong in (2.0, -1, True, "2", None, np.float64(2)):
            arguments = {n: others.get(n, 1) for n in signature} | {name: wrong}
            with pytest.raises(KvlabError, match=f"{formula.__name__}: {name} is"):
                formula(**arguments)


def test_a_sweep_over_an_array_of_numpy_does_not_wrap_around():
    contexts = np.array([2**30, 2**31 - 1], np.int32)
    swept = [memory.kv_cache_bytes(96, 96, 128, context, 64, 2) for context in contexts]
    assert swept == [2 * 96 * 96 * 128 * 2**30 * 64 * 2, 2 * 96 * 96 * 128 * (2**31 - 1) * 64 * 2]
    largest = np.int64(2**63 - 1)
    group = [Layers("sliding", 3, 5, 7, 11, window=largest)]
    assert layers.attention_bytes(group, largest, largest, FP16) == 3 * 5 * 18 * 2 * (2**63 - 1) ** 2
    assert layers.paged_bytes(group, np.array([2**31 - 1], np.int32), 1, FP16) == 3 * 5 * 18 * 2 * (2**31 - 1)
    assert layers.unused_tokens(2**40, np.array([2**31 - 1], np.int32)) == 2**40 - 2**31 + 1


@pytest.mark.parametrize("field", ["count", "n_kv_heads", "k_dim", "v_dim", "window", "conv_elements"])
def test_layers_have_whole_numbers_or_are_refused(field):
    shapes = {"kind": "full", "count": 1, "n_kv_heads": 1, "k_dim": 1, "v_dim": 1}
    for wrong in (1.5, -1, True, "3"):
        with pytest.raises(KvlabError, match=f"full layers: {field} is"):
            Layers(**{**shapes, field: wrong})
    assert type(getattr(Layers(**{**shapes, field: np.int64(3)}), field)) is int


def test_an_array_is_no_number():
    with pytest.raises(KvlabError, match="context is array"):
        memory.kv_cache_bytes(1, 1, 1, np.array([1, 2]), 1, 1)
