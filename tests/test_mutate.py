"""Protects the promise under change: permitted changes build, and nothing that they make false stands.

Slow: each variant is a build of the whole book, and each of its numbers is asked for in a fresh process.
"""

import tomllib
from pathlib import Path

import mutate
import pytest

ROOT = Path(__file__).parents[1]
MUTATIONS = tomllib.loads((ROOT / "tests/mutations.toml").read_text(encoding="utf-8"))


def test_there_are_mutations_of_each_kind_and_what_they_change_is_there():
    assert len(MUTATIONS) >= 20
    for mutation in MUTATIONS.values():
        assert mutation["what"]
        if "file" in mutation:
            assert mutation["old"] in (ROOT / mutation["file"]).read_text(encoding="utf-8"), mutation["what"]


@pytest.mark.slow
def test_the_book_of_another_model_has_no_false_sentence_no_traceback_and_no_number_of_the_old_one(capsys):
    assert mutate.main(["three-layers", "two-heads", "fewer-kv-heads"]) == 0
    said = capsys.readouterr().out
    assert said.count("numbers moved on") == 3
    assert "fell: " in said
