"""Lab 02: the checker of the reader's test, and the caches on which that has to fail.

Slow: the solution whole, fifty prompts of sixty-four tokens, each step recomputed, and every broken cache with
each of three weakened tests.
"""

import ast
import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from kvlab.cache import DenseCache
from kvlab.cache.broken import BUGS
from kvlab.cli import cli
from kvlab.decoding.degradation import first_difference
from kvlab.errors import KvlabError
from kvlab.experiments.minigpt import held_out_texts, minigpt
from kvlab.labs import solution, starter
from kvlab.labs.lab_02 import checker
from kvlab.labs.lab_02.broken import BROKEN, LATE, LONG
from kvlab.labs.lab_02.checker import CHECKS, Limits, check, judged
from kvlab.labs.lab_02.weakened import DIFFER, WEAKENED, gets_past, how_many_get_past
from kvlab.labs.sandbox import Outcome
from kvlab.labs.words import LANGUAGES, Words

HEAD = """
import numpy as np
from kvlab.cache import DenseCache
from kvlab.experiments.minigpt import minigpt
from kvlab.decoding.generation import recompute
MODEL = minigpt()
"""
# One sequence, tokens compared; run far enough, but behind two prompts that differ in nothing but their first token.
OF_TOKENS = (
    HEAD
    + """
def test_with_equals_without(make_cache):
    for first in (7, 11):
        ids, cache = [first, 5, 3], make_cache(MODEL.architecture)
        new = ids
        for _ in range(20):
            logits = MODEL.logits(MODEL.forward(np.array([new]), cache)[0, -1])
            assert logits.argmax() == recompute(MODEL, ids)[0].argmax()
            new = [int(logits.argmax())]
            ids = ids + new
"""
)
RIGHT = {"there": True, "verdict": {"verdict": "passes"}, "caches": 4, "tokens": [64] * 50}
FOUND = dict.fromkeys(BROKEN, "fails")


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "my_test.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def findings(result):
    return [finding.name for finding in result.diagnosis]


# What is said of a test, without a process.


def test_a_test_that_turns_down_every_broken_cache_and_not_the_right_one_passes_whole():
    result = judged(Outcome(RIGHT), Outcome(FOUND))
    assert result.passed == CHECKS
    assert result.failed == result.diagnosis == ()


def test_a_test_that_passes_on_a_broken_cache_is_told_which():
    result = judged(Outcome(RIGHT), Outcome(FOUND | {"last_bit": "passes", "rows_swapped": "returns"}))
    assert result.failed == ("rows_swapped", "last_bit")
    assert findings(result) == ["rows_swapped", "last_bit"]


def test_an_exception_of_another_kind_on_a_broken_cache_is_a_catch():
    assert judged(Outcome(RIGHT), Outcome(FOUND | {"last_bit": "raises"})).failed == ()


@pytest.mark.parametrize(
    ("said", "passed", "name"),
    [
        ({"there": False}, (), "no_test"),
        ({"verdict": {"verdict": "fails", "error": "AssertionError", "line": 9}}, ("there",), "fails"),
        ({"verdict": {"verdict": "raises", "error": "IndexError", "line": 9}}, ("there",), "raises"),
        ({"verdict": {"verdict": "returns", "kind": "bool"}}, ("there",), "returns"),
        ({"caches": 0, "tokens": []}, ("there",), "not_asked"),
    ],
)
def test_a_test_that_is_no_judge_of_the_right_cache_is_told_that_and_no_more(said, passed, name):
    result = judged(Outcome(RIGHT | said), Outcome(FOUND))
    assert result.passed == passed
    assert findings(result) == [name]


@pytest.mark.parametrize("tokens", [[], [64] * 49, [64] * 49 + [63], [8] * 50])
def test_fewer_prompts_or_shorter_runs_are_counted_and_said(tokens):
    result = judged(Outcome(RIGHT | {"tokens": tokens}), Outcome(FOUND))
    assert result.failed == ("size",)
    [finding] = result.diagnosis
    assert finding.given["complete"] == sum(n == 64 for n in tokens)
    assert finding.given["most"] == max(tokens, default=0)


def test_trouble_among_the_broken_caches_leaves_what_was_seen_before_it():
    trouble = checker.Finding("common.trouble.time", {"seconds": 7})
    result = judged(Outcome(RIGHT), Outcome({"slot_too_far": "fails", "slot_overwritten": "passes"}, trouble))
    assert set(result.passed) == {"there", "right", "size", "slot_too_far"}
    assert findings(result) == ["time", "slot_overwritten"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_check_and_each_finding_has_a_sentence(language):
    words = Words(language)
    for name in CHECKS:
        assert words(f"lab_02.checks.{name}")
    for name in BROKEN:
        assert words(f"lab_02.passes.{name}").endswith(".")
    for said in ({"there": False}, {"caches": 0}, {"tokens": []}):
        for finding in judged(Outcome(RIGHT | said), Outcome(FOUND)).diagnosis:
            assert "{" not in finding.sentence(words)
    for verdict in ({"verdict": "fails", "error": "E", "line": 9}, {"verdict": "returns", "kind": "bool"}):
        [finding] = judged(Outcome(RIGHT | {"verdict": verdict}), Outcome()).diagnosis
        assert "{" not in finding.sentence(words)


# Real files, in the sandbox.


def test_the_solution_with_few_prompts_fails_only_what_takes_more(written):
    few = solution("02").replace("sample_prompts(50)", "sample_prompts(4)")
    assert check(written(few)).failed == ("size", "long_prompts_overwritten")


@pytest.mark.slow
def test_the_solution_passes_whole(tmp_path, written):
    result = CliRunner().invoke(
        cli,
        ["lab", "check", "02", str(written(solution("02"))), "--json"],
        env={"KVLAB_PROGRESS": str(tmp_path / "progress")},
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"passed": list(CHECKS), "failed": [], "diagnosis": []}


def test_a_test_of_tokens_in_single_sequences_is_told_what_it_lets_pass(written):
    result = check(written(OF_TOKENS))
    assert result.passed[:2] == ("there", "right")
    assert {"size", "ring_too_small", "rows_swapped", "last_bit", "late_bit", "last_row_of_another"} <= set(
        result.failed
    )
    assert {"slot_too_far", "length_stuck"} <= set(result.passed)
    assert findings(result) == list(result.failed)  # the size first, and then the broken ones in their order


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_starter_makes_no_cache_and_is_told_so(written, language):
    result = check(written(starter("02", language)))
    assert result.passed == ("there",)
    assert findings(result) == ["not_asked"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("def test_with_equals_without(make_cache):\n    assert False, 'never'\n", "fails"),
        ("def test_with_equals_without(make_cache):\n    return True\n", "returns"),
        ("def test_with_equals_without(make_cache):\n    make_cache()\n", "raises"),
        ("def test_with_equals_without():\n    pass\n", "no_test"),
        ("test_with_equals_without = 1\n", "no_test"),
        ("def test_with_equals_without(make_cache)\n", "syntax"),
    ],
)
def test_a_file_that_cannot_judge_gets_one_sentence(written, text, name):
    result = check(written(text))
    assert findings(result) == [name]
    assert "right" in result.failed
    assert "{" not in result.diagnosis[0].sentence(Words("en"))


def test_a_test_that_does_not_end_is_stopped(written, monkeypatch):
    monkeypatch.setattr(checker, "ON_RIGHT", Limits(processor_seconds=1, seconds=20))
    result = check(written("def test_with_equals_without(make_cache):\n    while True: pass\n"))
    assert findings(result) == ["processor"]


def without_words(text):
    """Return a program without its docstrings and without what its assertions say."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
        if isinstance(node, ast.Assert):
            node.msg = None
    return ast.dump(tree)


@pytest.mark.parametrize("file", [starter, solution])
def test_the_files_are_the_same_program_in_both_languages(file):
    assert without_words(file("02", "en")) == without_words(file("02", "es"))
    assert file("02", "en") != file("02", "es")


# The broken caches.


def difference(name, prompt, batch=2, n_tokens=70):
    a, texts = minigpt().architecture, held_out_texts(2)[:batch, :n_tokens]
    right, other = (kind.for_model(a, batch=batch) for kind in (DenseCache, BROKEN[name]))
    return first_difference(minigpt(), right, other, texts, prompt)


def test_the_bugs_of_the_break_page_are_among_them_and_the_others_are_new():
    assert BROKEN.items() >= BUGS.items()
    assert len(BROKEN) == len(BUGS) + 5


def test_one_bit_of_each_vector_is_off_from_the_first_token_on():
    found = difference("last_bit", prompt=3)
    assert found[:4] == (0, 0, "V", 0)
    a, [text] = minigpt().architecture, held_out_texts(1)[:, :5]
    right, other = DenseCache.for_model(a), BROKEN["last_bit"].for_model(a)
    for cache in (right, other):
        minigpt().forward(text[None], cache)
    bits = right.values[0, 0, :, :5].view(np.uint32) ^ other.values[0, 0, :, :5].view(np.uint32)
    assert (bits[..., 0] == 1).all()
    assert not bits[..., 1:].any()


def test_the_late_bit_is_late_and_within_a_run_of_the_lab():
    found = difference("late_bit", prompt=3)
    assert found.slot == LATE
    assert found.step == LATE - 3 + 1
    shortest_prompt, n_tokens = 2, 64
    assert shortest_prompt + n_tokens - 1 > LATE  # held when the last logits are computed, the newest token left out


def test_an_unread_value_of_the_last_layer_shows_in_the_logits_alone():
    assert difference("last_layer_unread", prompt=3)[:3] == (1, None, "logits")


def test_the_last_row_is_another_s_only_where_there_is_another():
    assert difference("last_row_of_another", prompt=3).step == 1
    assert difference("last_row_of_another", prompt=3, batch=1) is None


def test_only_long_prompts_are_overwritten():
    assert difference("long_prompts_overwritten", prompt=LONG - 1) is None
    assert difference("long_prompts_overwritten", prompt=LONG).slot == LONG - 1


# What gets past a weakened test. The others are run when the page is built, which claims that something gets past them.


def test_what_gets_past_an_unknown_test_is_refused():
    with pytest.raises(KvlabError, match="unknown test 'none'; known are complete, tokens"):
        gets_past("none")


@pytest.mark.slow
def test_what_gets_past_the_quick_ones_is_what_their_part_is_there_for():
    assert gets_past("few_prompts") == "long_prompts_overwritten"
    assert gets_past("few_steps") == "ring_too_small window_too_small late_bit"
    assert gets_past("first_row") == "last_row_of_another"
    assert how_many_get_past("few_steps") == 3


def test_a_tolerance_sees_what_is_beyond_it_and_tokens_the_largest():
    a = np.array([1.0, 2.0], np.float32)
    tolerance, tokens, bytes_ = (DIFFER[WEAKENED[name].differ] for name in ("tolerance", "tokens", "complete"))
    assert not tolerance(a, a + np.float32(0.0005))
    assert tolerance(a, a + np.float32(0.002))
    assert tolerance(a, np.array([1, np.nan], np.float32))
    assert not tokens(a, a + 1)
    assert tokens(a, a[::-1])
    assert bytes_(np.zeros(2, np.float32), -np.zeros(2, np.float32))
    assert not bytes_(a, a.copy())


@pytest.mark.parametrize("weakness", ["complete", "tolerance", "no_logits"])
def test_each_part_of_a_test_is_looked_for_by_its_own_name(weakness):
    test = replace(WEAKENED[weakness], n_prompts=8, n_tokens=6)
    past = {name for name in BROKEN if test.passes_on(name)}
    late = {"ring_too_small", "window_too_small", "late_bit", "long_prompts_overwritten"}
    assert (
        past - late
        == {
            "complete": set(),
            "tolerance": {"last_bit"},
            "no_logits": {"last_layer_unread"},
        }[weakness]
    )
