"""Lab 03's checker: each fault that a reader's CSV can have is seen, named and said in one sentence."""

import ast
import math
import random
import re
import statistics
from pathlib import Path

import pytest

from kvlab import catalog
from kvlab.accounting.layers import Layers
from kvlab.benchmark import predictions
from kvlab.benchmark.fit import fitted
from kvlab.benchmark.timing import Timed
from kvlab.catalog import mistakes
from kvlab.errors import KvlabError
from kvlab.labs import solution, starter
from kvlab.labs.lab_03 import baselines, noise
from kvlab.labs.lab_03.checker import CHECKS, check, judge, summed_up
from kvlab.labs.lab_03.csv_file import MalformedError, read
from kvlab.labs.words import Words
from kvlab.sizing import Decoder

MINI = catalog.model("MiniGPT").decoder
CONTEXTS = tuple(range(16, 129, 16))
HEADER = "context_tokens,memory_B,cached_us,uncached_us"


def decoder(n_layers, n_heads, n_kv_heads, head_dim, capacity, parameters):
    """Return a model with these shapes and weights; what else it has is not looked at."""
    layers = (Layers("full", n_layers, n_kv_heads, head_dim, head_dim),)
    return Decoder(layers, 13, n_heads, 53, 251, capacity, parameters, name="primes")


# Head sizes, layers and capacities that no factor of another can be mistaken for.
PRIMES = decoder(3, 21, 7, 11, 131, 7919)
SHAPES = [(MINI, CONTEXTS), (PRIMES, (7, 29, 37, 61, 67, 89, 101, 127))]
of_both = pytest.mark.parametrize(("model", "contexts"), SHAPES, ids=["MiniGPT", "primes"])


def right(model, context):
    """Return the bytes of K and V, added up head after head."""
    (group,) = model.layers
    return (
        sum(4 for _ in range(group.count) for _ in range(group.n_kv_heads) for _ in "KV" for _ in range(group.k_dim))
        * context
    )


def cached(context):
    return 120.0 + 0.15 * (-(-context // 32) * 32)


def uncached(context):
    return 300.0 + 16.0 * context + 0.03 * context**2


def table(contexts, memory, cached=cached, uncached=uncached, header=HEADER):
    rows = [f"{at},{memory(at)},{cached(at):.6g},{uncached(at):.6g}" for at in contexts]
    return "\n".join([header, *rows, ""]).encode()


def found(result):
    return [one.name for one in result.diagnosis]


def said(result):
    """Return the sentences in both languages, having looked that each is one."""
    for language in ("en", "es"):
        for one in result.diagnosis:
            sentence = one.sentence(Words(language))
            assert sentence.endswith(".")
            assert not re.search(r"[{}]|None|Fraction|e\+", sentence), sentence
    return " ".join(one.sentence(Words("en")) for one in result.diagnosis)


@of_both
def test_measurements_that_follow_the_formulas_pass_whole(model, contexts):
    result = judge(table(contexts, lambda at: right(model, at)), model)
    assert result.passed == CHECKS
    assert (result.failed, result.diagnosis) == ((), ())


@pytest.mark.parametrize("seed", range(20))
def test_measurements_within_some_percent_pass_in_any_order_of_rows_and_columns(seed):
    rng = random.Random(seed)

    def shaken(time):
        return lambda at: time(at) * rng.uniform(0.985, 1.015)

    content = table(CONTEXTS, lambda at: right(MINI, at), shaken(cached), shaken(uncached)).decode()
    head, *rows = [line.split(",") for line in content.split()]
    order = rng.sample(range(4), 4)
    rng.shuffle(rows)
    shuffled = "\r\n".join(",".join(row[place] for place in order) for row in [head, *rows])
    assert judge(shuffled.encode("utf-8-sig"), MINI).passed == CHECKS


MEMORIES = {
    "two_lost": lambda model, at: right(model, at) // 2,
    "two_doubled": lambda model, at: right(model, at) * 2,
    "bits": lambda model, at: right(model, at) * 8,
    "element_size": lambda model, at: right(model, at) // 2,
    "one_layer": lambda model, at: right(model, at) // model.n_layers,
    "weights": lambda model, at: right(model, at) + 4 * model.parameters,
    "whole_buffer": lambda model, _: right(model, model.max_context),
    "one_more": lambda model, at: right(model, at + 1),
    "one_less": lambda model, at: right(model, at - 1),
    "bookkeeping": lambda model, at: right(model, at) + 96 + at,
    "fixed": lambda model, at: right(model, at) + 100_003,
    "memory": lambda model, at: right(model, at) * 7 // 5 + at,
}


@of_both
@pytest.mark.parametrize("name", MEMORIES)
def test_a_memory_of_the_wrong_quantity_is_named_and_the_times_are_judged_all_the_same(name, model, contexts):
    result = judge(table(contexts, lambda at: MEMORIES[name](model, at)), model)
    assert name in found(result)
    assert result.failed == ("memory",)
    said(result)


def test_query_heads_are_named_where_they_are_more_than_the_k_v_heads():
    result = judge(table(SHAPES[1][1], lambda at: 3 * right(PRIMES, at)), PRIMES)
    # Three layers, and three query heads for each K/V head: both explain it only where one layer is a third.
    assert found(result) == ["query_heads"]


def test_explanations_that_fit_alike_are_all_said():
    result = judge(table(CONTEXTS, lambda at: right(MINI, at) // 2), MINI)
    assert set(found(result)) == {"two_lost", "one_layer", "element_size"}
    assert found(judge(table(SHAPES[1][1], lambda at: right(PRIMES, at) // 3), PRIMES)) == ["one_layer"]


@of_both
@pytest.mark.parametrize(
    ("scale", "called", "unit"), [(1000, "KiB", "kB"), (1024, "kB", "KiB"), (1, "KiB", "B"), (10**9, "GiB", "GB")]
)
def test_a_memory_in_another_unit_than_its_column_says_is_named_with_that_unit(model, contexts, scale, called, unit):
    def written(at):
        return f"{right(model, at) / scale:.12f}"

    header = HEADER.replace("memory_B", f"memory_{called}")
    result = judge(table(contexts, written, header=header), model)
    assert found(result) == ["memory_unit"]
    assert f"exact when read in {unit}:" in said(result)


def test_a_rounded_memory_is_told_to_be_written_in_bytes():
    header = HEADER.replace("memory_B", "memory_kB")
    result = judge(table(CONTEXTS, lambda at: f"{right(MINI, at) / 1000:.1f}", header=header), MINI)
    assert found(result) == ["rounded"]


@of_both
@pytest.mark.parametrize(
    ("cached_unit", "uncached_unit", "name"),
    [
        ("ms", "us", "unit"),
        ("us", "ms", "unit"),
        ("ms", "ms", "units"),
        ("ns", "us", "unit"),
        ("us", "s", "unit"),
        ("s", "s", "units"),
    ],
)
def test_times_in_another_unit_than_their_columns_say_are_named(model, contexts, cached_unit, uncached_unit, name):
    header = f"context_tokens,memory_B,cached_{cached_unit},uncached_{uncached_unit}"
    result = judge(table(contexts, lambda at: right(model, at), header=header), model)
    assert found(result) == [name]
    assert "could be in us" in said(result) or "could both be in us" in said(result)
    assert result.failed == ("times", "cached", "uncached")


@of_both
@pytest.mark.parametrize("one", range(4))
@pytest.mark.parametrize("other", range(4))
def test_two_columns_that_have_each_others_numbers_are_named(model, contexts, one, other):
    names = HEADER.split(",")
    names[one], names[other] = names[other], names[one]
    result = judge(table(contexts, lambda at: right(model, at), header=",".join(names)), model)
    if one == other:
        assert result.passed == CHECKS
    else:
        assert found(result) == ["exchanged"]
        assert all(name in said(result) for name in (names[one], names[other]))


SHAPED = {
    "recomputed": {"cached": lambda at: 1.05 * uncached(at)},
    "flat": {"uncached": lambda at: 1.1 * cached(at)},
    "text_cached": {"cached": lambda at: at * cached(at)},
    "text_uncached": {"uncached": lambda at: sum(map(uncached, range(at)))},
    "step": {"cached": lambda at: 200 * cached(at), "uncached": lambda at: 200 * uncached(at)},
    "faster": {"uncached": lambda at: 0.02 * uncached(at)},
}


@of_both
@pytest.mark.parametrize("name", SHAPED)
def test_times_of_something_else_than_a_step_and_a_pass_are_named(name, model, contexts):
    result = judge(table(contexts, lambda at: right(model, at), **SHAPED[name]), model)
    assert found(result) == [name]
    assert result.failed == ("times", "cached", "uncached")
    said(result)


@of_both
@pytest.mark.parametrize("run", ["cached", "uncached"])
@pytest.mark.parametrize("place", range(8))
def test_one_point_that_stands_apart_is_named(model, contexts, run, place):
    usual = {"cached": cached, "uncached": uncached}[run]
    times = {run: lambda at: usual(at) * (1.9 if at == contexts[place] else 1)}
    result = judge(table(contexts, lambda at: right(model, at), **times), model)
    assert result.failed == (run,)
    assert found(result) == ["first" if place == 0 else "apart"]
    assert f" {contexts[place]} tokens" in said(result)


def test_a_single_noisy_round_is_no_fault_of_the_reader_and_is_told_what_to_do():
    rng = random.Random(5)
    noisy = {
        run: lambda at, usual=usual: usual(at) * rng.uniform(0.7, 1.6)
        for run, usual in (("cached", cached), ("uncached", uncached))
    }
    result = judge(table(CONTEXTS, lambda at: right(MINI, at), **noisy), MINI)
    assert found(result) == ["scattered", "scattered"]
    for word in ("several", "random order", "one thread", "browser"):
        assert word in said(result)


def rounds_of(n, shake):
    rows = [
        f"{at},{right(MINI, at)},{cached(at) * shake():.6g},{uncached(at) * shake():.6g}"
        for _ in range(n)
        for at in CONTEXTS
    ]
    return "\n".join([HEADER, *rows]).encode()


def test_rows_of_the_same_context_are_rounds_of_which_noise_spoils_none():
    rng = random.Random(7)
    # Most rounds are disturbed, some of them much; what else runs only ever slows.
    assert judge(rounds_of(200, lambda: 1 + rng.expovariate(3)), MINI).passed == CHECKS
    assert "scattered" in found(judge(rounds_of(1, lambda: 1 + rng.expovariate(3)), MINI))


def test_a_change_of_pace_between_rounds_bends_no_curve():
    rng = random.Random(11)
    rows = []
    for taken in range(120):
        pace = 0.6 if taken == 60 else 1.0  # one round in which the processor was faster, for half of its tasks
        for at in CONTEXTS:
            here = pace if at % 48 == 0 else 1.0
            rows.append(
                f"{at},{right(MINI, at)},{cached(at) * here * rng.uniform(1, 1.02):.6g},{uncached(at) * here:.6g}"
            )
    assert judge("\n".join([HEADER, *rows]).encode(), MINI).passed == CHECKS


def test_rounds_whose_halves_disagree_decide_nothing_and_say_so():
    rng = random.Random(13)
    result = judge(rounds_of(3, lambda: rng.uniform(1, 2)), MINI)
    assert found(result) == ["noise", "noise"]
    assert "The machine did other things" in said(result)
    assert "rounds lie" in said(result)


def test_rounds_that_agree_with_each_other_and_not_with_the_formula_are_no_noise():
    def bent(at):
        return uncached(at) * (1.4 if at % 32 else 1)

    rows = [f"{at},{right(MINI, at)},{cached(at):.6g},{bent(at):.6g}" for _ in range(4) for at in CONTEXTS]
    result = judge("\n".join([HEADER, *rows]).encode(), MINI)
    assert found(result) == ["missed"]
    said(result)


def test_of_two_ways_to_sum_up_rounds_the_one_counts_that_agrees_better_with_itself():
    still = {"16": Timed((1.0, 1.0, 1.0, 1.0)), "32": Timed((2.0, 2.0, 2.0, 2.0))}
    assert summed_up(still) == ((1.0, 2.0), 0.0)
    # Every second round at half the pace, all of it alike: the shares are the same, the least times are not.
    paced = {name: Timed(tuple(t * (1 + i % 2) for i, t in enumerate(run.seconds))) for name, run in still.items()}
    assert summed_up(paced) == ((1.0, 2.0), 0.0)
    # Rounds that do not all have each context have no shares.
    assert summed_up({"16": Timed((1.0, 2.0)), "32": Timed((2.0,))}) == ((1.0, 2.0), 1.0)


def test_points_too_few_to_judge_a_formula_are_counted_and_the_memory_is_judged_all_the_same():
    result = judge(table(CONTEXTS[:5], lambda at: right(MINI, at)), MINI)
    assert found(result) == ["few"]
    assert result.passed == ("columns", "memory")
    assert "5 contexts in 3 blocks of 32 slots" in said(result)
    # As many as it takes, and all of them in one block: the same point, taken eight times.
    assert found(judge(table(range(1, 9), lambda at: right(MINI, at)), MINI)) == ["few"]


@pytest.mark.parametrize(("context", "shown"), [(129, "129"), (16.5, "16.5")])
def test_a_context_that_the_model_has_not_is_refused_by_its_line(context, shown):
    result = judge(table([*CONTEXTS[:4], context], lambda at: 1024 * at), MINI)
    assert found(result) == ["context"]
    assert said(result).startswith(f"Line 6: {shown} is no number of tokens from 1 to 128")


GOOD = table(CONTEXTS, lambda at: 1024 * at).decode()
MALFORMED = {
    "empty": "\n \n",
    "no_rows": HEADER + "\n",
    "separator": GOOD.replace(",", ";"),
    "cells": GOOD.replace("32,32768", "32,32,768"),
    "quotes": GOOD.replace("32768", '"3"2768'),
    "unknown_column": GOOD.replace("memory_B", "speicher_B"),
    "unknown_unit": GOOD.replace("memory_B", "memory_GO"),
    "twice": GOOD.replace("uncached_us", "cached_ms"),
    "missing_column": "\n".join(line.rpartition(",")[0] for line in GOOD.split()),
    "no_number": GOOD.replace("32768", "32 KiB"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_refused_in_one_sentence_that_names_the_line(name):
    result = judge(MALFORMED[name].encode(), MINI)
    assert found(result) == [name]
    assert result.passed == ()
    sentence = said(result)
    line = {"cells": 3, "quotes": 3, "no_number": 3}.get(name, 1)
    assert name in ("empty", "no_rows") or f"Line {line}" in sentence
    assert sentence.count(".") - len(re.findall(r"\.\d", sentence)) == 1


@pytest.mark.parametrize(
    "cell", ["0", "0.0", "-5", "nan", "inf", "1,5", "1e", "0x10", "1e400", "٣", "12 345", "", "'5'", "1_000"]
)
def test_what_is_no_number_above_0_is_refused(cell):
    with pytest.raises(MalformedError) as refused:
        read(f'{HEADER}\n16,"{cell}",1,1\n'.encode())
    assert refused.value.finding.given["line"] == 2


def test_the_bytes_of_no_text_are_refused_by_line():
    assert found(judge(GOOD.encode().replace(b"32768", b"\xff"), MINI)) == ["encoding"]
    assert found(judge(GOOD.encode("utf-16"), MINI)) == ["encoding"]
    assert found(judge(GOOD.encode().replace(b"32768", b"\x00"), MINI)) == ["no_number"]


def test_numbers_are_read_exactly_as_they_are_written():
    columns = read(f"{HEADER}\n16,1.6384e4,0.1,1E2\n".encode()).columns
    assert columns["memory"].scaled("memory") == (16384,)
    assert columns["cached"].scaled("cached") == (100,)
    assert columns["uncached"].scaled("uncached") == (100_000,)


def test_units_with_a_greek_letter_are_the_same_units():
    for mu in "µμ":
        assert judge(GOOD.replace("_us", f"_{mu}s").encode(), MINI).passed == CHECKS


def test_the_program_in_the_place_of_its_csv_is_told_apart(tmp_path):
    path = tmp_path / "my_curves.py"
    path.write_text(starter("03"), encoding="utf-8")
    result = check(path)
    assert found(result) == ["program"]
    assert "my_curves.py is the program" in said(result)
    path.with_suffix(".csv").write_text(GOOD, encoding="utf-8")
    assert check(path.with_suffix(".csv")).passed == CHECKS


def test_every_mistake_of_a_size_has_its_sentence():
    for language in ("en", "es"):
        for name in mistakes.MISTAKES:
            assert Words(language)(f"lab_03.seen.{name}")


def without_words(source):
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


@pytest.mark.parametrize("file", [starter, solution])
def test_the_programs_are_the_same_in_both_languages(file):
    assert without_words(file("03", "en")) == without_words(file("03", "es"))
    assert file("03", "en") != file("03", "es")


def run(source, folder, **changed):
    """Run a program as a reader would, with fewer rounds, and return the CSV that it wrote."""
    for name, value in changed.items():
        assert len(re.findall(rf"^{name} = .*$", source, re.MULTILINE)) == 1
        source = re.sub(rf"^{name} = .*$", f"{name} = {value}", source, flags=re.MULTILINE)
    path = folder / "my_curves.py"
    path.write_text(source, encoding="utf-8")
    exec(compile(source, path, "exec"), {"__name__": "__main__", "__file__": str(path)})
    return path.with_suffix(".csv")


def test_the_solution_measures_what_can_be_judged_and_its_overlay_is_what_the_book_fits(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    path = run(solution("03"), tmp_path, ROUNDS=3)
    # Three rounds on a machine that runs tests may say anything about times.
    assert set(CHECKS[:3]) <= set(check(path).passed)
    laid_over = Path(tmp_path / "my_curves.overlay.csv").read_text(encoding="utf-8").split()
    rows = [line.split(",") for line in laid_over[1:]]
    for run_, terms in (("cached", predictions.cached_terms()), ("uncached", predictions.uncached_terms())):
        mine = [row for row in rows if row[0] == run_]
        times, predicted = ([float(row[column]) for row in mine] for column in (2, 3))
        book = fitted(CONTEXTS, tuple(times), terms, predictions.HELD_OUT[run_])
        assert predicted == pytest.approx(book.predicted, rel=1e-3)
        assert [row[5] == "False" for row in mine] == list(book.held_out)


def test_the_starter_runs_as_it_stands_and_what_it_leaves_to_be_done_is_named(tmp_path):
    result = check(run(starter("03"), tmp_path))
    assert found(result) == ["few", "whole_buffer"]


def test_the_least_of_many_rounds_comes_to_the_truth_and_their_mean_does_not():
    many = 2000
    # Exponential disturbances: the mean is that of each, the median ln 2 of it, the least a share of it.
    assert noise.excess("mean", many, 0.3, seed=5) == pytest.approx(0.3, rel=0.1)
    assert noise.excess("median", many, 0.3, seed=5) == pytest.approx(0.3 * math.log(2), rel=0.1)
    averages = [statistics.fmean(noise.excess("least", 16, 0.3, seed) for seed in range(400))]
    assert averages == pytest.approx([0.3 / 16], rel=0.15)
    # The first rounds stay the same when more are taken.
    assert noise.excess("least", 8, 0.3, seed=5) <= noise.excess("least", 4, 0.3, seed=5)


def test_a_drift_is_a_slope_in_order_and_nothing_in_turns():
    def errors(order):
        return [noise.drift_error(order, place, 7, 31, 0.5, seed=3) for place in range(7)]

    assert errors("ascending") == pytest.approx([0.5 * 31 * place / (7 * 31 - 1) for place in range(7)])
    # In turns each is among the first seven runs.
    assert sorted(errors("drawn")) == pytest.approx([0.5 * first / (7 * 31 - 1) for first in range(7)])


def test_more_constants_fit_better_and_predict_worse():
    own, unseen = ([noise.fit_error(n, out, 8, 0.05, 60, seed=2) for n in range(1, 5)] for out in (False, True))
    assert own == sorted(own, reverse=True)
    assert own[3] == 0
    assert unseen == sorted(unseen)


def test_a_rival_is_fitted_and_judged_on_the_points_of_the_whole_formula():
    contexts, seconds = list(CONTEXTS), [cached(at) for at in CONTEXTS]
    assert baselines.held_out_error("cached", 2, contexts, seconds) < 1e-12
    # Weighted by what it predicts, a constant is sum(1/y) / sum(1/y²) of its points, by hand.
    fitted_on = [cached(at) for at in (16, 32, 80, 96)]
    constant = sum(1 / y for y in fitted_on) / sum(1 / y**2 for y in fitted_on)
    expected = max(abs(constant - cached(at)) / cached(at) for at in (48, 64, 112, 128))
    assert baselines.held_out_error("cached", 1, contexts, seconds) == pytest.approx(expected)
    assert baselines.last_over_first([2.0, 3.0, 7.0]) == 3.5
    assert baselines.over_at_last([1.0, 6.0], [5.0, 4.0]) == 1.5


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: noise.excess("mode", 3, 0.3, 1), "known are mean, median, least"),
        (lambda: noise.excess("mean", 0, 0.3, 1), "1 or more"),
        (lambda: noise.drift_error("descending", 1, 7, 3, 0.3, 1), "known are ascending, drawn"),
        (lambda: noise.fit_error(5, True, 8, 0.1, 3, 1), "4 different points cannot fix 5 constants"),
        (lambda: baselines.held_out_error("growing", 1, [1], [1.0]), "known are cached, uncached"),
        (lambda: baselines.held_out_error("cached", 3, [1], [1.0]), "has 2 constants, and 3"),
    ],
)
def test_what_cannot_be_imagined_is_refused(call, says):
    with pytest.raises(KvlabError, match=says):
        call()
