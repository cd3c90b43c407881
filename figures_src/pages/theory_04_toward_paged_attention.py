"""`theory/04-toward-paged-attention`: what one dense allocation per sequence wastes, measured and simulated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from figures_src.declared.page import Page, Rows, Shown
from figures_src.declared.values import Value, call, parameter
from figures_src.pages.shared.shapes import kv_shapes
from figures_src.plots import block_size, pool, pool_shares
from figures_src.words import Words
from kvlab import catalog, paging, units
from kvlab.accounting import memory
from kvlab.accounting import paging as slots
from kvlab.paging.simulator import STATES
from kvlab.paging.waste import BLOCKS, WAYS

page = Page("theory/04-toward-paged-attention")

FP16 = call(units.bytes_per_element, dtype="fp16")
one, thirty_two = (parameter(quantity) for quantity in (1, 32))

# One reservation for the longest text.

LLAMA = kv_shapes("Llama-2-7B")
reserved = page.parameter("reserved_context", 32 * 1024)
mean = page.parameter("mean_context", 1024)
page.reuse("batch", thirty_two)
page.formula("unused", slots.unused_slots)
unused = call(slots.unused_slots, max_context=reserved, context=mean, batch=one)
page.value("unused_share", units.ratio, numerator=unused, denominator=reserved)
unused_bytes = call(
    slots.unused_bytes,
    **LLAMA,
    max_context=reserved,
    context=mean,
    batch=thirty_two,
    bytes_per_element=FP16,
)
page.derivation("unused_derived", "M", unused_bytes, "B")
page.reuse("unused_bytes", unused_bytes)
allocated = page.value(
    "allocated", memory.kv_cache_bytes, **LLAMA, context=reserved, batch=thirty_two, bytes_per_element=FP16
)
page.value("filled", memory.kv_cache_bytes, **LLAMA, context=mean, batch=thirty_two, bytes_per_element=FP16)
llama_limit = page.reuse("llama_limit", call(catalog.model, name="Llama-2-7B").field("decoder.max_context"))
page.claim("reserved_beyond_limit", llama_limit, reserved)

# A small pool, drawn.

TOY: dict[str, Any] = {
    "requests": ((3, 5), (5, 6), (2, 3), (4, 7), (3, 3), (6, 2), (2, 6), (3, 4), (5, 5)),
    "steps": 2,
    "n_slots": 40,
    "max_context": 16,
    "block": 4,
}
DRAWN = ("dense", "power_of_two", "paged")
for name in ("steps", "n_slots", "max_context", "block"):
    page.parameter(f"toy_{name}", TOY[name])
first_prompt, first_output = (parameter(tokens) for tokens in TOY["requests"][0])
page.reuse("first_prompt", first_prompt)
page.reuse("first_output", first_output)


def _count(way: str, state: str) -> Value:
    return call(paging.pool_count, way=way, state=state, **TOY)


for state in ("token", "reserved", "internal"):
    page.value(f"first_{state}", paging.pool_count, way="dense", state=state, **{**TOY, "n_slots": 16})
for way in DRAWN:
    page.reuse(f"toy_{way}", _count(way, "token"))
page.claim("each_way_holds_more", *(_count(way, "token") for way in DRAWN))
page.claim("guess_wastes_less", _count("power_of_two", "internal"), _count("dense", "internal"))


def pool_data() -> list[pool.Row]:
    """Return each slot of the small pool: whose it is, and its state, for three ways."""
    return [
        pool.Row(way, slot, sequence, state)
        for way in DRAWN
        for slot, (sequence, state) in enumerate(call(paging.pool_slots, way=way, **TOY).result)
    ]


page.figure("pool", pool_data, pool.draw)


@page.table
def pool_counts(words: Words) -> Rows:
    """Return how many slots of the small pool are in each state, for three ways."""
    return [[words(f"pool_counts.{way}"), *(Shown(_count(way, state)) for state in STATES)] for way in DRAWN]


# What was measured.

OPT = kv_shapes("OPT-13B")
budget = page.value("opt_budget", units.parse_size, written="12GiB")
opt_token = page.value("opt_token", memory.kv_bytes_per_token, **OPT, bytes_per_element=FP16)
opt_slots = call(memory.context_in_budget, budget=budget, **OPT, batch=one, bytes_per_element=FP16)
page.derivation("opt_slots_derived", r"S_{\mathrm{max}}", opt_slots)
slots_in_gb = call(
    memory.context_in_budget,
    budget=call(units.parse_size, written="12GB"),
    **OPT,
    batch=one,
    bytes_per_element=FP16,
)
page.claim("paper_means_gib", slots_in_gb, parameter(15_650), opt_slots, parameter(15_750))  # it prints 15.7K
page.reuse("opt_context", call(catalog.model, name="OPT-13B").field("decoder.max_context"))
for way in ("dense", "paged"):
    page.value(f"{way}_at_once", paging.sequences_at_once, way=way)
page.value("dense_external", paging.waste_share, way="dense", state="external")


def _printed(way: str, state: str) -> Value:
    return call(paging.published_share, way=way, state=state)


def _simulated(way: str, state: str) -> Value:
    return call(paging.waste_share, way=way, state=state)


page.reuse("printed_external", _printed("dense", "external"))
lowest, oracle, highest = (page.reuse(f"printed_{way}", _printed(way, "token")) for way in ("dense", "oracle", "paged"))
page.claim("shares_rise", lowest, _printed("power_of_two", "token"), oracle, highest)
page.claim("shares_rise", *(_simulated(way, "token") for way in WAYS))
half, nearly_all, small = (parameter(share) for share in (0.5, 0.9, 0.1))
page.claim("reservations_below_half", oracle, half)
page.claim("blocks_hold_nearly_all", nearly_all, highest)
page.claim("blocks_hold_nearly_all", nearly_all, _simulated("paged", "token"))
in_print = parameter(0.0005)  # half of the last digit that the paper prints
page.claim("external_share_follows", call(paging.difference, way="dense", state="external"), in_print)


@page.table
def shares(words: Words) -> Rows:
    """Return the share of the pool in each state, way by way: as it was measured, and as it is simulated."""
    printed = {way: [state for found, state in paging.published_states() if found == way] for way in WAYS}
    rows: list[list[str | Shown]] = []
    for way in WAYS:
        measured = [
            Shown(_printed(way, state), "percent1") if state in printed[way] else words("shares.none")
            for state in STATES
        ]
        simulated = [Shown(_simulated(way, state), "percent1") for state in STATES]
        rows += [
            [words(f"shares.{way}"), words("shares.measured"), *measured],
            [words(f"shares.{way}"), words("shares.simulated"), *simulated],
        ]
    return rows


def pool_shares_data() -> list[pool_shares.Row]:
    """Return the shares of each way, measured and simulated, those that the paper prints."""
    return [
        pool_shares.Row(way, source, state, share(way, state).result)
        for way in WAYS
        for source, share in (("measured", _printed), ("simulated", _simulated))
        for state in STATES
        if source == "simulated" or (way, state) in paging.published_states()
    ]


page.figure("pool_shares", pool_shares_data, pool_shares.draw)

# The simulation.

for name in ("mean_prompt", "mean_output", "spread"):
    page.constant(name, f"kvlab.paging.requests.{name.upper()}")
page.parameter("n_requests", 400)
largest_difference = page.value("largest_difference", paging.largest_difference)
page.same("largest_is_external", largest_difference, call(paging.difference, way="power_of_two", state="external"))
page.claim("simulation_near_measurement", largest_difference, small)


def _reserved_for_a_token(share: Callable[[str, str], Value]) -> Value:
    return call(units.ratio, numerator=share("dense", "reserved"), denominator=share("dense", "token"))


met = call(units.ratio, numerator=_reserved_for_a_token(_simulated), denominator=_reserved_for_a_token(_printed))
page.claim("spread_meets_paper", parameter(0.98), met, parameter(1.02))

# The size of a block.

block = page.parameter("block", 16)
page.formula("last_unused", slots.last_block_unused)
page.value("mean_unused", units.ratio, numerator=call(slots.last_block_unused_sum, block=block), denominator=block)


def block_size_data() -> list[block_size.Row]:
    """Return the share of the pool that holds tokens, for each size of a block, and for the ways without blocks."""
    held = call(paging.utilisation).result
    rows = [block_size.Row("paged", size, held[size]) for size in BLOCKS]
    rows += [block_size.Row(way, BLOCKS[0], _simulated(way, "token").result) for way in WAYS if way != "paged"]
    return rows


page.figure("block_size", block_size_data, block_size.draw)
largest_block = page.constant("largest_block", "kvlab.paging.waste.BLOCKS[-1]")
held_16 = page.value("held_16", paging.waste_share, way="paged", state="token", block=16)
held_largest = page.value("held_largest", paging.waste_share, way="paged", state="token", block=largest_block)
held_1 = page.value("held_1", paging.waste_share, way="paged", state="token", block=1)
page.claim("smaller_blocks_hold_more", _simulated("oracle", "token"), held_largest, held_16, held_1)
page.claim("small_blocks_near_top", nearly_all, held_16)
page.claim("smallest_gain_little", call(units.ratio, numerator=held_1, denominator=held_16), parameter(1.05))
