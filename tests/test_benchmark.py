"""Protects the ways of measuring: fair turns, noise, fits judged on unseen points, and peers that may be missing."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from random_models import PRIMES, random_model

from kvlab import catalog
from kvlab.accounting import traffic
from kvlab.benchmark import bench, curves, fit, per_token, predictions
from kvlab.benchmark.decode import GPT2_SMALL, decode_step, filled_cache, plain_step, reading, roofline
from kvlab.benchmark.machine import last_level_cache
from kvlab.benchmark.prefill import plain_prefill, prefill
from kvlab.benchmark.record import NotMeasuredError
from kvlab.benchmark.timing import Timed, interleaved, noise_of_shares, steady
from kvlab.cache import DenseCache, slots_read
from kvlab.errors import KvlabError

MODEL = random_model(PRIMES)


def test_contenders_take_turns_and_each_round_has_every_one_of_them_once():
    ran = []
    timed = interleaved({name: lambda name=name: ran.append(name) for name in "abc"}, rounds=40)
    rounds = [tuple(ran[start : start + 3]) for start in range(0, len(ran), 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len(rounds) == 41  # one is not counted
    assert len(set(rounds)) == 6  # every order comes up
    assert {name: len(run.seconds) for name, run in timed.items()} == dict.fromkeys("abc", 40)


def test_a_repeated_task_is_timed_as_the_mean_of_its_runs(monkeypatch):
    ran = []
    clock = iter(range(0, 1000, 12))
    monkeypatch.setattr("kvlab.benchmark.timing.time.perf_counter", lambda: next(clock))
    timed = interleaved({"a": lambda: ran.append(1)}, rounds=2, repeat=4)
    assert len(ran) == 1 + 2 * 4
    assert timed["a"].seconds == (3.0, 3.0)


def test_the_least_time_counts_and_the_noise_is_the_distance_of_two_halves():
    timed = Timed((3.0, 2.5, 2.0, 7.0, 9.0, 2.5))
    assert timed.least == 2.0
    assert timed.noise == 0.25


def test_a_change_of_pace_between_rounds_bends_no_curve():
    # b takes three times as long as a; in the second round the processor is twice as fast, in the third half as fast.
    paced = {"a": Timed((1.0, 0.5, 2.0)), "b": Timed((3.0, 1.5, 6.0))}
    assert steady(paced) == {"a": 0.5, "b": 1.5}
    assert noise_of_shares(paced) == 0
    # One round in which a alone was lucky changes nothing, where its least time would have.
    lucky = {"a": Timed((1.0, 0.1, 1.0, 1.0, 1.0)), "b": Timed((3.0, 3.0, 3.0, 3.0, 3.0))}
    times = steady(lucky)
    assert times["b"] / times["a"] == 3.0
    # Two halves that disagree are noise: shares of a quarter in the odd rounds, and of a half in the even ones.
    assert noise_of_shares({"a": Timed((1.0, 3.0)), "b": Timed((3.0, 3.0))}) == pytest.approx(1.0)


def test_one_round_tells_nothing_of_noise():
    with pytest.raises(KvlabError, match="at least 2"):
        interleaved({"a": int}, rounds=1)


def test_threads_are_refused_once_numpy_is_loaded_with_others():
    program = (
        "import os; os.environ.pop('OPENBLAS_NUM_THREADS', None)\n"
        "import numpy\nfrom kvlab.benchmark.timing import take_one_thread\ntake_one_thread()"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "NumPy is loaded already" in run.stderr


def test_the_timed_step_is_the_step_of_the_model_and_can_be_repeated():
    cache = filled_cache(MODEL)
    step = decode_step(MODEL, cache, 40)
    first, again = step(), step()
    assert first.tobytes() == again.tobytes()
    assert cache.position == 41
    np.testing.assert_allclose(plain_step(MODEL, cache, 40)(), first, rtol=0, atol=1e-4 * np.abs(first).max())


def test_every_slot_of_a_filled_cache_is_written():
    cache = filled_cache(MODEL)
    assert np.count_nonzero(cache.keys) == cache.keys.size
    assert np.count_nonzero(cache.values) == cache.values.size


def test_the_roofline_reads_each_weight_matrix_once_and_the_bytes_of_the_cache(monkeypatch):
    read = []
    monkeypatch.setattr("kvlab.benchmark.decode.np.dot", lambda matrix, vector: read.append(matrix))
    task = roofline(MODEL, 40)
    task()
    a = PRIMES
    of_a_block = a.d_model * (3 * a.d_model + a.d_model + 2 * a.d_ff)
    weights = a.n_layers * of_a_block + a.vocab_size * a.d_model
    held = 2 * a.n_layers * a.n_kv_heads * 40 * a.head_dim
    assert sum(matrix.size for matrix in read) == weights + held
    # Where they lie, and not copies.
    assert read[0] is MODEL.blocks[0].c_attn.weight
    assert read[-2] is MODEL.head


def test_the_plain_prefill_computes_what_the_other_computes():
    ours, plain = prefill(MODEL, 70)(), plain_prefill(MODEL, 70)()
    np.testing.assert_allclose(plain, ours, rtol=0, atol=1e-4 * np.abs(ours).max())
    assert plain.tobytes() != ours.tobytes()


def test_a_formula_that_holds_is_found_and_its_error_on_unseen_points_is_nothing():
    contexts = (16, 32, 48, 64, 80, 96)
    measured = tuple(5.0 + 0.25 * context for context in contexts)
    curve = fit.fitted(contexts, measured, [np.ones(6), np.array(contexts, float)], (False, True) * 3)
    assert curve.predicted == pytest.approx(measured)
    assert curve.held_out_error < 1e-12


def test_a_formula_that_does_not_hold_is_caught_on_the_points_that_it_has_not_seen():
    contexts = (16, 32, 48, 64, 80, 96)
    # A line passes through every point of the fit, and none of the others is on it.
    measured = tuple(float(context) * (1 if place % 2 == 0 else 2) for place, context in enumerate(contexts))
    curve = fit.fitted(contexts, measured, [np.ones(6), np.array(contexts, float)], (False, True) * 3)
    assert curve.predicted[::2] == pytest.approx(measured[::2])
    assert curve.held_out_error == pytest.approx(0.5)


def test_a_fit_that_means_nothing_is_refused():
    ones, rising = np.ones(4), np.arange(4.0)
    with pytest.raises(KvlabError, match="1 different points cannot fix 2"):
        fit.fitted((1, 2, 3, 4), (1.0,) * 4, [ones, rising], (True, True, True, False))
    # The same point twice is one.
    with pytest.raises(KvlabError, match="1 different points cannot fix 2"):
        fit.fitted((1, 2, 3, 4), (1.0,) * 4, [ones, ones], (False, False, True, True))
    with pytest.raises(KvlabError, match="needs one above 0"):
        fit.fitted((1, 2, 3, 4), (1.0, 0.0, 1.0, 1.0), [ones], (False, False, True, True))


@pytest.mark.parametrize("run", ["cached", "uncached"])
def test_no_point_that_judges_a_formula_is_one_that_it_was_fitted_on(run):
    terms = predictions.TERMS[run]()
    rows = list(zip(*(term.tolist() for term in terms), strict=True))
    judged = {row for row, held_out in zip(rows, predictions.HELD_OUT[run], strict=True) if held_out}
    fitted = {row for row, held_out in zip(rows, predictions.HELD_OUT[run], strict=True) if not held_out}
    assert judged
    assert not judged & fitted


def test_the_terms_of_a_pass_count_the_slots_that_its_readings_read():
    cache = DenseCache.for_model(PRIMES)
    for context in (16, 32, 80):
        read = sum(len(reading.mask) * reading.n_slots for reading in cache.readable(context))
        assert read == sum(slots_read(position, PRIMES.max_context) for position in range(context))
    ones, slots = predictions.cached_terms()
    assert ones.tolist() == [1] * 8
    assert slots.tolist() == [32, 32, 64, 64, 96, 96, 128, 128]
    tokens, read = predictions.uncached_terms()[1:]
    assert tokens.tolist() == list(range(16, 129, 16))
    assert read.tolist()[:3] == [16 * 32, 32 * 32, 32 * 32 + 16 * 64]


def test_the_memory_of_a_growing_cache_is_measured_at_the_allocator_and_meets_the_formula():
    measured = curves.memory_bytes(curves.load_model(curves.MINIGPT))
    curve = predictions.curve("memory", curves.CONTEXTS, measured)
    assert curve.predicted == tuple(1024.0 * context for context in curves.CONTEXTS)
    assert all(measured > predicted for measured, predicted in zip(curve.measured, curve.predicted, strict=True))
    # The arrays' own headers and nothing else: some hundred bytes beside 16 KiB at the shortest context.
    assert max(m - p for m, p in zip(curve.measured, curve.predicted, strict=True)) < 2048
    assert curve.held_out_error < 0.10


def test_the_curves_are_stored_as_measured_and_printed_with_what_the_formula_gives():
    advanced = []
    stored = curves.curves(quick=True, progress=lambda: advanced.append(1))
    assert len(advanced) == curves.STEPS
    assert list(stored["memory"]) == ["contexts", "measured_bytes"]
    assert list(stored["cached"]) == list(stored["uncached"]) == ["contexts", "measured_seconds", "noise"]
    printed = predictions.judged(stored)
    keys = ["contexts", "measured_bytes", "predicted_bytes", "held_out", "held_out_error"]
    assert list(printed["memory"]) == keys
    for name in ("cached", "uncached"):
        curve = printed[name]
        assert list(curve) == [*(key.replace("bytes", "seconds") for key in keys), "noise"]
        assert curve["contexts"] == list(range(16, 129, 16))
        assert all(seconds > 0 for seconds in curve["measured_seconds"])
        assert curve["held_out"] == list(predictions.HELD_OUT[name])
        assert curve["held_out_error"] >= 0
        assert curve["noise"] >= 0
    assert json.loads(json.dumps(printed)) == printed


def test_the_error_of_a_curve_is_the_largest_on_points_that_the_fit_has_not_seen():
    # Exactly linear in the slots read, but for one held-out point, which is 25 % above the line.
    seconds = [1.0 + slots for slots in (32, 32, 64, 64, 96, 96, 128, 128)]
    assert predictions.held_out_error("cached", curves.CONTEXTS, seconds) < 1e-12
    held_out = predictions.HELD_OUT["cached"].index(True)
    seconds[held_out] *= 1.25
    assert predictions.held_out_error("cached", curves.CONTEXTS, seconds, at_most=0.21) == pytest.approx(0.2)
    with pytest.raises(NotMeasuredError, match=r"the error of cached is 0\.2") as raised:
        predictions.held_out_error("cached", curves.CONTEXTS, seconds, at_most=0.19)
    assert raised.value.reason == "contradicted"
    with pytest.raises(KvlabError, match="unknown curve 'growing'; known are memory, cached, uncached"):
        predictions.curve("growing", curves.CONTEXTS, seconds)


def test_the_gpt2_small_that_is_timed_is_the_one_whose_bytes_pages_count():
    decoder = catalog.model("GPT-2 small").decoder
    for field in ("n_layers", "d_model", "n_kv_heads", "head_dim", "d_ff", "vocab_size", "max_context"):
        assert getattr(decoder, field) == getattr(GPT2_SMALL, field), field


def test_a_step_is_not_compared_with_a_lower_bound_that_it_beats():
    assert predictions.lower_bound_ms(10**6, 1e8) == 10
    assert predictions.over_lower_bound(15, 10, at_least=1) == 1.5
    with pytest.raises(NotMeasuredError, match=r"over its lower bound is 0\.5"):
        predictions.over_lower_bound(5, 10, at_least=1)


def test_each_token_of_a_text_is_timed_in_both_runs_and_in_each_round(monkeypatch):
    passes = []
    forward = per_token.load_model(per_token.MINIGPT).forward
    monkeypatch.setattr(
        "kvlab.model.GPT2.forward", lambda _, ids, *rest: passes.append(ids.shape[1]) or forward(ids, *rest)
    )
    # A clock that counts passes: a token takes one. In the round that is not counted it runs at half the pace.
    monkeypatch.setattr("kvlab.benchmark.per_token.time.perf_counter", lambda: len(passes) - min(len(passes), 100) / 2)
    results = per_token.per_token(rounds=2)
    assert results["cached_ms"] == results["uncached_ms"] == [1e3] * 50
    assert results["cached_last_over_first"] == results["uncached_last_over_first"] == 1
    assert (results["noise"], results["prompt_tokens"]) == (0, 2)
    rounds = 1 + 2 * per_token.MORE_ROUNDS
    assert sum(passes) == rounds * (sum(range(2, 52)) + 2 + 49)


def test_the_ends_of_a_text_are_compared_without_its_first_token_by_the_least_times_of_each():
    # The first token takes long; the next ten take 2 and the last ten 6, but for a round that something else disturbed.
    seconds = [100.0] + [2.0] * 10 + [4.0] * 15 + [6.0] * 10
    tokens = [Timed((second, second, 9 * second)) for second in seconds]
    assert per_token.last_over_first(tokens) == 3.0
    assert per_token.noise_of_ends(tokens) == 0
    # Two halves that disagree at one end are noise, and in between they may.
    calm, odd = Timed((2.0, 2.0)), Timed((2.0, 3.0))
    assert per_token.noise_of_ends([odd] + [calm] * 10 + [odd] * 3 + [calm] * 10) == 0
    assert per_token.noise_of_ends([calm] * 14 + [odd] * 10) == 0.5
    assert per_token.noise_of_ends([calm] + [odd] * 10 + [calm] * 10) == 0.5


def test_without_torch_the_peers_are_null_and_the_keys_are_there(monkeypatch):
    monkeypatch.setattr(bench, "GPT2_SMALL", PRIMES)
    monkeypatch.setattr(bench, "GPT2_WIDTH", replace(PRIMES, max_context=256))
    monkeypatch.setattr(bench, "CONTEXTS_QUICK", (64,))
    monkeypatch.setattr(bench, "ROUNDS_QUICK", 2)
    monkeypatch.setattr(bench.peers, "available", lambda: False)
    advanced = []
    results = bench.bench(quick=True, progress=lambda: advanced.append(1))
    assert len(advanced) == bench.steps(quick=True)
    keys = {
        "gpt2_small": ["decode_over_roofline_median", "transformers_over_kvlab", "torch_over_kvlab"],
        "mini": ["decode_us_per_token", "transformers_over_kvlab"],
        "prefill": ["exact_over_blas_mini", "exact_over_blas_gpt2_small"],
        "identity": ["decode_cost"],
        "generation": ["uncached_over_cached"],
        "per_token": ["cached_last_over_first", "uncached_last_over_first"],
        "demo_by_length": ["last_pass_over_first"],
        "demo_by_passes": ["one_by_one_over_one_pass"],
    }
    for part, named in keys.items():
        for key in named:
            figure = results[part][key]
            assert figure is None if key.endswith("_over_kvlab") else figure > 0, (part, key)
    assert "lower_bound_ms" not in results["gpt2_small"]
    monkeypatch.setattr(predictions, "GPT2_SMALL", PRIMES)
    gpt2 = predictions.bounded(results)["gpt2_small"]
    after = [*gpt2].index("bandwidth_bytes_per_second") + 1
    assert [*gpt2][after : after + 3] == ["lower_bound_ms", "decode_over_lower_bound", "decode_over_roofline"]
    shapes = (3, 70, 5, 14, 109, 211, 83)
    read = traffic.gpt2_decode_bytes_read(*shapes, 65, 4)
    assert gpt2["lower_bound_ms"]["64"] == pytest.approx(1e3 * read / gpt2["bandwidth_bytes_per_second"]["64"])
    bound = gpt2["decode_ms"]["64"] / gpt2["lower_bound_ms"]["64"]
    assert gpt2["decode_over_lower_bound"]["64"] == pytest.approx(bound)
    assert json.loads(json.dumps(results)) == results


def test_the_bandwidth_is_what_was_read_in_the_time_that_it_took(monkeypatch):
    monkeypatch.setattr(bench, "GPT2_SMALL", PRIMES)
    monkeypatch.setattr(bench, "CONTEXTS_QUICK", (64,))
    monkeypatch.setattr(bench.peers, "available", lambda: False)
    seconds = {"kvlab": 3.0, "plain": 2.0, "roofline": 2.0, "reading": 0.5}
    monkeypatch.setattr(bench, "interleaved", lambda tasks, _: {name: Timed((seconds[name],) * 2) for name in tasks})
    found = bench._gpt2_small(True, lambda: None)
    assert found["bandwidth_bytes_per_second"]["64"] == reading(MODEL)[1] / 0.5


def test_reading_goes_once_over_each_weight_matrix_where_it_lies_in_rows_as_long_as_it_says(monkeypatch):
    spans = []
    monkeypatch.setattr("kvlab.benchmark.decode.SPAN", 70)  # no matrix of the model leaves a rest
    monkeypatch.setattr("kvlab.benchmark.decode.np.dot", lambda span, vector: spans.append((span, vector)))
    read, size = reading(MODEL)
    read()
    assert all(span.shape[1] == 70 == len(vector) for span, vector in spans)
    assert size == sum(span.nbytes for span, _ in spans) == 4 * (3 * 70 * (4 * 70 + 2 * 109) + 211 * 70)
    assert np.shares_memory(spans[0][0], MODEL.blocks[0].c_attn.weight)
    assert np.shares_memory(spans[-1][0], MODEL.head)


def test_what_is_left_of_a_matrix_after_its_last_whole_row_is_neither_read_nor_counted(monkeypatch):
    monkeypatch.setattr("kvlab.benchmark.decode.SPAN", 14701)  # a little less than the head has, 211 · 70
    assert reading(MODEL)[1] == 4 * 14701


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        ({1: "48K", 2: "2048K", 3: "107520K"}, 105 * 2**20),
        ({1: "32K", 2: "256K"}, 256 * 2**10),
        ({1: "32K", 2: "unknown"}, None),
        ({}, None),
    ],
)
def test_the_last_level_cache_is_the_one_of_the_highest_level(monkeypatch, tmp_path, levels, found):
    for level, size in levels.items():
        place = tmp_path / f"index{9 - level}"
        place.mkdir()
        (place / "level").write_text(f"{level}\n")
        (place / "size").write_text(f"{size}\n")
    monkeypatch.setattr("kvlab.benchmark.machine.CACHES", tmp_path)
    assert last_level_cache() == found


def test_without_its_files_the_last_level_cache_is_not_known(monkeypatch, tmp_path):
    (tmp_path / "index0").mkdir()
    monkeypatch.setattr("kvlab.benchmark.machine.CACHES", tmp_path)
    assert last_level_cache() is None
