"""What the experiment `cache-correctness` says of a run, each by a second route."""

import subprocess

import numpy as np
import pytest

from kvlab.decoding.generation import generate_uncached, recompute
from kvlab.errors import KvlabError
from kvlab.experiments import cache_correctness as experiment
from kvlab.experiments.cache_correctness import chosen, close_choices, compared_bytes, ids_sha256, sha256_of
from kvlab.experiments.minigpt import blas_differing_share, subject, subject_prompts, verification

SMALL = (3, 7)


@pytest.mark.parametrize("model", ["MiniGPT", "demo"])
def test_the_hash_is_that_of_the_ids_that_a_run_without_a_cache_chooses(model, tmp_path):
    lines = [
        " ".join(map(str, generate_uncached(subject(model), prompt, 7).ids)) for prompt in subject_prompts(model, 3)
    ]
    (tmp_path / "ids").write_text("\n".join(lines) + "\n")
    hashed = subprocess.run(["sha256sum", tmp_path / "ids"], capture_output=True, text=True, check=True).stdout
    assert ids_sha256(*SMALL, model) == hashed.split()[0]


def test_another_id_and_another_end_of_a_line_make_another_hash():
    hashes = {sha256_of(runs) for runs in ([[1, 2], [3]], [[1], [2, 3]], [[1, 2], [4]], [[12], [3]], [[1, 2, 3]])}
    assert len(hashes) == 5


def test_a_margin_is_the_distance_of_the_two_best_logits_of_a_full_recomputation():
    model, [prompt] = subject("demo"), subject_prompts("demo", 1)
    run = chosen(1, 5, "demo")
    for step, margin in enumerate(run.margins):
        best = np.sort(recompute(model, [*prompt, *run.ids[0][:step]])[0].astype(np.float64))
        assert margin == best[-1] - best[-2]


def test_close_choices_are_counted(monkeypatch):
    margins = chosen(*SMALL, "MiniGPT").margins
    assert len(margins) == 21
    monkeypatch.setattr(experiment, "CLOSE", sorted(margins)[4])
    assert close_choices(*SMALL, "MiniGPT") == 4


def test_the_bytes_compared_are_those_of_the_logits_and_of_each_token_held():
    for model in ("MiniGPT", "demo"):
        a = subject(model).architecture
        held = sum(len(prompt) + step for prompt in subject_prompts(model, 3) for step in range(7))
        token = np.zeros((2, a.n_layers, a.n_kv_heads, a.head_dim), np.float32).nbytes
        assert compared_bytes(*SMALL, model) == 21 * np.zeros(a.vocab_size, np.float32).nbytes + held * token


def test_the_demo_is_compared_as_the_minigpt_is():
    assert verification(3, 7, "demo").exact.steps == 21
    assert verification(3, 7, "demo").exact.differing_kv == 0
    assert blas_differing_share(3, 7, "demo") > 0.5


def test_a_summary_says_nothing_but_its_parts(monkeypatch):
    monkeypatch.setattr(experiment, "N_PROMPTS", 3)
    monkeypatch.setattr(experiment, "N_TOKENS", 7)
    found = experiment.summary("demo")
    assert (found["steps"], found["compared_logits"]) == (21, 21 * 256)
    assert found["compared_bytes"] == 4 * (found["compared_logits"] + found["compared_kv_entries"])
    assert found["differing_logits"] == found["differing_kv_entries"] == found["differing_tokens"] == 0
    assert found["ids_sha256"] == ids_sha256(3, 7, "demo")
    assert found["blas_differing_logits_share"] > 0.5


def test_a_model_or_a_shape_that_there_is_not_is_refused():
    with pytest.raises(KvlabError, match="unknown model 'GPT-5'; known are MiniGPT, demo"):
        ids_sha256(1, 1, "GPT-5")
