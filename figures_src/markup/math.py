"""LaTeX to MathML at build: no script in the page, and bad LaTeX fails the build."""

from __future__ import annotations

import re
from functools import cache

import math_core

from figures_src.errors import BookError

# A number comes as text (see `numbers.to_latex`), and is a number to whoever reads it aloud or searches for it.
_NUMBER = re.compile(r"<mtext>([\u2212\d][\d.,\u202f]*%?)</mtext>")


_BETWEEN = re.compile(r"\\left\b|\\right\b|[{}]| (?=[+-] )")


def in_lines(latex: str) -> str:
    """Return a sum with a line for each of its terms, and anything else as it is."""
    depth, lines = 0, [""]
    for piece in re.split(f"({_BETWEEN.pattern})", latex):
        depth += {"{": 1, r"\left": 1, "}": -1, r"\right": -1}.get(piece, 0)
        if piece == " " and depth == 0:
            lines.append("")
        else:
            lines[-1] += piece
    if len(lines) == 1:
        return latex
    # Behind nothing, a sign would be that of a number, and stand closer.
    return r"\begin{aligned} & " + r" \\ & {} ".join(lines) + r" \end{aligned}"


@cache
def _converter() -> math_core.LatexToMathML:
    return math_core.LatexToMathML(fancy_error=False)


@cache
def to_mathml(latex: str, display: bool) -> str:
    """Return a formula as a `<math>` element. Raises `BookError` with the LaTeX and what is wrong in it."""
    try:
        mathml = str(_converter().convert_with_local_state(latex, displaystyle=display))
    except math_core.LatexError as error:
        reason = " ".join(str(error).split())
        raise BookError(f"bad LaTeX “{latex}”: {reason}") from None
    return _NUMBER.sub(r"<mn>\1</mn>", mathml)
