"""Figures that others have published, met by the formula: each with its unit as it was meant."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from kvlab import catalog
from kvlab.accounting import layers
from kvlab.accounting.formats import ELEMENTS
from kvlab.accounting.layers import Layers

FIGURES = {
    figure["name"]: figure
    for figure in json.loads(Path(catalog.__file__).with_name("published_figures.json").read_text(encoding="utf-8"))
}
FP16 = ELEMENTS["fp16"]


def full(n_layers, n_kv_heads, head_dim):
    return [Layers("full", n_layers, n_kv_heads, head_dim, head_dim)]


def in_mib(groups, context, element=FP16):
    return f"{float(Fraction(layers.attention_bytes(groups, context, 1, element), 2**20)):.2f} MiB"


def opt_slots(n_layers, n_heads, budget_gib):
    """Return the tokens that fit, in thousands, as the paper prints them: its GB are GiB."""
    fit = layers.largest_context(full(n_layers, n_heads, 128), budget_gib * 2**30, 1, FP16, 2)
    return f"{fit / 10**3:.1f}K"


REPRODUCED = {
    "llama31_8b_4096": lambda: in_mib(full(32, 8, 128), 4096).replace(".00 MiB", "MB"),
    "deepseek_v3_f16": lambda: in_mib([Layers("latent", 61, 1, 512 + 64, 0)], 32768),
    "deepseek_v3_q8_0": lambda: in_mib([Layers("latent", 61, 1, 512 + 64, 0)], 32768, ELEMENTS["q8_0"]),
    "qwen3_coder_480b": lambda: f"{layers.attention_bytes(full(62, 8, 128), 262_144, 1, FP16) / 2**30:.2f} GiB",
    "opt_13b_token": lambda: f"{layers.next_token_bytes(full(40, 40, 128), 0, FP16) // 2**10} KB",
    # The 21 GB of OPT-66B are rounded in the paper: to the digit only the first and the third come out.
    "opt_slots": lambda: f"{opt_slots(40, 40, 12)} / 9.7K / {opt_slots(96, 96, 264)}",
    "h100_ridge": lambda: f"{989e12 / 3.35e12:.0f} FLOP/byte",
    "ggml_blocks": lambda: ", ".join(
        f"{name} {ELEMENTS[name].block_bytes}/{ELEMENTS[name].block} B" for name in ("q8_0", "q4_0")
    ),
}


@pytest.mark.parametrize("name", REPRODUCED)
def test_a_published_figure_that_follows_from_a_formula_is_met_as_it_was_printed(name):
    assert REPRODUCED[name]() == FIGURES[name]["published"]


def test_the_second_of_the_papers_three_slots_is_met_within_its_rounding():
    fit = layers.largest_context(full(64, 72, 128), 21 * 2**30, 1, FP16, 2)
    assert abs(fit - 9_700) / 9_700 < 0.016


def test_every_figure_says_whether_it_follows_from_a_formula_and_those_that_do_are_met():
    assert {name for name, figure in FIGURES.items() if figure["from_formula"]} == set(REPRODUCED)


def test_every_figure_has_its_source_and_the_day_on_which_it_was_read():
    for figure in FIGURES.values():
        assert figure["source"]["file"]
        assert figure["source"]["read"].startswith("2026-")
