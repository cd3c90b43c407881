"""Lab 01: right caches pass however they are written, and each classic bug is named however it is written.

Slow: a cache that hangs uses up its three seconds of the processor.
"""

import ast
import builtins
import json
from collections import defaultdict
from types import ModuleType

import lab_01_cases as written
import pytest

from kvlab import labs
from kvlab.errors import KvlabError
from kvlab.labs import sandbox
from kvlab.labs.lab import Finding
from kvlab.labs.lab_01 import checker, probe, walkthrough
from kvlab.labs.words import Words

# What the issue of the lab names; each is there in three differently written caches.
CLASSIC = {
    "slot_too_high",
    "slot_too_low",
    "length_per_layer",
    "float64",
    "float16",
    "keeps_callers_arrays",
    "returned_arrays_change",
    "layers_share_memory",
    "caches_share_memory",
    "batch_axes_swapped",
    "k_and_v_exchanged",
    "full_buffer",
    "position_off_by_one",
    "no_capacity_error",
}

CASES = defaultdict(list)
for bug, base, text in written.cases():
    CASES[bug].append((base, text))


def judged(text, trouble=None):
    """Return the result of a file's text, observed in this process, as it would come through the sandbox."""
    solution = ModuleType("solution")
    exec(text, solution.__dict__)
    said = {}
    probe.observe(solution, said.__setitem__)
    return checker.judge(json.loads(json.dumps(said)), trouble)


def names(result):
    return [one.name for one in result.diagnosis]


@pytest.fixture
def without_minigpt(monkeypatch):
    """The model takes most of the time, and the rules do not ask it."""
    monkeypatch.setattr(probe, "compare_in_minigpt", lambda made: {})


@pytest.mark.parametrize("base", written.BASES)
def test_a_right_cache_passes_every_check_and_runs_in_the_minigpt(base):
    result = judged(written.BASES[base])
    assert (result.failed, result.diagnosis) == ((), ())
    assert result.passed == checker.CHECKS


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_solution_passes_and_nothing_looks_like_a_bug(language, without_minigpt):
    solution = ModuleType("solution")
    exec(labs.solution("01", language), solution.__dict__)
    said = {}
    probe.observe(solution, said.__setitem__)
    assert checker.judge(said).failed == ()
    assert list(checker._diagnosis(said)) == []


def test_the_solution_passes_in_the_sandbox():
    assert checker.checks_passed_by_solution() == checker.number_of_checks() == len(checker.CHECKS)


@pytest.mark.parametrize("bug", CASES)
def test_a_bug_is_named_however_the_cache_is_written(bug, without_minigpt):
    for base, text in CASES[bug]:
        result = judged(text)
        assert names(result) == [bug], (base, text)
        assert result.failed, (base, text)
        assert result.diagnosis[0].sentence(Words("es"))


def test_each_classic_bug_is_there_in_three_ways():
    assert {bug: {base for base, _ in CASES[bug]} for bug in CLASSIC} == {bug: set(written.BASES) for bug in CLASSIC}


def test_no_name_of_the_solution_is_in_the_caches():
    def used(text):
        nodes = list(ast.walk(ast.parse(text)))
        found = {node.id for node in nodes if isinstance(node, ast.Name)}
        found |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        found |= {node.arg for node in nodes if isinstance(node, ast.arg)}
        return found | {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)}

    shared = {"__init__", "length", "update", "self", "_", "np", "numpy", "zeros", "float32", "shape", *dir(builtins)}
    solution = used(labs.solution("01")) - shared
    assert len(solution) > 10
    for text in written.BASES.values():
        assert used(text) & solution == set()


def test_a_bug_of_long_texts_alone_is_seen_in_the_minigpt_and_is_unknown():
    late = written.source("dicts", [["pairs = [", "pairs = [page[0]] * end if end > 30 else ["]])
    result = judged(late)
    assert result.failed == ("minigpt",)
    assert [one.key for one in result.diagnosis] == ["lab_01.minigpt.unknown"]
    sentence = result.diagnosis[0].sentence(Words("en"))
    assert "no classic bug" in sentence
    assert "K of step" in sentence


def test_what_raises_in_the_minigpt_alone_is_said():
    late = written.source(
        "dicts", [["begin = self.count", "begin = self.count\n        assert begin < 30, 'too long'"]]
    )
    assert names(judged(late)) == ["raised_in_minigpt"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["no_class"]),
        ("class Cache:\n    length = 0", ["no_class"]),
        (labs.starter("01"), ["not_written"]),
        ("class C:\n    def __init__(self, *a): pass\n    length = 0\n    def update(self, *a): return 1", ["raised"]),
        ("class C:\n    def __init__(self): pass\n    length = 0\n    def update(self, *a): pass", ["raised"]),
        ("class C:\n    def __init__(self, *a): pass\n    length = 0\n    def update(self, n, k, v): return k, 'v'", 1),
    ],
)
def test_what_is_no_cache_yet_is_said(text, found, without_minigpt):
    result = judged(text)
    assert result.failed
    assert len(result.diagnosis) == 1 if found == 1 else names(result) == found


def test_two_bugs_of_different_kinds_are_both_named(without_minigpt):
    text = written.source("array", [[", dtype=np.float32", ""], ["if last > self.room:", "if False:"]])
    assert names(judged(text)) == ["float64", "no_capacity_error"]
    text = written.source(
        "array", [["dtype=np.float32", "dtype=np.float16"], ["self.n = last", "self.n = last + (first == 0)"]]
    )
    assert names(judged(text)) == ["float16", "slot_too_high"]


def test_a_trouble_of_the_sandbox_comes_first_and_what_was_not_seen_fails():
    trouble = Finding("common.trouble.processor", {"seconds": 20})
    result = checker.judge({"class": "MyCache"}, trouble)
    assert result.failed == checker.CHECKS
    assert result.diagnosis == (trouble,)


@pytest.mark.slow
def test_a_cache_that_hangs_late_keeps_what_passed_before(tmp_path, monkeypatch):
    path = tmp_path / "cache.py"
    path.write_text(written.source("array", [["first = self.n\n", "first = self.n\n        while first > 14: pass\n"]]))
    run = sandbox.run
    monkeypatch.setattr(sandbox, "run", lambda observer, file: run(observer, file, sandbox.Limits(3)))
    result = checker.check(path)
    assert names(result)[0] == "processor"
    assert {"runs", "shapes", "order", "float32", "length"} <= set(result.passed)
    assert "minigpt" in result.failed


# On paper


def test_which_token_each_slot_holds_is_what_a_reader_would_draw():
    drawn = {
        "right": [0, 1, 2, 3, 4, -1, -1, -1, -1],
        "slot_too_high": [0, 1, 2, -1, 3, 4, -1, -1, -1],
        "slot_too_low": [0, 1, 3, 4, -1, -1, -1, -1, -1],
        "length_stuck": [0, 1, 2, 4, -1, -1, -1, -1, -1],
        "length_per_layer": [-1, -1, -1, 0, 1, 2, -1, 3, -1, 4],
    }
    assert set(drawn) == set(walkthrough.CACHES)
    for name, slots in drawn.items():
        assert walkthrough.slots_after(name, 3, 2, len(slots)) == slots
    with pytest.raises(KvlabError, match=r"unknown cache 'none'.*right"):
        walkthrough.slots_after("none", 1, 1, 4)


def test_the_walk_is_the_running_sum_of_the_passes():
    passes = [5, 1, 3, 1]
    for nth in range(4):
        before = sum(passes[:nth])
        found = [walkthrough.walked(passes, nth, what) for what in ("before", "returned", "after")]
        assert found == [before, before + passes[nth], before + passes[nth]]
