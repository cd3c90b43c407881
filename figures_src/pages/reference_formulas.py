"""`reference/formulas`: the formulas of memory, each read from its function; and what each symbol stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from figures_src.declared.page import Page, Rows
from figures_src.errors import BookError
from figures_src.markup.math import in_lines
from figures_src.words import Words
from kvlab import formula
from kvlab.accounting import flops, memory, pairs
from kvlab.formula import contents

page = Page("reference/formulas")

LATEX = formula.latex_dialect()
LONG = 70  # characters of a formula's text from which on its terms have lines of their own

# The unit of a result is in the name of its function, or else here.
UNITS = ("bytes", "flops", "operations", "parameters", "elements", "pairs", "slots", "tokens", "blocks", "heads")
UNIT_OF = {
    "context_in_budget": "tokens",
    "devices_for_weights": "devices",
    "gpt2_balancing_context": "tokens",
    "k_width": "elements",
    "left_for_cache": "bytes",
    "projection_multiply_adds": "multiply_adds",
    "together": "bytes",
    "tetrahedral": "pairs",
    "unused_tokens": "slots",
    "last_block_unused": "slots",
    "last_block_unused_sum": "slots",
}

# The symbols of the whole site; the others stand in single formulas.
OF_THE_SITE = (
    *("n_layers", "n_heads", "n_kv_heads", "head_dim", "d_model", "d_ff", "vocab_size", "context", "max_context"),
    *("batch", "bytes_per_element", "prompt", "new_tokens", "n_tokens", "parameters"),
)


def unit_of(function_name: str) -> str:
    """Return the unit of what a formula gives. Raises `BookError` where neither its name nor the page says it."""
    named = [part for part in function_name.split("_") if part in UNITS]
    if function_name not in UNIT_OF and not named:
        raise BookError(f"what is the unit of {function_name}? Name it in reference_formulas.UNIT_OF")
    return UNIT_OF.get(function_name) or named[0]


def latex_of(function: contents.Function) -> str:
    """Return a formula as LaTeX: written out where that is the shorter, or else by the names of those that it calls."""
    if contents.is_ratio(function):
        return formula.write_ratio(function, LATEX)
    written_out, by_names = formula.text(function), formula.write(function, formula.TEXT, names_calls=True)
    names_calls = len(by_names) <= len(written_out) or len(written_out) > LONG
    latex = formula.write(function, LATEX, names_calls=names_calls)
    return in_lines(latex) if len(by_names if names_calls else written_out) > LONG else latex


def sheet(words: Words, functions: Mapping[str, contents.Function]) -> Rows:
    """Return a row for each formula: what it is of and its function, the formula, its unit."""
    return [
        [
            f"{words(f'quantity.{name}')}<br>`{name}`",
            rf"$\displaystyle {latex_of(function)}$",
            words("unit.flops_per_byte" if contents.is_ratio(function) else f"unit.{unit_of(name)}"),
        ]
        for name, function in functions.items()
        if contents.is_formula(function) or contents.is_ratio(function)
    ]


def define_sheet(page: Page, room: str) -> None:
    """Name the table of a room of the accounting, if it has formulas; a room that no page shows fails the build."""
    functions = ROOMS[room]
    if not any(contents.is_formula(f) or contents.is_ratio(f) for f in functions.values()):
        return

    def make(words: Words) -> Rows:
        return sheet(words, functions)

    make.__name__ = f"of_{room}"
    page.table(make)


ROOMS = contents.functions()
OF_WORK = ("pairs", "flops", "elementwise", "traffic", "roofline")  # these have a page of their own
for room in ROOMS.keys() - set(OF_WORK):
    define_sheet(page, room)


@page.table
def no_formulas(words: Words) -> Rows:
    """Return what the accounting has besides: functions that search, or that give more than one number."""
    return [
        [words(f"quantity.{name}"), f"`{room}.{name}`"]
        for room, functions in ROOMS.items()
        for name, function in functions.items()
        if not contents.is_formula(function) and not contents.is_ratio(function)
    ]


# Symbols, in the order of the alphabet.


def legend(words: Words, arguments: Iterable[str]) -> Rows:
    """Return a row for each symbol: the symbol and its meaning, and the argument that it stands for."""
    found = sorted(arguments, key=lambda argument: (formula.SYMBOLS[argument].casefold(), formula.SYMBOLS[argument]))
    return [[f"${LATEX.symbol(formula.SYMBOLS[a])}$: {words(f'meaning.{a}')}", f"`{a}`"] for a in found]


@page.table
def symbols(words: Words) -> Rows:
    """Return the symbols of the whole site."""
    return legend(words, OF_THE_SITE)


@page.table
def more_symbols(words: Words) -> Rows:
    """Return the symbols that stand in single formulas."""
    return legend(words, formula.SYMBOLS.keys() - set(OF_THE_SITE))


# What the warnings show.

page.formula("size", memory.kv_cache_bytes)
page.formula("attention", flops.attention_flops)
page.formula("pairs", pairs.causal_pairs)
