"""From a face of a formula back to its number, by routes that share nothing with the writer."""

import re
from fractions import Fraction
from math import ceil, floor

from kvlab import formula
from kvlab.formula.reading import read
from kvlab.formula.types import is_record

PYTHON = {"·": "*", "−": "-", "≤": "<=", "≥": ">=", "≠": "!=", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")"}
PYTHON |= {"∅": "None", "⊤": "True", "⊥": "False"}


def as_python(text):
    """Turn text back into Python, of fractions. No parentheses are added: the text must have its own."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text).replace(", else", " else")
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "**" + "".join(str("⁰¹²³⁴⁵⁶⁷⁸⁹".index(c)) for c in m[0]), text)
    for sign, python in PYTHON.items():
        text = text.replace(sign, python)
    return of_fractions(text.replace(" = ", " == ").replace(" mod ", " % "))


def latex_as_python(latex):
    """Turn LaTeX back into Python."""
    latex = re.sub(r"(?<=\d),(?=\d{3})", "", latex)
    latex = re.sub(r"\\mathrm\{(\w+)\}", r"\1", latex)
    latex = re.sub(r"_\{(\w+)\}", r"_\1", latex)
    latex = re.sub(r"\^\{(\d+)\}", r"**\1", latex)
    for written, python in {
        r"\left\lfloor": " floor(",
        r"\left\lceil": " ceil(",
        r"\right\rfloor": ")",
        r"\right\rceil": ")",
        r"\left(": "(",
        r"\right)": ")",
        r"\cdot": "*",
        r"\bmod": "%",
        r"\min": "min",
        r"\max": "max",
        r"\land": "and",
        r"\lor": "or",
        r"\neg": "not",
        r"\le ": "<= ",
        r"\ge ": ">= ",
        r"\ne ": "!= ",
        r"\varnothing": "None",
        r"\top": "True",
        r"\bot": "False",
        " = ": " == ",
        r"\begin{cases}": "(",
        r"\end{cases}": "else None)",
        r"\\": " else ",
        "&": " if ",
        r"\frac{": "((",
        "}{": ") / (",
        "}": "))",
    }.items():
        latex = latex.replace(written, python)
    return of_fractions(latex.strip())


def of_fractions(python):
    return re.sub(r"\b\d+\b", r"Fraction(\g<0>)", python)


def evaluated(python, symbols=()):
    """Return what Python makes of it: with whole fractions there is no rounding, and a slash divides."""
    functions = {"floor": lambda x: Fraction(floor(x)), "ceil": lambda x: Fraction(ceil(x))}
    return eval(python, {"Fraction": Fraction, "min": min, "max": max, **functions, **dict(symbols)})


def symbols_of(function, arguments):
    """Return the value of each symbol that may stand in the formula: of arguments, and of the fields of records."""
    records = [arguments[name] for name, kind in read(function).parameters.items() if is_record(kind)]
    quantities = {name: value for record in records for name, value in vars(record).items()} | arguments
    known = {formula.SYMBOLS[name]: value for name, value in quantities.items() if name in formula.SYMBOLS}
    return {symbol: Fraction(value) if type(value) is int else value for symbol, value in known.items()}
