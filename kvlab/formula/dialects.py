"""How text and LaTeX write what formulas are made of, and the symbol of each quantity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

# The symbol of each quantity, of an argument or a field of that name: one meaning on the whole site.
SYMBOLS = {
    "n_layers": "L",
    "n_heads": "H",
    "n_kv_heads": "H_kv",
    "head_dim": "d_h",
    "d_model": "d",
    "d_ff": "d_ff",
    "vocab_size": "V",
    "max_context": "S_max",
    "context": "S",
    "batch": "B",
    "bytes_per_element": "s",
    "parameters": "N",
    "prompt": "P",
    "n_tokens": "T",
    "new_tokens": "n",
    "weights": "M_w",
    "kv_cache": "M_kv",
    "memory": "M_mem",
    "budget": "M_free",
    "count": "L_i",
    "k_blocks": "w_K",
    "v_blocks": "w_V",
    "block_bytes": "s_b",
    "tokens": "S_i",
    # Passes and generations.
    "held": "S_0",
    "position": "t",
    "pairs": "A",
    "slots": "A_r",
    "rows": "R",
    "mlp_matrices": "n_W",
    "n_in": "d_in",
    "n_out": "d_out",
    # Roofline: work and bytes, and how fast a device does and moves them.
    "flops": "F",
    "bytes_moved": "Q",
    "flops_per_second": "π",
    "bytes_per_second": "β",
    # Layers and what they store.
    "k_dim": "d_k",
    "v_dim": "d_v",
    "window": "W",
    "stores": "own",
    "conv_elements": "e_conv",
    "recurrent_elements": "e_rec",
    "width": "w",
    "block": "b",
    "page": "p",
    "length": "S_j",
    "capacity": "C",
    "n_devices": "D",
    # Parts of a decoder.
    "n_experts": "E",
    "latent": "d_c",
    "rank": "r",
    "rope_dim": "d_rope",
    "nope_dim": "d_nope",
    "d_inner": "d_inner",
    "d_state": "d_state",
    "d_conv": "d_conv",
    "dt_rank": "r_dt",
    "key_width": "d_key",
    "value_width": "d_value",
    "n_value_heads": "H_v",
}

# How tightly a piece of a formula holds together, from the loosest on.
CHOICE, OR, AND, NOT, COMPARISON, MODULO, NEGATIVE, SUM, PRODUCT, POWER, ATOM = range(11)


@dataclass(frozen=True)
class Dialect:
    """How one language writes each construct; every entry takes the pieces as strings.

    Attributes:
        signs: of what Python writes as the key is.
        in_fraction: how tightly what stands above, and below, a fraction's line must hold together.
        named: takes the name of another formula, and what it is given, where that is not written out.
        choice: takes what holds, its condition, what holds otherwise, and the opposite of the condition.
    """

    symbol: Callable[[str], str]
    number: Callable[[int], str]
    signs: Mapping[str, str]
    group: Callable[[str], str]
    power: Callable[[str, int], str]
    in_fraction: tuple[int, int]
    quotient: Callable[[str, str], str]
    floor: Callable[[str, str], str]
    ceiling: Callable[[str, str], str]
    call: Callable[[str, list[str]], str]
    named: Callable[[str, list[str]], str]
    choice: Callable[[str, str, str, str], str]


def plain_number(number: int) -> str:
    """Return a number with its thousands parted: `1,234`."""
    return f"{number:,}"


TEXT = Dialect(
    symbol=lambda symbol: symbol,
    number=plain_number,
    signs={
        **{sign: sign for sign in ("+", "<", ">", "and", "or", "not")},
        **{"-": "−", "*": "·", "%": "mod", "sum": "Σ", "<=": "≤", ">=": "≥", "==": "=", "!=": "≠"},
        **{"None": "∅", "True": "⊤", "False": "⊥"},
    },
    group=lambda inner: f"({inner})",
    power=lambda base, exponent: base + str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    in_fraction=(PRODUCT, ATOM),
    quotient=lambda a, b: f"{a} / {b}",
    floor=lambda a, b: f"⌊{a} / {b}⌋",
    ceiling=lambda a, b: f"⌈{a} / {b}⌉",
    call=lambda name, arguments: f"{name}({', '.join(arguments)})",
    named=lambda name, arguments: f"{name}({', '.join(arguments)})" if arguments else name,
    choice=lambda then, condition, otherwise, _: f"{then} if {condition}, else {otherwise}",
)


def latex_dialect(number: Callable[[int], str] = plain_number) -> Dialect:
    """Return the LaTeX dialect with a language's way of writing numbers; of words it has none to translate."""
    return Dialect(
        symbol=_latex_symbol,
        number=number,
        signs={
            **{sign: sign for sign in ("+", "-", "<", ">")},
            **{"*": r"\cdot", "%": r"\bmod", "sum": r"\sum", "<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"},
            **{"and": r"\land", "or": r"\lor", "not": r"\neg", "None": r"\varnothing"},
            **{"True": r"\top", "False": r"\bot"},
        },
        group=lambda inner: rf"\left({inner}\right)",
        power=lambda base, exponent: f"{base}^{{{exponent}}}",
        in_fraction=(CHOICE, CHOICE),
        quotient=lambda a, b: rf"\frac{{{a}}}{{{b}}}",
        floor=lambda a, b: rf"\left\lfloor \frac{{{a}}}{{{b}}} \right\rfloor",
        ceiling=lambda a, b: rf"\left\lceil \frac{{{a}}}{{{b}}} \right\rceil",
        call=lambda name, arguments: rf"\{name}\left({', '.join(arguments)}\right)",
        named=lambda name, arguments: (
            _latex_name(name) + (rf"\left({', '.join(arguments)}\right)" if arguments else "")
        ),
        choice=lambda then, condition, otherwise, opposite: (
            rf"\begin{{cases}} {then} & {condition} \\ {otherwise} & {opposite} \end{{cases}}"
        ),
    )


def _latex_symbol(symbol: str) -> str:
    letter, _, subscript = symbol.partition("_")
    return _in_roman(letter) + (f"_{{{_in_roman(subscript)}}}" if subscript else "")


def _latex_name(name: str) -> str:
    return _in_roman(name.replace("_", r"\_"))


def _in_roman(name: str) -> str:
    return name if len(name) == 1 else rf"\mathrm{{{name}}}"
