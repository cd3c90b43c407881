"""LaTeX to MathML at build: no script in the page, and bad LaTeX fails the build."""

from __future__ import annotations

from functools import cache

import math_core

from figures_src.errors import BookError


@cache
def _converter() -> math_core.LatexToMathML:
    return math_core.LatexToMathML(fancy_error=False)


@cache
def to_mathml(latex: str, display: bool) -> str:
    """Return a formula as a `<math>` element. Raises `BookError` with the LaTeX and what is wrong in it."""
    try:
        return str(_converter().convert_with_local_state(latex, displaystyle=display))
    except math_core.LatexError as error:
        reason = " ".join(str(error).split())
        raise BookError(f"bad LaTeX {latex!r}: {reason}") from None
