"""The general formula against the sum that it abbreviates: layer by layer, token by token, element by element."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvlab.accounting import layers as general
from kvlab.accounting import memory
from kvlab.accounting.formats import ELEMENTS, state_element_bytes, stored_bytes
from kvlab.accounting.layers import Layers
from kvlab.errors import KvlabError

COUNT = st.integers(1, 7)
GROUP = st.builds(
    Layers,
    kind=st.sampled_from(["full", "sliding", "latent"]),
    count=COUNT,
    n_kv_heads=st.integers(0, 5),
    k_dim=st.integers(1, 70),
    v_dim=st.integers(0, 70),
    window=st.none() | st.integers(1, 23),
    conv_elements=st.integers(0, 11),
    recurrent_elements=st.integers(0, 7),
    stores=st.booleans(),
)
GROUPS = st.lists(GROUP, min_size=1, max_size=4)
ELEMENT = st.sampled_from(list(ELEMENTS.values()))
CONTEXT = st.integers(0, 40)


def brute_force(groups, lengths, element):
    """Store every token of every sequence in every layer, and count the bytes of those that are still there."""
    total = 0
    for group in groups:
        for _ in range(group.count if group.stores else 0):
            for length in lengths:
                slots = []
                for token in range(length):
                    slots.append(token)
                    if group.window is not None and len(slots) > group.window:
                        slots.pop(0)
                for _ in slots:
                    for dim in (group.k_dim, group.v_dim):
                        for _ in range(0, group.n_kv_heads * dim, element.block):
                            total += element.block_bytes
    return total


@given(GROUPS, CONTEXT, st.integers(1, 3), ELEMENT)
def test_the_bytes_are_those_of_every_token_that_every_layer_still_has(groups, context, batch, element):
    assert general.attention_bytes(groups, context, batch, element) == brute_force(groups, [context] * batch, element)


@given(GROUPS, CONTEXT, ELEMENT)
def test_the_next_token_costs_what_the_bytes_then_are_more(groups, context, element):
    now, then = (general.attention_bytes(groups, tokens, 1, element) for tokens in (context, context + 1))
    assert general.next_token_bytes(groups, context, element) == then - now


def test_a_step_reads_what_is_stored_and_again_what_a_layer_takes_from_another():
    own, shared = Layers("full", 3, 2, 5, 7), Layers("shared", 4, 2, 5, 7, window=11, stores=False)
    element = ELEMENTS["fp16"]
    assert general.read_bytes([own], 20, 2, element) == general.attention_bytes([own], 20, 2, element)
    lent = general.read_bytes([own, shared], 20, 2, element) - general.read_bytes([own], 20, 2, element)
    assert lent == brute_force([replace(shared, stores=True)], [20] * 2, element)


@given(COUNT, COUNT, COUNT, st.integers(1, 99), COUNT, st.sampled_from(["fp32", "fp16", "fp8"]))
def test_layers_that_are_all_alike_give_the_formula_of_six_factors(n_layers, heads, dim, context, batch, dtype):
    element = ELEMENTS[dtype]
    alike = [Layers("full", n_layers, heads, dim, dim)]
    expected = memory.kv_cache_bytes(n_layers, heads, dim, context, batch, element.block_bytes)
    assert general.attention_bytes(alike, context, batch, element) == expected


def test_a_latent_has_no_factor_of_two():
    # DeepSeek-V3: 61 layers, a latent of 512 and a rotary part of 64, q8_0, 32,768 tokens; published as 1166.62 MiB.
    latent = [Layers("latent", 61, 1, 512 + 64, 0)]
    stored = general.attention_bytes(latent, 32768, 1, ELEMENTS["q8_0"])
    assert stored == 61 * 32768 * 576 * 34 // 32
    assert round(Fraction(stored, 2**20), 2) == Fraction("1166.62")


def test_a_layer_that_reads_anothers_cache_stores_nothing_and_a_recurrent_one_only_its_state():
    groups = [Layers("shared", 5, 8, 64, 64, stores=False), Layers("recurrent", 3, 0, 0, 0, conv_elements=7)]
    assert general.attention_bytes(groups, 1000, 2, ELEMENTS["fp16"]) == 0
    assert general.state_bytes(groups, 2, 4) == 3 * 7 * 2 * 4
    assert general.largest_context(groups, 10**6, 2, ELEMENTS["fp16"], 4) is None
    assert general.largest_batch(groups[:1], 10**6, 1000, ELEMENTS["fp16"], 4) is None


def test_a_convolutions_window_is_stored_as_the_weights_are_and_a_state_in_fp32():
    recurrent = [Layers("recurrent", 3, 0, 0, 0, conv_elements=7, recurrent_elements=11)]
    for dtype, conv in (("fp32", 4), ("bf16", 2), ("q4_0", 2)):
        assert state_element_bytes(ELEMENTS[dtype]) == conv
        assert general.state_bytes(recurrent, 5, conv) == 5 * 3 * (7 * conv + 11 * 4)


@pytest.mark.parametrize(("dtype", "share"), [("q8_0", Fraction(34, 32)), ("q4_0", Fraction(18, 32)), ("fp8", 1)])
def test_whole_blocks_cost_their_share_an_element(dtype, share):
    element = ELEMENTS[dtype]
    assert stored_bytes(1024, element.block, element.block_bytes) == 1024 * share
    assert stored_bytes(0, element.block, element.block_bytes) == 0


@given(GROUPS, st.integers(0, 200_000), st.integers(1, 3), ELEMENT)
def test_the_largest_context_fits_and_one_token_more_does_not(groups, budget, batch, element):
    def needed(context):
        return general.attention_bytes(groups, context, batch, element) + general.state_bytes(groups, batch, 2)

    largest = general.largest_context(groups, budget, batch, element, 2)
    if largest is None:
        assert needed(10**12) <= budget
    elif needed(0) > budget:
        assert largest == 0
    else:
        assert needed(largest) <= budget < needed(largest + 1)


@given(GROUPS, st.integers(0, 200_000), st.integers(1, 40), ELEMENT)
def test_the_largest_batch_fits_and_one_sequence_more_does_not(groups, budget, context, element):
    stores = [Layers("full", 1, 1, 1, 1), *groups]

    def needed(batch):
        return general.attention_bytes(stores, context, batch, element) + general.state_bytes(stores, batch, 2)

    largest = general.largest_batch(stores, budget, context, element, 2)
    assert needed(largest) <= budget < needed(largest + 1)


@given(GROUPS, st.lists(st.integers(0, 40), max_size=4), st.integers(1, 9), ELEMENT)
def test_pages_hold_every_token_and_waste_less_than_a_page_a_sequence_and_layer(groups, lengths, page, element):
    paged, stored = general.paged_bytes(groups, lengths, page, element), brute_force(groups, lengths, element)
    assert stored <= paged
    most = sum(general.slots_bytes(g, g.n_kv_heads, page - 1, 1, element) for g in groups if g.stores) * len(lengths)
    assert paged - stored <= most
    assert general.paged_bytes(groups, lengths, 1, element) == stored


@given(st.lists(st.integers(0, 40), max_size=6))
def test_what_preallocation_wastes_is_what_is_reserved_and_not_used(lengths):
    assert general.unused_tokens(40, lengths) == 40 * len(lengths) - sum(lengths)


def test_a_sequence_that_is_longer_than_its_slots_wastes_no_negative_number_of_them():
    with pytest.raises(KvlabError, match="41 tokens has no room in 40 slots"):
        general.unused_tokens(40, [3, 41])


@given(st.integers(1, 16), st.integers(1, 33))
def test_devices_share_the_heads_and_every_head_is_somewhere(n_kv_heads, n_devices):
    dealt = [0] * n_devices
    for head in range(max(n_kv_heads, n_devices)):  # with more devices than heads, heads are dealt again
        dealt[head % n_devices] += 1
    assert general.heads_per_device(n_kv_heads, n_devices) == max(dealt)


@given(GROUPS, CONTEXT, st.integers(1, 3), ELEMENT, st.integers(1, 9))
def test_a_device_stores_what_its_share_of_the_heads_would_take_alone(groups, context, batch, element, n_devices):
    shares = [replace(group, n_kv_heads=(group.n_kv_heads + n_devices - 1) // n_devices) for group in groups]
    expected = brute_force(shares, [context] * batch, element)
    assert general.device_bytes(groups, context, batch, element, n_devices) == expected


def test_a_device_of_eight_holds_one_of_eight_heads_and_of_sixteen_still_one():
    llama = [Layers("full", 80, 8, 128, 128)]
    whole = general.attention_bytes(llama, 4096, 1, ELEMENTS["fp16"])
    assert general.device_bytes(llama, 4096, 1, ELEMENTS["fp16"], 8) == whole // 8
    assert general.device_bytes(llama, 4096, 1, ELEMENTS["fp16"], 16) == whole // 8
    latent = [replace(llama[0], kind="latent", n_kv_heads=1, k_dim=576, v_dim=0)]
    alone = general.attention_bytes(latent, 4096, 1, ELEMENTS["fp16"])
    assert general.device_bytes(latent, 4096, 1, ELEMENTS["fp16"], 8) == alone


def test_integers_stay_exact_where_a_float_would_round():
    one = [Layers("full", 3, 7, 11, 13)]
    assert general.attention_bytes(one, 2**60 + 1, 1, ELEMENTS["fp8"]) == 3 * 7 * (11 + 13) * (2**60 + 1)
