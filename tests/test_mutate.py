"""Protects the list of `make mutate`: what its mutations change is there."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
MUTATIONS = tomllib.loads((ROOT / "tests/mutations.toml").read_text(encoding="utf-8"))


def test_there_are_mutations_of_each_kind_and_what_they_change_is_there():
    assert len(MUTATIONS) >= 20
    for mutation in MUTATIONS.values():
        assert mutation["what"]
        if "file" in mutation:
            assert mutation["old"] in (ROOT / mutation["file"]).read_text(encoding="utf-8"), mutation["what"]
