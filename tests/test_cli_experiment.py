"""Protects the command that runs the site's experiments again: what it prints, and by which exit code it differs."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from command_line import as_json, kvlab, refused

from kvlab.cli.experiment import EXPERIMENTS, experiment
from kvlab.experiments import cache_correctness

NAMES = ("cache-sizing", "kv-cost", "cache-correctness", "yesterday-worked")
ROOT = Path(__file__).parents[1]


def test_an_unknown_experiment_and_none_are_refused_with_the_four_that_there_are():
    for arguments in (["experiment", "cache-cost"], ["experiment"], ["experiment", "cache-cost", "--json"]):
        assert ", ".join(NAMES) in refused(*arguments)
    assert tuple(EXPERIMENTS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_line_in_the_readme(name):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(rf"^    \.venv/bin/kvlab experiment {name} +# \S", readme, re.MULTILINE)) == 1


def test_cache_sizing_prints_six_models_and_two_problems_turned_around():
    found = as_json("experiment", "cache-sizing")
    assert found["experiment"] == "cache-sizing"
    assert len(found["forward"]) == 6
    llama = next(row for row in found["forward"] if row["model"] == "Llama-2-7B")
    assert llama["token_bytes"] == 2**19
    assert llama["context_bytes"] == {"4096": 2**31, "32768": 2**34}
    assert llama["hypothetical"] == [32768]
    assert found["backward"]["tokens"]["found"][0]["tokens"] == {"1": 53248, "8": 6656}
    assert {(one["dtype"], one["devices"]) for one in found["backward"]["devices"]["found"]} == {
        ("fp16", 5),
        ("int8", 3),
    }
    card = kvlab("experiment", "cache-sizing").stdout
    for shown in ("2.15 GB (2 GiB)", "17.18 GB (16 GiB) *", "53,248", "47,621", "56,214", "int8        3"):
        assert shown in card


def test_yesterday_worked_prints_the_slot_of_i_and_the_attention():
    found = as_json("experiment", "yesterday-worked")
    assert found["held_tokens"][:3] == ["Yesterday", " I", " worked"]
    assert (found["position"], found["differing_bytes"]) == (1, 0)
    assert {slot["compared_bytes"] for slot in found["slots"]} == {4 * 16 * 4}
    assert all(abs(sum(row) - 1) < 1e-5 for heads in found["attention"] for row in heads)
    card = kvlab("experiment", "yesterday-worked").stdout
    assert "0 of 7,168 B of K and V differ" in card
    assert card.count("0 of 256 B differ") == 4


def run(*arguments):
    """Run the command in this process."""
    done = CliRunner().invoke(experiment, arguments)
    return done.exit_code, done.stdout


def test_cache_correctness_prints_both_families_and_says_by_its_exit_code_that_bytes_differ(monkeypatch):
    monkeypatch.setattr(cache_correctness, "N_PROMPTS", 2)
    monkeypatch.setattr(cache_correctness, "N_TOKENS", 3)
    code, card = run("cache-correctness")
    assert code == 0
    for model in ("MiniGPT", "demo"):
        assert f"{model}: identical to the last bit" in card
        # Whole, however narrow the terminal is.
        assert cache_correctness.ids_sha256(2, 3, model) in "".join(re.findall(r"(?<= )[0-9a-f]{8}(?= )", card))
    whole = cache_correctness.summary
    monkeypatch.setattr(cache_correctness, "summary", lambda model: whole(model) | {"differing_kv_entries": 1})
    code, card = run("cache-correctness")
    assert (code, "NOT identical" in card) == (1, True)
    code, printed = run("cache-correctness", "--json")
    assert (code, printed.count("ids_sha256")) == (1, 2)


@pytest.mark.parametrize("of", ["differing_bytes", "attention_differing_bytes"])
def test_yesterday_worked_says_by_its_exit_code_that_a_byte_differs(monkeypatch, of):
    honest = EXPERIMENTS["yesterday-worked"]
    assert run("yesterday-worked")[0] == 0
    wrong = honest._replace(run=lambda: honest.run() | {of: 1})
    monkeypatch.setitem(EXPERIMENTS, "yesterday-worked", wrong)
    assert run("yesterday-worked")[0] == 1


def test_kv_cost_shows_each_point_beside_the_formula_and_which_the_fit_has_seen():
    curve = {"contexts": [16, 32], "held_out": [False, True], "held_out_error": 0.05, "noise": 0.01}
    seconds = curve | {"measured_seconds": [1e-4, 2e-4], "predicted_seconds": [1.1e-4, 2.1e-4]}
    memory = curve | {"measured_bytes": [16400.0, 33000.0], "predicted_bytes": [16384.0, 32768.0]}
    measured = {"memory": memory, "cached": seconds, "machine": {"processor": "any"}}
    done = CliRunner()
    with done.isolation() as streams:
        EXPERIMENTS["kv-cost"].show(measured)
        card = streams[0].getvalue().decode()
    for shown in ("16,400 B, formula 16,384, fitted", "200 µs, formula 210 ", "5.0%", "noise"):
        assert shown in card
    assert "processor" not in card
