# /// script
# requires-python = ">=3.11"
# dependencies = ["brotli==1.2.1", "fonttools==4.68.0", "ziamath==0.13"]
# ///
"""Cut STIX Two Math down to the characters that formulas here can contain: `make font`, when one is missing."""

import importlib.util
import string
from pathlib import Path

from fontTools import subset

TARGET = Path(__file__).parent / "overrides/assets/fonts/stix-two-math.woff2"
# Letters upright, italic and Greek; digits; the operators, arrows and fences of the formulas.
CHARACTERS = (
    string.printable.strip()
    + "".join(map(chr, range(0x1D434, 0x1D468)))  # mathematical italic
    + "ℎ"
    + "".join(map(chr, range(0x3B1, 0x3CA)))
    + "".join(map(chr, range(0x1D6FC, 0x1D715)))  # the same, italic
    + "ΓΔΘΛΣΦΨΩ·×−±≤≥≠≈≡∞∑∏√∂∈∅¬∧∨…⋯⌈⌉⌊⌋⟨⟩→←⇒∝∘′\u00a0\u2009\u202f\u2061\u2062\u2063"
)

package = importlib.util.find_spec("ziamath")  # only its font is wanted, so it is found and not imported
assert package
assert package.origin
# Without hints for old screens, and without letters redrawn for small sizes, the file is less than half as large.
options = subset.Options(flavor="woff2", layout_features=[], hinting=False, recalc_timestamp=False, notdef_outline=True)
with subset.load_font(str(Path(package.origin).parent / "fonts/STIXTwoMath-Regular.ttf"), options) as font:
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=CHARACTERS)
    subsetter.subset(font)
    subset.save_font(font, str(TARGET), options)
