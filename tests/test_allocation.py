"""Real caches against the formulas: that they agree, and that a wrong formula would not."""

import numpy as np
import pytest

from kvlab.accounting.memory import kv_cache_bytes
from kvlab.cache import DenseCache, slot_offset
from kvlab.errors import KvlabError
from kvlab.experiments import allocation
from kvlab.experiments.allocation import KINDS, CacheShape, Kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_cache_of_every_shape_takes_the_bytes_of_the_formula(kind):
    assert allocation.shapes_agreeing(kind) == allocation.shapes_tried(kind) == 3 * 2 * 3 * 3 * 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_counted_in_the_arrays_is_what_the_cache_says_and_its_slots_are_full(kind):
    shape = CacheShape(3, 2, 5, 7, KINDS[kind].head_dims[0])
    held = allocation._filled(kind, shape)
    assert allocation.array_bytes(held) == held.nbytes
    assert held.position >= shape.capacity
    assert all((np.asarray(array) != 0).all() for array in [*held.keys, *held.values])


def test_all_kinds_together_are_the_sum_of_each():
    assert allocation.all_tried() == allocation.all_agreeing() == sum(len(allocation.shapes_of(kind)) for kind in KINDS)


def test_the_largest_cache_has_the_longest_of_every_axis():
    assert allocation.largest_occupied("dense_fp32") == 2 * 7 * 3 * 5 * 40 * 23 * 4
    assert allocation.largest_occupied("q8_0") == 2 * 7 * 3 * 5 * 40 * 96 // 32 * 34


@pytest.mark.parametrize("forgotten", ["n_layers", "batch", "n_kv_heads", "capacity", "head_dim"])
def test_a_formula_that_forgets_an_axis_agrees_only_where_that_axis_is_one(monkeypatch, forgotten):
    def without(shape):
        s = shape._replace(**{forgotten: 1})
        return kv_cache_bytes(s.n_layers, s.n_kv_heads, s.head_dim, s.capacity, s.batch, 4)

    monkeypatch.setitem(allocation.KINDS, "wrong", Kind(lambda s: DenseCache(*s), without, allocation.PLAIN_DIMS))
    ones = sum(getattr(shape, forgotten) == 1 for shape in allocation.shapes_of("wrong"))
    assert allocation.shapes_agreeing("wrong") == ones < allocation.shapes_tried("wrong")
    allocation.occupied.cache_clear()


def test_a_kind_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(KvlabError, match="unknown kind of cache 'latent'; known are dense_fp32"):
        allocation.shapes_tried("latent")


def test_the_places_of_a_buffer_are_as_far_apart_as_the_formula_of_offsets_says():
    at = {"batch": 1, "n_kv_heads": 4, "capacity": 128, "head_dim": 16, "bytes_per_element": 4}
    assert allocation.extent("layer") == slot_offset(1, 0, 0, 0, **at)
    assert allocation.extent("head") == slot_offset(0, 0, 1, 0, **at)
    assert allocation.extent("slot") == slot_offset(0, 0, 0, 1, **at)
    assert allocation.extent("element") * 16 == allocation.extent("slot")
    assert allocation.extent("buffer") == 2 * allocation.extent("layer") == kv_cache_bytes(2, 4, 16, 128, 1, 4) / 2
    with pytest.raises(KvlabError, match="unknown place 'block'; known are buffer, layer, sequence, head"):
        allocation.extent("block")
