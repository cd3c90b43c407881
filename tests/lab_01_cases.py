"""The caches of `lab_01_cases.toml`: right ones, and each classic bug in each of them."""

import tomllib
from pathlib import Path

KEPT = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
BASES = KEPT["bases"]


def source(base, replacements):
    """Return the text of a base with each replacement made; each must find its text once."""
    text = BASES[base]
    for old, new in replacements:
        assert text.count(old) == 1, (base, old)
        text = text.replace(old, new)
    return text


def cases():
    """Yield the bug, the base and the text of each case."""
    for case in KEPT["cases"]:
        yield case["bug"], case["base"], source(case["base"], case["replacements"])
