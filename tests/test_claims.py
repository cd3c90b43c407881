"""Claims and their verdicts: the rule, on numbers chosen for it, and on what the project computes."""

import importlib
import re
from fractions import Fraction
from pathlib import Path

import pytest

from figures_src.words import Words
from kvlab import catalog
from kvlab.catalog import claims
from kvlab.catalog.claims import Claim
from kvlab.errors import KvlabError

ROOT = Path(__file__).parents[1]

# What the reasons on the page are written for. Where a number changes, its reason must be read again.
VERDICTS = {
    "later-changes-nothing": "holds",
    "same-text": "holds",
    "half-precision": "holds",
    "opt-token": "rounded",
    "seven-billion": "rounded",
    "dense-waste": "rounded",
    "device-gigabytes": "depends",
    "mistral-four-times": "depends",
    "one-byte-halves": "depends",
    "cache-exceeds-weights": "depends",
    "half-of-n": "depends",
    "prefill-p-decodes": "depends",
    "prefill-compute-bound": "depends",
    "decode-reads-cache": "depends",
    "batch-compute-bound": "depends",
    "kv-of-one-token": "depends",
    "bit-identical": "depends",
}


@pytest.fixture
def claim(monkeypatch):
    def make(*claimed, compare="equal", parts="all"):
        monkeypatch.setattr(claims, "claims", lambda: {"it": Claim("it", claimed, compare, parts)})
        return "it"

    return make


@pytest.fixture(scope="module")
def judged(site):
    """The claims of the page; the build of the site has kept what their runs gave."""
    return importlib.import_module("figures_src.pages.reference_checked_claims").claimed.judged


@pytest.mark.parametrize(
    ("computed", "verdict"),
    [(100, "holds"), (96, "rounded"), (105, "rounded"), (95, "false"), (106, "false"), (100.0, "holds"), (0, "false")],
)
def test_a_number_holds_or_misses_what_is_computed_by_a_twentieth_of_it_or_does_not_hold(claim, computed, verdict):
    # 5 % of 96 is 4.8 and of 105 is 5.25; of 95 it is 4.75, and 106 is missed by 6.
    assert claims.part_verdict(claim("100"), 0, computed) == verdict


def test_the_twentieth_is_exact_at_its_edge(claim):
    assert claims.part_verdict(claim("105"), 0, 100) == "rounded"
    assert claims.part_verdict(claim("105.001"), 0, 100) == "false"


@pytest.mark.parametrize(
    ("compare", "below", "at", "above"),
    [("at least", "false", "holds", "holds"), ("at most", "holds", "holds", "false")],
)
def test_a_bound_holds_where_it_is_kept_and_is_never_rounded(claim, compare, below, at, above):
    name = claim("50 %", compare=compare)
    assert [claims.part_verdict(name, 0, share) for share in (0.49, 0.5, 0.51)] == [below, at, above]


def test_a_word_holds_where_it_is_the_one_that_comes_out(claim):
    name = claim("heals", compare="same word")
    assert [claims.part_verdict(name, 0, word) for word in ("heals", "worsens")] == ["holds", "false"]


@pytest.mark.parametrize(
    ("written", "number"),
    [("0.5 MB", 500_000), ("400 KiB", 409_600), ("2 GB", 2 * 10**9), ("7", 7), ("2.5 MiB", 5 * 2**19)],
)
def test_a_size_is_read_in_bytes_in_the_unit_in_which_it_is_said(claim, written, number):
    said = claims.claimed(claim(written), 0)
    assert said == number
    assert isinstance(said, int)
    assert claims.claimed(claim("23.2 %"), 0) == 0.232


@pytest.mark.parametrize("written", ["much", "12 parsecs", "1,000", "-3", "1e6", ""])
def test_what_is_no_number_with_a_known_unit_is_refused(claim, written):
    with pytest.raises(KvlabError, match="is not a number with a known unit"):
        claims.claimed(claim(written), 0)


@pytest.mark.parametrize(
    ("computed", "of_all", "of_cases"),
    [
        ([7, 7], "holds", "holds"),
        ([7, 7.1], "rounded", "rounded"),
        ([7, 11], "false", "depends"),
        ([7.1, 11], "false", "depends"),
        ([13, 11], "false", "false"),
    ],
)
def test_all_parts_must_hold_and_of_cases_some_make_it_depend(claim, computed, of_all, of_cases):
    assert claims.verdict(claim("7"), computed) == of_all
    assert claims.verdict(claim("7", parts="cases"), computed) == of_cases


def test_a_claim_of_several_numbers_is_compared_part_by_part(claim):
    assert claims.verdict(claim("2", "3"), [2, 3]) == "holds"
    assert claims.verdict(claim("2", "3"), [3, 2]) == "false"


def test_answers_that_are_not_as_many_as_the_parts_or_of_another_kind_are_refused(claim):
    for computed in ([2], [2, 3, 5]):
        with pytest.raises(KvlabError, match=f"'it' says 2 things, and {len(computed)} are computed"):
            claims.verdict(claim("2", "3"), computed)
    with pytest.raises(KvlabError, match="0 are computed"):
        claims.verdict(claim("2"), [])
    with pytest.raises(KvlabError, match="cannot be compared with 'memory'"):
        claims.part_verdict(claim("2"), 0, "memory")
    with pytest.raises(KvlabError, match="cannot be compared with 2"):
        claims.part_verdict(claim("memory", compare="same word"), 0, 2)
    with pytest.raises(KvlabError, match="unknown claim 'other'"):
        claims.verdict("other", [1])


def test_a_power_is_what_doubling_shows():
    for power in (0, 1, 2, 3):
        assert claims.exponent(7**power, 14**power) == pytest.approx(power)
    for counts in ((0, 3), (3, 0), (-2, -4)):
        with pytest.raises(KvlabError, match="nothing grows"):
            claims.exponent(*counts)


def test_verdicts_are_counted():
    assert claims.tally(["holds", "false", "holds"], "holds") == 2
    assert claims.tally([], "holds") == 0
    assert claims.rounding() == float(Fraction(1, 20))


def test_every_claim_of_the_data_is_judged_once_in_its_order_and_has_a_comparison_that_is_known(judged):
    assert [one.name for one in judged] == list(claims.claims())
    for one in claims.claims().values():
        assert one.compare in ("equal", "at least", "at most", "same word")
        assert one.parts in ("all", "cases")


def test_the_claim_about_a_devices_name_is_looked_at_in_every_device_of_the_catalog(judged):
    [claim] = [one for one in judged if one.name == "device-gigabytes"]
    devices = catalog.accelerators()
    assert list(claims.claims()["device-gigabytes"].claimed) == [device.marketed for device in devices]
    assert [part.computed.result for part in claim.parts] == [device.memory_bytes for device in devices]
    named = [Words("en")(f"claims.part.device-gigabytes-{nth + 1}") for nth in range(len(devices))]
    assert named == [device.name for device in devices]


def test_the_verdicts_are_those_that_the_reasons_are_written_for(judged):
    assert len(judged) >= 26
    assert {one.name: one.verdict.result for one in judged if one.verdict.result != "false"} == VERDICTS


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_heading_of_a_claim_is_its_name_in_the_table_of_all_and_its_own_table_stands_below(judged, language):
    folder = ROOT / f"docs/{language}/reference"
    pages = "".join((folder / f"checked-claims{part}.md").read_text(encoding="utf-8") for part in ("", "-work"))
    headings = re.findall(r"^### (.*) \{ #([\w-]+) \}\n\n\[\[table (\w+)\]\]$", pages, re.MULTILINE)
    names = {one.name: Words(language)(f"claims.name.{one.name}") for one in judged}
    assert [(title, id) for title, id, _ in headings] == [(title, id) for id, title in names.items()]
    assert [table for _, _, table in headings] == [id.replace("-", "_") for id in names]


def test_the_table_of_all_shows_of_each_claim_the_first_part_that_does_not_hold(judged):
    page = importlib.import_module("figures_src.pages.reference_checked_claims").page
    rows = {row[0]: row[1:] for row in page.tables["summary"](Words("en"))}
    assert len(rows) == len(judged)
    verdict, claimed, computed = rows["[Half a megabyte a token, two gigabytes a context](#binary-as-decimal)"]
    assert (verdict.word, claimed.value.result, computed.value.result) == ("does not hold", 2 * 10**9, 2**31)
    assert computed.format == "GB"
    assert "[Attention is quadratic, with a cache and without](checked-claims-work.md#attention-quadratic)" in rows
    verdict, claimed, computed = rows["[Mistral-7B saves four times](#mistral-four-times)"]
    assert (verdict.word, claimed.value.result, computed.value.result) == ("depends", 4, 8)


def test_a_claims_own_table_has_a_row_for_each_part_with_its_numbers_in_the_pages_language(site):
    page = importlib.import_module("figures_src.pages.reference_checked_claims").page
    rows = page.tables["weights_and_cache"](Words("es"))
    assert [row[0] for row in rows] == [
        "una secuencia, 4096 tokens",
        "16 secuencias, 4096 tokens",
        "una secuencia, 131\u202f072 tokens",
        "en conjunto",
    ]
    assert [row[-1].word for row in rows] == [
        "no se sostiene",
        "se sostiene con redondeo",
        "se sostiene con redondeo",
        "no se sostiene",
    ]
    [only] = page.tables["l1_many_times"](Words("en"))
    assert (only[1].value.result, only[2].value.result, only[3].word) == (32, 0.25, "does not hold")
