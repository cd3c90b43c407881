"""The page of the usual first errors has every mistake that `diagnose` knows, and says the same of each."""

import re
from pathlib import Path

import pytest

from figures_src.pages.solutions_00_first_errors import CASES, section
from kvlab.catalog import mistakes
from kvlab.errors import KvlabError

PAGE = Path(__file__).parents[1] / "docs/en/solutions/00-first-errors.md"


def test_every_mistake_that_is_diagnosed_has_a_case_and_a_section():
    assert set(CASES) == set(mistakes.SENTENCES)
    ids = re.findall(r"^### .*\{ #([\w-]+) \}$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted({section(mistake) for mistake in CASES}) == sorted(ids)


@pytest.mark.parametrize("mistake", [mistake for mistake in CASES if mistake != "units"])
def test_what_a_mistake_gives_in_its_case_is_diagnosed_as_that_mistake(mistake):
    case = CASES[mistake]
    found = mistakes.explanations(
        case.model, str(case.wrong.result), case.context.result, getattr(case.batch, "result", 1), case.dtype
    )
    assert mistake in found.split()


def test_a_right_figure_has_no_explanation_and_one_that_fits_nothing_has_none_either():
    assert mistakes.explanations("Llama-2-7B", "2 GiB", 4096, 1, "fp16") == ""
    assert mistakes.explanations("Llama-2-7B", "3 GiB", 4096, 1, "fp16") == ""
    assert mistakes.explanations("Llama-2-70B", "10 GiB", 4096, 1, "fp16") == "query_heads bits"
    with pytest.raises(KvlabError, match="'ten' is not a number"):
        mistakes.explanations("Llama-2-7B", "ten", 4096, 1, "fp16")
