"""The faces of a formula, read from the plain Python function that is its only definition.

A formula is a function whose body is one expression, or conditions that lead to one of several. Its syntax tree gives
the text, the LaTeX, the line with numbers put in, and the JavaScript that computes it.
"""

from kvlab.formula.dialects import SYMBOLS, TEXT, Dialect, latex_dialect
from kvlab.formula.language import Formula
from kvlab.formula.script import javascript
from kvlab.formula.writing import latex, text, with_numbers, write, write_ratio

__all__ = [
    "SYMBOLS",
    "TEXT",
    "Dialect",
    "Formula",
    "javascript",
    "latex",
    "latex_dialect",
    "text",
    "with_numbers",
    "write",
    "write_ratio",
]
