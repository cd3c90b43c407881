"""Protects the commands that run, size and train models: what they print, what they refuse, and the exit codes."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from command_line import as_json, kvlab, process, refused
from random_models import LLAMA_PRIMES, random_model, random_tensors

from kvlab import catalog
from kvlab.cache import DenseCache
from kvlab.decoding.generation import generate_cached
from kvlab.model import save_folder
from kvlab.model.demo import demo_model
from kvlab.sizing import model_types
from kvlab.training import MINIGPT, trainer
from kvlab.training.tokenizer import Tokenizer


def test_yesterday_i_worked():
    result = as_json("generate", "Yesterday I", "--tokens", "1")
    tokenizer = Tokenizer.from_file(MINIGPT / "tokenizer.json")
    assert result == {
        "prompt_ids": tokenizer.encode("Yesterday I"),
        "ids": tokenizer.encode(" worked"),
        "text": " worked",
        "cache_bytes": 131072,
        "stopped": "length",
    }


def test_without_a_cache_the_text_is_the_same_and_no_bytes_are_kept():
    cached = as_json("generate", "Tomorrow she", "--tokens", "30")
    uncached = as_json("generate", "Tomorrow she", "--tokens", "30", "--no-cache")
    assert uncached == {**cached, "cache_bytes": 0}


def test_what_does_not_fit_stops_at_the_context_and_says_so_once():
    run = kvlab("generate", "Yesterday I", "--tokens", "999", "--json")
    result = json.loads(run.stdout)
    assert (run.returncode, result["stopped"]) == (0, "context")
    assert len(result["prompt_ids"]) + len(result["ids"]) == 128
    assert run.stderr.count("\n") == 1
    assert "128" in run.stderr


def test_generation_goes_on_past_an_end_of_text_unless_told_to_stop():
    end = json.loads((MINIGPT / "config.json").read_text())["eos_token_id"]
    on = as_json("generate", "Yesterday I", "--tokens", "126")
    assert end in on["ids"][:-1]
    stopped = as_json("generate", "Yesterday I", "--tokens", "126", "--stop")
    assert stopped["stopped"] == "end"
    assert stopped["ids"] == on["ids"][: on["ids"].index(end) + 1]


def test_the_smallest_temperature_is_greedy():
    greedy = as_json("generate", "Yesterday I", "--tokens", "9")["ids"]
    assert as_json("generate", "Yesterday I", "--tokens", "9", "--temperature", "1e-308")["ids"] == greedy


def test_sampling_is_seeded():
    sampled = [
        as_json("generate", "Yesterday I", "--tokens", "20", "--temperature", "3", "--seed", seed)["ids"]
        for seed in ("1", "1", "2")
    ]
    assert sampled[0] == sampled[1] != sampled[2]


def test_top_k_alone_samples_too_and_top_1_takes_the_best():
    def ids(*options):
        return as_json("generate", "Yesterday I", "--tokens", "30", *options)["ids"]

    assert ids("--top-k", "50", "--seed", "1") != ids("--top-k", "50", "--seed", "2")
    assert ids("--top-k", "1") == ids()


def test_a_card_is_for_people():
    run = kvlab("generate", "Yesterday I", "--tokens", "3")
    assert run.returncode == 0
    assert "Yesterday I worked" in run.stdout
    assert "128 KiB" in run.stdout


def test_a_card_shows_every_word_of_a_long_text_however_narrow_the_terminal():
    text = as_json("generate", "Yesterday I", "--tokens", "60")["text"]
    card = kvlab("generate", "Yesterday I", "--tokens", "60", COLUMNS="50").stdout
    words = "".join(c if c.isalnum() or c in ".<|>" else " " for c in card.replace("│", " ")).split()
    said = text.split()
    assert len(said) > 40
    assert any(words[i : i + len(said)] == said for i in range(len(words)))


def test_verify_agrees_in_everything_but_plain_blas():
    result = as_json("verify", "--prompts", "3", "--tokens", "40")
    share = result.pop("blas_differing_logits_share")
    assert share > 0.5
    assert result == {
        "steps": 120,
        "differing_logits": 0,
        "differing_kv": 0,
        "differing_tokens": 0,
        "max_abs_difference": 0.0,
    }


def model_folder(folder, a, config, tokenizer_json=None):
    save_folder(folder, config, random_tensors(a), tokenizer_json)
    return str(folder)


LLAMA_CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 22,
    "hidden_size": 67,
    "intermediate_size": 109,
    "vocab_size": 211,
    "max_position_embeddings": 83,
    "rms_norm_eps": 1e-5,
}


def test_token_ids_are_a_prompt_with_spaces_or_without_and_give_what_their_text_gives():
    text = as_json("generate", "Yesterday I", "--tokens", "5")
    ids = text["prompt_ids"]
    for written in (",".join(map(str, ids)), " , ".join(map(str, ids))):
        assert as_json("generate", "--ids", written, "--tokens", "5") == text


def test_a_llama_folder_without_a_tokenizer_generates_ids_and_no_text(tmp_path):
    folder = model_folder(tmp_path / "llama", LLAMA_PRIMES, LLAMA_CONFIG)
    result = as_json("generate", "--ids", "3,1,4", "--tokens", "9", "--model", folder)
    expected = generate_cached(random_model(LLAMA_PRIMES), [3, 1, 4], 9)
    assert (result["prompt_ids"], result["ids"], result["text"]) == ([3, 1, 4], list(expected.ids), None)
    assert result["cache_bytes"] == expected.cache_bytes == 2 * 3 * 2 * 83 * 22 * 4
    arguments = ["generate", "--ids", "3,1,4", "--tokens", "9", "--model", folder]
    assert as_json(*arguments, "--no-cache")["ids"] == result["ids"]
    card = kvlab(*arguments).stdout
    assert " ".join(map(str, expected.ids)) in card
    assert "text" not in card


def test_a_folder_with_a_tokenizer_that_cannot_be_used_still_runs_on_ids(tmp_path):
    metaspace = json.dumps({"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})
    folder = model_folder(tmp_path / "llama", LLAMA_PRIMES, LLAMA_CONFIG, metaspace)
    assert as_json("generate", "--ids", "3,1,4", "--tokens", "2", "--model", folder)["text"] is None
    assert as_json("verify", "--prompts", "1", "--tokens", "2", "--model", folder)["steps"] == 2
    sentence = refused("generate", "Yesterday I", "--tokens", "2", "--model", folder)
    assert "not a byte-level tokenizer" in sentence
    assert "--ids 1,2,3" in sentence


def test_verify_runs_the_demo_and_a_llama_folder_on_seeded_ids(tmp_path):
    for model in ("demo", model_folder(tmp_path / "llama", LLAMA_PRIMES, LLAMA_CONFIG)):
        result = as_json("verify", "--prompts", "3", "--tokens", "40", "--model", model)
        share = result.pop("blas_differing_logits_share")
        assert share > 0.1
        assert result.pop("steps") == 120
        assert set(result.values()) == {0}


def test_the_demo_runs_by_name_and_has_no_text(tmp_path):
    result = as_json("generate", "--ids", "1,2,3", "--tokens", "4", "--model", "demo")
    assert result["text"] is None
    assert result["ids"] == list(generate_cached(demo_model(), [1, 2, 3], 4).ids)
    assert "the demo model has no tokenizer.json" in refused("generate", "I", "--tokens", "4", "--model", "demo")
    assert "leave out --stop" in refused("generate", "--ids", "1", "--tokens", "4", "--model", "demo", "--stop")


def stick(monkeypatch, last):
    """Let the position of a single token stop at one: decoding is wrong, and recomputing, a whole pass, is right."""
    right = DenseCache.positions

    def positions(self, n_tokens):
        return np.minimum(right(self, n_tokens), last if n_tokens == 1 else 10**6)

    monkeypatch.setattr(DenseCache, "positions", positions)


def test_verify_exits_with_1_when_anything_differs(monkeypatch):
    stick(monkeypatch, 9)
    run = kvlab("verify", "--prompts", "1", "--tokens", "20", "--json")
    assert run.returncode == 1
    assert json.loads(run.stdout)["differing_logits"] > 0


@pytest.mark.parametrize(("stuck_at", "title"), [(999, "identical to the last bit"), (9, "NOT identical")])
def test_the_card_of_a_verification_says_what_it_found(monkeypatch, stuck_at, title):
    stick(monkeypatch, stuck_at)
    card = kvlab("verify", "--prompts", "1", "--tokens", "20").stdout
    assert f"─ {title} ─" in card
    assert "of 10,240" in card  # logits: 20 steps over a vocabulary of 512


def test_a_size_is_shown_as_a_formula_with_its_numbers_and_in_both_units():
    run = kvlab("size", "gpt2", "--context", "1024", "--batch", "3", "--dtype", "fp32")
    assert (run.returncode, run.stderr) == (0, "")
    assert "GPT-2 small, 1,024 tokens × 3, fp32" in run.stdout
    assert "2 · L · H_kv · d_h · S · B · s" in run.stdout
    assert "2 · 12 · 12 · 64 · 1,024 · 3 · 4 = 226,492,416 B" in run.stdout
    assert "226.49 MB" in run.stdout
    assert "216 MiB" in run.stdout


@pytest.mark.parametrize(
    ("model", "context", "batch", "dtype", "cache_bytes", "over_limit"),
    [
        ("MiniGPT", 128, 1, "fp32", 131072, False),
        ("GPT-2 small", 1024, 1, "fp16", 37748736, False),
        ("GPT-3", 2048, 1, "fp16", 9663676416, False),
        ("gpt2", 1025, 3, "bf16", 3 * 1025 * 36864, True),
    ],
)
def test_size_counts_the_bytes_and_says_where_the_context_is_over_the_limit(
    model, context, batch, dtype, cache_bytes, over_limit
):
    arguments = ["size", model, "--context", str(context), "--batch", str(batch), "--dtype", dtype, "--json"]
    run = kvlab(*arguments)
    result = json.loads(run.stdout)
    assert run.returncode == 0
    assert (result["cache_bytes"], result["over_limit"]) == (cache_bytes, over_limit)
    assert run.stderr.count("\n") == int(over_limit)


def test_a_size_says_what_it_is_made_of_by_its_keys():
    found = as_json("size", "Gemma-3-27B", "--context", "32768", "--batch", "3", "--dtype", "q8_0")
    token = 16 * 128 * 2 * 34 // 32
    assert found == {
        "model": "Gemma-3-27B",
        "model_type": "gemma3_text",
        "context": 32768,
        "batch": 3,
        "dtype": "q8_0",
        "over_limit": False,
        "cache_bytes": 3 * token * (52 * 1024 + 10 * 32768),
        "attention_bytes": 3 * token * (52 * 1024 + 10 * 32768),
        "state_bytes": 0,
        "bytes_per_token": 10 * token,
        "parameters": 27009346304,
        "parameters_note": "",
        "inferred": [
            {"key": key, "value": value, "class": "Gemma3TextConfig"}
            for key, value in (("sliding_window_pattern", 6), ("vocab_size", 262208), ("tie_word_embeddings", True))
        ],
        "layers": {"sliding": 52, "full": 10},
    }


JAMBA = {"model_type": "jamba", "num_hidden_layers": 9, "hidden_size": 96, "num_attention_heads": 6}
JAMBA |= {"num_key_value_heads": 3, "intermediate_size": 109, "num_experts": 5, "vocab_size": 211}


def test_a_configuration_is_sized_by_its_path_or_its_folder_and_says_what_it_left_out(tmp_path):
    folder = tmp_path / "my-jamba"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(JAMBA))
    by_file = as_json("size", str(folder / "config.json"), "--context", "7", "--dtype", "fp32")
    assert by_file == as_json("size", str(folder), "--context", "7", "--dtype", "fp32")
    assert (by_file["model"], by_file["layers"]) == ("my-jamba", {"recurrent": 8, "full": 1})
    assert by_file["attention_bytes"] == 2 * 3 * 16 * 7 * 4
    assert by_file["state_bytes"] == 8 * (192 * 4 + 192 * 16) * 4
    assert by_file["cache_bytes"] == by_file["attention_bytes"] + by_file["state_bytes"]
    assert {"key": "mamba_d_state", "value": 16, "class": "JambaConfig"} in by_file["inferred"]
    halved = as_json("size", str(folder), "--context", "7", "--dtype", "q4_0")
    assert halved["state_bytes"] == 8 * (192 * 4 * 2 + 192 * 16 * 4)


def test_the_line_with_numbers_has_one_term_for_each_kind_of_layer(tmp_path):
    lines = kvlab("size", "Gemma-3-1B", "--context", "700").stdout
    assert "Σ L_i · (w_K · s_b + w_V · s_b) · S_i · B" in lines
    assert "22 · (256 · 2 + 256 · 2) · 512 · 1 = 11,534,336 B" in lines
    assert "4 · (256 · 2 + 256 · 2) · 700 · 1 = 2,867,200 B" in lines


def test_a_model_whose_first_layers_are_full_and_others_not_has_the_general_formula(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "gpt_neo"}')
    lines = kvlab("size", str(tmp_path), "--context", "300").stdout
    assert "Σ L_i" in lines
    assert "12 · (2,048 · 2 + 2,048 · 2) · 300 · 1 = 29,491,200 B" in lines
    assert "12 · (2,048 · 2 + 2,048 · 2) · 256 · 1 = 25,165,824 B" in lines


def test_an_explanation_leads_from_the_layers_to_the_bytes():
    run = kvlab("explain", "DeepSeek-V3", "--context", "32768", "--dtype", "q8_0")
    assert run.returncode == 0
    for line in (
        "61 × latent: all 32,768 tokens",
        "K of a token: 1 · 576 = 576 elements, 32 in 34 B",
        "V of a token: none, it is computed from the latent",
        "61 · (18 · 34 + 0 · 34) · 32,768 · 1 = 1,223,294,976 B",
        "1,223,294,976 B = 1.22 GB (1.14 GiB)",
        "671,026,419,200",
    ):
        assert line in run.stdout


def test_what_an_explanation_inferred_it_names_with_its_class(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(JAMBA))
    shown = kvlab("explain", str(tmp_path), "--context", "7").stdout
    assert "8 × recurrent: a state of 768 + 3,072 elements, whatever the context" in shown
    assert "recurrent: 8 · (768 · 2 + 3,072 · 4) · 1 = 110,592 B" in shown
    assert "1,344 B of K and V + 110,592 B of states = 111,936 B" in shown
    assert "mamba_expand = 2, by JambaConfig" in shown


@pytest.mark.parametrize(
    ("arguments", "free", "tokens", "sequences"),
    [
        (["Llama-2-7B", "--budget", "40GiB", "--weights", "14GiB"], 26 * 2**30, 53248, 13),
        (["Llama-2-7B", "--budget", "40GiB", "--weights", "14GiB", "--batch", "8"], 26 * 2**30, 6656, 13),
        (["Llama-2-7B", "--budget", "40GB", "--weights", "14GiB"], 40 * 10**9 - 14 * 2**30, 47621, 11),
        (["Llama-2-7B", "--budget", "40GB", "--weights", "14GiB", "--batch", "8"], 40 * 10**9 - 14 * 2**30, 5952, 11),
        (["Llama-2-7B", "--device", "A100 40GB"], 40 * 2**30 - 2 * 6738415616, 56214, 13),
    ],
)
def test_a_memory_has_room_for_so_many_tokens_and_so_many_sequences(arguments, free, tokens, sequences):
    found = as_json("fit", *arguments)
    assert (found["free_bytes"], found["tokens"], found["sequences"]) == (free, tokens, sequences)
    assert (found["over_limit"], found["context"], found["memories_for_weights"]) == (True, 4096, 1)


@pytest.mark.parametrize(("dtype", "devices"), [("fp16", 5), ("int8", 3)])
def test_weights_that_do_not_fit_leave_no_room_and_say_how_many_devices_they_take(dtype, devices):
    found = as_json("fit", "GPT-3", "--device", "h100", "--weights-dtype", dtype)
    assert found["free_bytes"] < 0
    assert (found["tokens"], found["sequences"], found["memories_for_weights"]) == (0, 0, devices)
    assert f"take {devices} such memories" in kvlab("fit", "GPT-3", "--device", "h100", "--weights-dtype", dtype).stdout


def test_a_fit_says_that_the_memory_is_what_the_device_reports():
    assert "81,559 MiB, as nvidia-smi reports it" in " ".join(
        kvlab("fit", "Mistral-7B-v0.1", "--device", "h100").stdout.replace("│", "").split()
    )


def test_a_window_that_is_full_needs_no_more_room():
    found = as_json("fit", "Mistral-7B-v0.1", "--budget", "24GiB")
    assert (found["tokens"], found["over_limit"]) == (None, False)
    assert "as many tokens as you like" in kvlab("fit", "Mistral-7B-v0.1", "--budget", "24GiB").stdout


def test_the_lists_name_every_model_and_device_with_its_source():
    listed = as_json("models")
    assert {m["name"] for m in listed["models"]} == {m.name for m in catalog.all_models()}
    assert all(source["url"] and source["read"] for m in listed["models"][1:] for source in m["sources"])
    assert set(listed["model_types"]) == set(model_types())
    table = kvlab("models").stdout
    assert all(m.name in table for m in catalog.all_models())
    assert "61 latent" in table
    devices = as_json("devices")["devices"]
    assert {d["name"]: d["memory_bytes"] for d in devices}["RTX 4090"] == 24564 * 2**20
    assert "1,555 GB/s" in kvlab("devices").stdout
    assert "165.2 TFLOP/s" in kvlab("devices").stdout


def test_a_short_training_writes_a_folder_that_generates_and_overwrites_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "Recipe", partial(trainer.Recipe, n_documents=600))
    folder = tmp_path / "small"
    result = as_json("train", "--steps", "2", "--out", str(folder))
    assert result["steps"] == 2
    assert as_json("generate", "Yesterday I", "--tokens", "2", "--model", str(folder))["stopped"] == "length"
    before = (folder / "model.safetensors").read_bytes()
    assert "exists already" in refused("train", "--steps", "2", "--out", str(folder))
    assert (folder / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["generate", "Yesterday I", "--tokens", "0"], "--tokens"),
        (["generate", "Yesterday I", "--tokens", "many"], "many"),
        (["generate", "Yesterday I"], "--tokens"),
        (["generate", "", "--tokens", "1"], "no tokens"),
        (["generate", "Yesterday I worked. " * 40, "--tokens", "1"], "128"),
        (["generate", "Ayer trabajé", "--tokens", "1"], "é"),
        (["generate", "Yesterday I", "--tokens", "1", "--model", "nowhere"], "nowhere"),
        (["generate", "Yesterday I", "--tokens", "1", "--model", ""], "config.json"),
        (["generate", "--tokens", "1"], "--ids 1,2,3"),
        (["generate", "Yesterday I", "--ids", "1", "--tokens", "1"], "--ids 1,2,3"),
        (["generate", "--ids", "", "--tokens", "1"], "whole number"),
        (["generate", "--ids", "1,,2", "--tokens", "1"], "whole number"),
        (["generate", "--ids", "1,-2", "--tokens", "1"], "'-2'"),
        (["generate", "--ids", "1 2", "--tokens", "1"], "'1 2'"),
        (["generate", "--ids", "1.5", "--tokens", "1"], "'1.5'"),
        (["generate", "--ids", "512", "--tokens", "1"], "0 to 511"),
        (["generate", "--ids", ",".join(["1"] * 129), "--tokens", "1"], "128"),
        (["verify", "--model", "nowhere"], "nowhere"),
        (["verify", "--model", "demo", "--tokens", "128"], "128"),
        (["generate", "Yesterday I", "--tokens", "1", "--temperature", "0"], "temperature"),
        (["generate", "Yesterday I", "--tokens", "1", "--temperature", "nan"], "temperature"),
        (["generate", "Yesterday I", "--tokens", "1", "--top-k", "0"], "--top-k"),
        (["generate", "Yesterday I", "--tokens", "1", "--seed", "3"], "--temperature"),
        (["generate", "Yesterday I", "--tokens", "1", "--model", "n" * 300], "nnn"),
        (["train", "--steps", "1", "--out", "README.md/model"], "README.md/model"),
        (["train", "--steps", "1", "--out", "n" * 300], "nnn"),
        (["train", "--steps", "1", "--out", "."], "."),
        (["size", "gpt2", "--context", "1e3"], "whole number"),
        (["size", "gpt2", "--context", "0" * 19 + "9" * 30], "whole number"),
        (["size", "gpt2", "--context", "²"], "whole number"),
        (["verify", "--prompts", "229"], "228"),
        (["verify", "--tokens", "200"], "128"),
        (["size", "gpt-5", "--context", "1"], "gpt-5"),
        (["size", "nowhere.json", "--context", "1"], "nowhere.json"),
        (["size", "tests", "--context", "1"], "tests/config.json"),
        (["size", "README.md", "--context", "1"], "README.md is not valid JSON"),
        (["size", "", "--context", "1"], "unknown model ''"),
        (["size", "a\nb", "--context", "1"], "unknown model"),
        (["size", "gpt2"], "--context"),
        (["explain", "gpt-5", "--context", "1"], "gpt-5"),
        (["fit", "gpt2"], "either a --budget, such as 24GiB, or a --device"),
        (["fit", "gpt2", "--budget", "1GiB", "--device", "h100"], "either a --budget"),
        (["fit", "gpt2", "--budget", "24G"], "24GB or 24GiB"),
        (["fit", "gpt2", "--budget", "24"], "24GB or 24GiB"),
        (["fit", "gpt2", "--budget", "0B"], "'0B'"),
        (["fit", "gpt2", "--budget", "-1GB"], "'-1GB' is not a size"),
        (["fit", "gpt2", "--budget", "1e3GB"], "'1e3GB' is not a size"),
        (["fit", "gpt2", "--device", "abacus"], "abacus"),
        (["fit", "gpt2", "--budget", "1GB", "--weights-dtype", "fp12"], "fp12"),
        (["fit", "gpt2", "--budget", "1GB", "--weights-dtype", "fp16", "--weights", "1GB"], "either --weights"),
        (["fit", "gpt2", "--budget", "1GB", "--context", "0"], "--context"),
        (["size", "gpt2", "--context", "-1"], "--context"),
        (["size", "gpt2", "--context", "1.5"], "1.5"),
        (["size", "gpt2", "--context", "9" * 5000], "--context"),
        (["size", "gpt2", "--context", "1", "--dtype", "fp12"], "fp12"),
        (["train", "--steps", "1"], "--out"),
        (["swim"], "swim"),
        (["size", "gpt2", "--context", "1", "--colour"], "--colour"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_wrong_input_gets_one_sentence_and_exit_code_2(arguments, named):
    assert named in refused(*arguments)


def test_a_folder_without_a_tokenizer_and_one_that_is_malformed_are_refused(tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((MINIGPT / name).read_bytes())
    arguments = ["generate", "Yesterday I", "--tokens", "1", "--model", str(tmp_path)]
    assert "has no tokenizer.json; give the prompt as token ids" in refused(*arguments)
    (tmp_path / "tokenizer.json").write_text("{}")
    assert "tokenizer.json is not" in refused(*arguments)
    (tmp_path / "config.json").write_text("{")
    assert "config.json" in refused(*arguments)


def test_without_a_command_the_help_is_shown():
    run = kvlab()
    assert run.returncode == 0
    assert "generate" in run.stdout


# In processes: the entry point, pipes, encodings and signals.


def test_a_process_prints_its_result_on_stdout_and_a_note_on_stderr():
    arguments = ("size", "gpt2", "--context", "1025", "--json")
    run = process(*arguments)
    assert (run.returncode, run.stdout, run.stderr) == kvlab(*arguments)
    assert json.loads(run.stdout)["over_limit"]
    assert run.stderr.count("\n") == 1


def test_a_process_that_refuses_says_one_sentence():
    assert refused("size", "gpt-5", "--context", "1", by=process) == refused("size", "gpt-5", "--context", "1")


@pytest.mark.parametrize("output", ["", "--json"])
def test_a_reader_that_leaves_early_is_no_error(output):
    command = f"set -o pipefail; {sys.executable} -m kvlab size gpt2 --context 1 {output} | true"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("where", [">&-", "> /dev/full"])
def test_an_output_that_cannot_be_written_is_no_traceback(where):
    command = f"{sys.executable} -m kvlab size gpt2 --context 1 {where}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in run.stderr


def test_a_terminal_without_a_letter_still_gets_the_rest():
    run = process("size", "gpt2", "--context", "1", PYTHONIOENCODING="ascii")
    assert run.returncode == 0
    assert "36,864 B" in run.stdout


INTERRUPTED = """
import functools, os, signal, sys
from kvlab.cli import main
from kvlab.training import trainer

# A suite that runs in the background ignores the signal, and so would what it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
clip = trainer.clip

def interrupt(*arguments):
    os.kill(os.getpid(), signal.SIGINT)
    clip(*arguments)

trainer.clip = interrupt
trainer.Recipe = functools.partial(trainer.Recipe, n_documents=600)
main(["train", "--steps", "2000", "--out", sys.argv[1]])
"""


def test_an_interrupted_training_leaves_nothing_and_exits_with_130(tmp_path):
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "model")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (130, "kvlab: interrupted; nothing was written\n")
    assert list(tmp_path.iterdir()) == []
