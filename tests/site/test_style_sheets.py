"""The style sheets: every ink can be read on every ground of both palettes, as arithmetic; each rule is closed."""

import re
from pathlib import Path

import pytest

ASSETS = Path(__file__).parents[2] / "figures_src" / "theme" / "overrides" / "assets"
SHEETS = sorted(ASSETS.glob("*.css"))
INKS = {"ink", "muted", "link", "accent", "string", "number", "function"}
GROUNDS = {"paper", "raised"}
LINES = {"rule"}  # between things, never letters
LEAST = 4.5  # the ratio that WCAG 2.2 asks for text of any size, at level AA
KEYWORDS = {"inherit", "transparent", "none", "currentcolor"}


def css(sheet: Path) -> str:
    """Return a style sheet without its comments."""
    return re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)


def palettes() -> dict[str, dict[str, str]]:
    """Return the colours by name on a screen in the light and in the dark palette, and on paper."""
    colour = r"--kv-(\w+): (#[0-9a-f]+);"
    light, dark = css(ASSETS / "palette.css").split("@media screen")
    paper = re.findall(colour, css(ASSETS / "print.css"))
    return {
        "light": dict(re.findall(colour, light)),
        "dark": dict(re.findall(colour, dark)),
        "print": dict(re.findall(colour, light)) | dict(paper),
    }


def luminance(colour: str) -> float:
    """Return the relative luminance of #rgb or #rrggbb, as WCAG 2.2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_definition() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert contrast("#ffffff", "#777777") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("palette", ["light", "dark", "print"])
def test_every_ink_can_be_read_on_every_ground(palette: str) -> None:
    colours = palettes()[palette]
    assert set(colours) == INKS | GROUNDS | LINES
    ratios = {(ink, ground): contrast(colours[ink], colours[ground]) for ink in INKS for ground in GROUNDS}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < LEAST} == {}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_letters_and_grounds_have_colours_of_the_palette_and_are_not_made_fainter(sheet: Path) -> None:
    icon = r"::(?:before|after) \{\s*background-color: var\(--kv-muted\);"  # it fills a mask, and has no letters on it
    text = re.sub(icon, "", css(sheet))
    own = {f"var(--kv-{name})" for name in INKS}
    letters = set(re.findall(r"(?<![\w-])color: ([^;]+);", text))
    grounds = set(re.findall(r"(?<![\w-])background(?:-color)?: ([^;]+);", text))
    assert letters <= own | KEYWORDS | {"var(--md-default-fg-color)"}
    assert grounds <= {f"var(--kv-{name})" for name in GROUNDS} | KEYWORDS | {"var(--md-default-bg-color)"}
    assert set(re.findall(r"opacity: ([^;]+);", text)) <= {"0", "1"}
    if sheet.name != "palette.css":
        assert re.findall(r"(?<!--kv-paper: )#[0-9a-f]{3,6}\b", text) == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_a_rule_of_a_style_sheet_is_closed_before_the_next_one_begins(sheet: Path) -> None:
    depth = 0
    for line in css(sheet).splitlines():
        assert depth == 0 or not line or line[0] in " }", line
        depth += line.count("{") - line.count("}")
    assert depth == 0
