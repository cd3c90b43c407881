"""The roofline: intensities and ridges that are published, and lower bounds of time made of their parts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvlab import catalog
from kvlab.accounting import flops, layers, roofline
from kvlab.accounting.formats import ELEMENTS
from kvlab.errors import KvlabError

COUNT = st.integers(1, 10**18)
H100 = catalog.device("H100 80GB SXM")
A100 = catalog.device("A100 80GB SXM")


def ridge_of(device):
    return roofline.ridge(device.dense_bf16_flops_per_second, device.bandwidth_bytes_per_second)


def test_the_ridges_of_two_devices_are_those_that_are_published():
    assert round(ridge_of(H100)) == 295
    assert round(ridge_of(A100)) == 153


@given(COUNT, COUNT, COUNT, COUNT)
def test_what_takes_longer_bounds_and_at_the_ridge_it_is_the_arithmetic(work, moved, peak, bandwidth):
    found = roofline.bound(work, moved, peak, bandwidth)
    assert (found == "memory") == (Fraction(moved, bandwidth) > Fraction(work, peak))
    assert roofline.bound(peak, bandwidth, peak, bandwidth) == "compute"
    assert (found == "memory") == (Fraction(work, moved) < Fraction(peak, bandwidth))


@given(COUNT, COUNT, COUNT, COUNT)
def test_at_the_height_of_the_roof_an_operation_takes_its_lower_bound(work, moved, peak, bandwidth):
    height = roofline.attainable(work, moved, peak, bandwidth)
    assert work / height == pytest.approx(roofline.step_time(moved, 0, work, peak, bandwidth).seconds)
    assert roofline.attainable(peak, bandwidth, peak, bandwidth) == peak


def test_attention_over_a_cache_has_the_intensity_of_its_flops_over_its_bytes():
    for n_heads, n_kv_heads in ((32, 32), (64, 8), (71, 1)):
        moved = layers.read_bytes([layers.Layers("full", 3, n_kv_heads, 128, 128)], 777, 1, ELEMENTS["fp16"])
        work = flops.attention_flops(3, n_heads, 128, 777)
        found = roofline.grouped_attention_intensity(n_heads, n_kv_heads, 2)
        assert found == roofline.intensity(work, moved) == n_heads // n_kv_heads


def test_absorbed_mla_of_deepseek_v3_does_about_242_flops_a_byte():
    moved = layers.read_bytes(catalog.model("DeepSeek-V3").decoder.layers, 777, 1, ELEMENTS["bf16"])
    work = flops.absorbed_mla_flops(61, 128, 512, 64, 777)
    assert roofline.latent_attention_intensity(128, 512, 64, 2) == roofline.intensity(work, moved)
    assert 241.7 < roofline.intensity(work, moved) < 241.8


def test_a_step_takes_as_long_as_its_bytes_or_its_arithmetic_whichever_is_longer():
    slow_memory = roofline.step_time(600, 200, 100, flops_per_second=1000, bytes_per_second=100)
    assert (slow_memory.weights, slow_memory.cache, slow_memory.compute) == (6, 2, 0.1)
    assert (slow_memory.memory, slow_memory.seconds, slow_memory.bound) == (8, 8, "memory")
    by_the_cache = roofline.step_time(10, 70, 50, flops_per_second=1, bytes_per_second=1)
    assert (by_the_cache.seconds, by_the_cache.bound) == (80, "memory")
    slow_arithmetic = roofline.step_time(600, 200, 10_000, flops_per_second=1000, bytes_per_second=100)
    assert (slow_arithmetic.seconds, slow_arithmetic.bound) == (10, "compute")


def test_a_batch_shares_the_weights_and_not_the_caches():
    decoder = catalog.model("Llama-2-7B").decoder
    weights = 2 * decoder.parameters

    def step(batch):
        cache = layers.read_bytes(decoder.layers, 4096, batch, ELEMENTS["fp16"])
        work = batch * 2 * decoder.parameters
        return roofline.step_time(
            weights, cache, work, A100.dense_bf16_flops_per_second, A100.bandwidth_bytes_per_second
        )

    assert step(8).weights == step(1).weights
    assert step(8).cache == pytest.approx(8 * step(1).cache)
    assert step(1).cache / step(1).memory == pytest.approx(0.137, abs=0.001)  # 13.7 % of the bytes at 4k


@pytest.mark.parametrize("zero", [{"flops_per_second": 0}, {"bytes_per_second": 0}])
def test_a_device_without_speed_is_refused(zero):
    speeds = {"flops_per_second": 1, "bytes_per_second": 1} | zero
    with pytest.raises(KvlabError, match="is 0, and must be a whole number from 1"):
        roofline.step_time(1, 1, 1, **speeds)
    with pytest.raises(KvlabError, match="is 0, and must be a whole number from 1"):
        roofline.bound(1, 1, **speeds)
    with pytest.raises(KvlabError, match="denominator"):
        roofline.intensity(1, 0)


def test_each_part_of_a_step_is_told_in_milliseconds():
    step = {"weight_bytes": 600, "cache_bytes": 200, "flops": 100, "flops_per_second": 1000, "bytes_per_second": 100}
    parts = {"weights": 6000, "cache": 2000, "compute": 100, "memory": 8000, "seconds": 8000}
    assert {part: roofline.step_milliseconds(**step, part=part) for part in parts} == parts
    with pytest.raises(KvlabError, match="no part 'bound'; it has weights, cache, compute, memory and seconds"):
        roofline.step_milliseconds(**step, part="bound")


def test_a_batch_makes_as_many_tokens_as_it_has_sequences_in_the_time_of_a_step():
    assert roofline.tokens_per_second(6, 600, 200, 100, flops_per_second=1000, bytes_per_second=100) == 0.75
    assert roofline.tokens_per_second(6, 600, 200, 100, flops_per_second=5, bytes_per_second=100) == 0.3
