"""The font of the formulas: STIX Two Math (OFL), cut down to the characters that formulas here can contain."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import string
from pathlib import Path

from figures_src import store

# Letters upright, italic and Greek; digits; the operators, arrows and fences of the formulas.
CHARACTERS = (
    string.printable.strip()
    + "".join(map(chr, range(0x1D434, 0x1D468)))  # mathematical italic
    + "ℎ"
    + "".join(map(chr, range(0x3B1, 0x3CA)))
    + "".join(map(chr, range(0x1D6FC, 0x1D715)))  # the same, italic
    + "ΓΔΘΛΣΦΨΩ·×−±≤≥≠≈≡∞∑∏√∂∈∅¬∧∨…⋯⌈⌉⌊⌋⟨⟩→←⇒∝∘′\u00a0\u2009\u202f\u2061\u2062\u2063"
)


def woff2() -> bytes:
    """Return the subset as WOFF2, MATH table included; the same bytes each time."""
    # Only its font is wanted, so the package is found and not imported.
    package = importlib.util.find_spec("ziamath")
    assert package is not None, "ziamath is in requirements.lock"
    source = Path(package.origin or "").parent / "fonts" / "STIXTwoMath-Regular.ttf"
    key = store.key_of(CHARACTERS, hashlib.sha256(source.read_bytes()).hexdigest(), store.sources_of(__name__))
    # The store keeps text.
    return base64.b64decode(store.keep("font", key, lambda: base64.b64encode(_cut(source)).decode()))


def _cut(source: Path) -> bytes:
    from fontTools import subset  # only where the font is not kept: it is slow to load

    # Without hints for old screens, and without letters redrawn for small sizes, the file is less than half as large.
    options = subset.Options(
        flavor="woff2", layout_features=[], hinting=False, recalc_timestamp=False, notdef_outline=True
    )
    with subset.load_font(str(source), options) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text=CHARACTERS)
        subsetter.subset(font)
        buffer = io.BytesIO()
        subset.save_font(font, buffer, options)
    return buffer.getvalue()
