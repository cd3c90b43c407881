"""Protects the trace: that it changes no byte, that what it notes is what happened, and what its command shows."""

import dataclasses
import json

import numpy as np
import pytest
from command_line import as_json, kvlab, refused
from random_models import LLAMA_PRIMES, PRIMES, random_model
from safetensors.numpy import load_file

from kvlab.cache import READ_TILE, DenseCache
from kvlab.decoding.generation import generate_cached, recompute
from kvlab.decoding.recomputation import compare_with_recomputation
from kvlab.decoding.trace import offset_bytes, trace
from kvlab.errors import KvlabError
from kvlab.model import save_folder
from kvlab.training import MINIGPT
from kvlab.training.tokenizer import Tokenizer

PROMPT = [3, 101, 7, 44, 9]
# A prompt of more than a block, so that its queries are read in two groups, and tokens behind it.
LONG = [(7 * i + 5) % 211 for i in range(READ_TILE + 5)]

both_families = pytest.mark.parametrize("shapes", [PRIMES, LLAMA_PRIMES], ids=lambda a: a.family)


@both_families
@pytest.mark.parametrize("prompt", [PROMPT, LONG], ids=len)
def test_a_traced_run_computes_the_bytes_of_an_untraced_one(shapes, prompt):
    model = random_model(shapes)
    cache = DenseCache.for_model(shapes)
    run = generate_cached(model, prompt, 7, cache=cache)
    traced = trace(model, prompt, 7)
    assert traced.generation == run
    assert traced.cache.keys.tobytes() == cache.keys.tobytes()
    assert traced.cache.values.tobytes() == cache.values.tobytes()


def test_the_prompt_is_one_step_and_each_token_after_it_another_and_the_last_one_chosen_is_in_none():
    traced = trace(random_model(), PROMPT, 3, text_of=lambda id_: f"<{id_}>")
    ids = traced.generation.ids
    assert [step.phase for step in traced.steps] == ["prefill", "decode", "decode"]
    assert [[token.id for token in step.tokens] for step in traced.steps] == [PROMPT, [ids[0]], [ids[1]]]
    assert [step.positions for step in traced.steps] == [(0, 1, 2, 3, 4), (5,), (6,)]
    assert tuple(step.chosen.id for step in traced.steps) == ids
    assert [token.text for token in traced.held] == [f"<{id_}>" for id_ in (*PROMPT, *ids[:2])]
    assert len(traced.held) == traced.cache.position == 7


@both_families
@pytest.mark.parametrize("n_tokens", [1, 2, 4])
def test_the_slots_noted_as_written_are_those_that_the_buffers_hold(shapes, n_tokens):
    traced = trace(random_model(shapes), PROMPT, n_tokens)
    noted = [
        [write.layer, slot]
        for step in traced.steps
        for write in step.writes
        for slot in range(write.first_slot, write.first_slot + write.n_slots)
    ]
    # No weight is zero, so no entry that was written is, and the rest of the buffer was made of zeros.
    for buffer in (traced.cache.keys, traced.cache.values):
        assert sorted(noted) == np.argwhere(buffer.any(axis=(1, 2, 4))).tolist()
    written = sum(write.written_bytes for step in traced.steps for write in step.writes)
    assert written == 4 * (np.count_nonzero(traced.cache.keys) + np.count_nonzero(traced.cache.values))


@both_families
def test_at_the_noted_offset_of_each_head_lie_the_bytes_of_the_slot(shapes):
    traced = trace(random_model(shapes), PROMPT, 3)
    memory = traced.cache.keys.tobytes()
    for step in traced.steps:
        for write in step.writes:
            assert len(write.offset_bytes) == shapes.n_kv_heads
            for head, offset in enumerate(write.offset_bytes):
                slot = traced.cache.keys[write.layer, 0, head, step.positions[0]]
                assert memory[offset : offset + slot.nbytes] == slot.tobytes()


def test_an_offset_moves_by_the_strides_of_the_buffer():
    cache = DenseCache.for_model(PRIMES)
    layer, _, head, slot, _ = cache.keys.strides
    assert offset_bytes(cache, 2, 3, 5) == 2 * layer + 3 * head + 5 * slot


@both_families
def test_whole_blocks_are_noted_as_read_and_the_slots_up_to_the_newest_query_as_attended_to(shapes):
    traced = trace(random_model(shapes), LONG, 2)
    n_slots = 2 * READ_TILE
    expected = [
        [(0, READ_TILE, READ_TILE, READ_TILE), (READ_TILE, 5, n_slots, len(LONG))],
        [(len(LONG), 1, n_slots, len(LONG) + 1)],
    ]
    for step, groups in zip(traced.steps, expected, strict=True):
        for layer in range(shapes.n_layers):
            reads = [read for read in step.reads if read.layer == layer]
            assert [(r.first_position, r.n_queries, r.n_slots, r.n_attended) for r in reads] == groups
            assert [r.read_bytes for r in reads] == [
                2 * shapes.n_kv_heads * group[2] * shapes.head_dim * 4 for group in groups
            ]


@both_families
def test_attention_is_a_share_of_each_slot_up_to_the_newest_token_in_every_layer_and_head(shapes):
    for step in trace(random_model(shapes), LONG, 4).steps:
        assert step.attention.shape == (shapes.n_layers, shapes.n_heads, step.positions[-1] + 1)
        # Some forty float32 shares, each rounded by at most 2⁻²⁴ of itself, and their sum rounded as often.
        np.testing.assert_allclose(step.attention.astype(np.float64).sum(axis=-1), 1, rtol=50 * 2**-24)


@both_families
def test_the_last_token_of_a_prompt_attends_with_the_bytes_with_which_it_does_when_it_comes_alone(shapes):
    model = random_model(shapes)
    alone = trace(model, PROMPT, READ_TILE + 7)
    text = [token.id for token in alone.held]
    for step in alone.steps[1:]:
        prefill = trace(model, text[: step.positions[0] + 1], 1).steps[0]
        assert prefill.attention.tobytes() == step.attention.tobytes()


def test_a_heads_attention_is_the_softmax_of_its_query_with_the_keys_of_its_group():
    model, a = random_model(LLAMA_PRIMES), LLAMA_PRIMES
    traced = trace(model, PROMPT, 1)
    # By hand, in float64, for the first layer: its input is the embedding alone.
    x = model.embed_tokens[PROMPT[-1]].astype(np.float64)
    block, t = model.blocks[0], len(PROMPT) - 1
    h = x / np.sqrt((x * x).mean() + a.norm_epsilon) * block.input_layernorm[0]
    half = a.head_dim // 2
    turn = np.exp(1j * t * a.rope_theta ** (-np.arange(half) / half))
    for head in range(a.n_heads):
        q = block.q_proj[head * a.head_dim : (head + 1) * a.head_dim] @ h
        turned = (q[:half] + 1j * q[half:]) * turn
        keys = traced.cache.keys[0, 0, head * a.n_kv_heads // a.n_heads, : t + 1]
        scores = keys @ np.concatenate([turned.real, turned.imag]) / np.sqrt(a.head_dim)
        weights = np.exp(scores - scores.max())
        # Scores of a few units in float32, summed over 22 products: absolute errors of about 1e-6.
        np.testing.assert_allclose(traced.steps[0].attention[0, head], weights / weights.sum(), rtol=1e-4, atol=1e-7)


@both_families
def test_candidates_are_the_softmax_of_the_recomputed_logits_best_first(shapes):
    model = random_model(shapes)
    traced = trace(model, PROMPT, 3, n_candidates=shapes.vocab_size + 1)
    for step in traced.steps:
        text = [token.id for token in traced.held][: step.positions[-1] + 1]
        logits = recompute(model, text)[0].astype(np.float64)
        p = {candidate.token.id: candidate.probability for candidate in step.candidates}
        assert sorted(p) == list(range(shapes.vocab_size))
        assert list(p.values()) == sorted(p.values(), reverse=True)
        assert next(iter(p)) == step.chosen.id
        # In float64 on both sides: exponents of tens, rounded at 2⁻⁵³ of themselves.
        expected = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose([p[id_] for id_ in range(shapes.vocab_size)], expected, rtol=1e-13)


def test_of_equal_candidates_the_smaller_id_comes_first_and_no_more_are_noted_than_asked_for():
    model = random_model()
    indifferent = dataclasses.replace(model, head=np.zeros_like(model.head))
    step = trace(indifferent, PROMPT, 1, n_candidates=3).steps[0]
    assert [(c.token.id, round(c.probability * 211, 9)) for c in step.candidates] == [(0, 1), (1, 1), (2, 1)]
    assert step.candidates[0].token == step.chosen


@both_families
@pytest.mark.parametrize("prompt", [PROMPT, LONG], ids=len)
def test_every_slot_that_a_run_leaves_has_the_bytes_of_a_full_recomputation(shapes, prompt):
    model = random_model(shapes)
    compared = compare_with_recomputation(model, trace(model, prompt, 7))
    held = len(prompt) + 6
    assert compared.identical
    assert compared.differing_entries == (0,) * held
    assert compared.compared_entries == 2 * shapes.n_layers * shapes.n_kv_heads * held * shapes.head_dim
    assert compared.position == len(prompt) - 1
    assert [(slot.layer, slot.tensor) for slot in compared.slots] == [(n, t) for n in range(3) for t in "KV"]


@pytest.mark.parametrize(("buffer", "tensor"), [("keys", "K"), ("values", "V")])
def test_one_wrong_bit_is_seen_in_its_slot_and_in_no_other(buffer, tensor):
    model = random_model()
    traced = trace(model, PROMPT, 3)
    array = getattr(traced.cache, buffer)
    right = array[2, 0, 1, 4].copy()
    array.view(np.uint32)[2, 0, 1, 4, 11] ^= 1
    compared = compare_with_recomputation(model, traced, 4)
    assert not compared.identical
    assert compared.differing_entries == (0, 0, 0, 0, 1, 0, 0)
    assert [(s.layer, s.tensor) for s in compared.slots if s.differing_entries] == [(2, tensor)]
    wrong = next(slot for slot in compared.slots if slot.differing_entries)
    assert wrong.cached[1].tobytes() == array[2, 0, 1, 4].tobytes() != right.tobytes() == wrong.recomputed[1].tobytes()
    elsewhere = compare_with_recomputation(model, traced, 3)
    assert not any(slot.differing_entries for slot in elsewhere.slots)
    assert not elsewhere.identical


@pytest.mark.parametrize("position", [-1, 7])
def test_a_position_that_the_run_does_not_leave_in_the_cache_is_refused(position):
    model = random_model()
    traced = trace(model, PROMPT, 3)
    with pytest.raises(KvlabError, match=rf"position {position} is not in the cache; the run leaves 0 to 6"):
        compare_with_recomputation(model, traced, position)


@pytest.mark.parametrize(
    ("prompt", "n_tokens", "n_candidates", "message"),
    [
        ([], 1, 5, "no tokens"),
        ([211], 1, 5, "211"),
        (PROMPT, 0, 5, "at least 1"),
        (PROMPT, 1, 0, "0 candidates"),
        ([1] * 83, 1, 5, "fills the model's context of 83"),
    ],
)
def test_what_cannot_be_traced_is_refused(prompt, n_tokens, n_candidates, message):
    with pytest.raises(KvlabError, match=message):
        trace(random_model(), prompt, n_tokens, n_candidates=n_candidates)


def test_yesterday_i_is_told_slot_by_slot():
    told = as_json("trace", "Yesterday I", "--tokens", "1")
    (step,) = told["steps"]
    assert (step["phase"], step["positions"]) == ("prefill", [0, 1])
    assert [token["text"] for token in step["tokens"]] == ["Yesterday", " I"]
    assert step["chosen"] == step["candidates"][0]["token"] == {"id": told["ids"][0], "text": " worked"}
    assert len(step["candidates"]) == 5
    cache = told["cache"]
    for layer, write in enumerate(step["writes"]):
        assert (write["layer"], write["first_slot"], write["n_slots"]) == (layer, 0, 2)
        assert write["offset_bytes"] == [
            layer * cache["next_layer_bytes"] + head * cache["next_head_bytes"] for head in range(4)
        ]
    assert cache["next_slot_bytes"] == 4 * cache["head_dim"]
    assert cache["next_head_bytes"] == cache["capacity"] * cache["next_slot_bytes"]
    assert [(read["n_slots"], read["n_attended"]) for read in step["reads"]] == [(32, 2)] * 2
    assert np.shape(step["attention"]) == (2, 4, 2)


def test_the_slot_of_i_has_the_same_bytes_cached_and_recomputed():
    compared = as_json("trace", "Yesterday I", "--tokens", "3")["recomputation"]
    assert compared["position"] == 1
    assert compared["differing_entries"] == 0
    assert compared["differing_entries_by_position"] == [0, 0, 0, 0]
    assert compared["compared_entries"] == 2 * 2 * 4 * 16 * 4
    assert [(slot["layer"], slot["tensor"]) for slot in compared["slots"]] == [(0, "K"), (0, "V"), (1, "K"), (1, "V")]
    for slot in compared["slots"]:
        assert (slot["compared_entries"], slot["differing_entries"]) == (64, 0)
        assert len(bytes.fromhex(slot["cached_first_bytes_hex"])) == 8
        assert slot["cached_first_bytes_hex"] == slot["recomputed_first_bytes_hex"]
    assert len({slot["cached_first_bytes_hex"] for slot in compared["slots"]}) == 4


def test_another_slot_can_be_compared_and_other_candidates_shown():
    told = as_json("trace", "Yesterday I", "--tokens", "2", "--slot", "2", "--top", "3")
    assert told["recomputation"]["position"] == 2
    assert [len(step["candidates"]) for step in told["steps"]] == [3, 3]


def test_a_trace_continues_as_generate_does():
    generated = as_json("generate", "Tomorrow she", "--tokens", "40")
    told = as_json("trace", "Tomorrow she", "--tokens", "40")
    assert {name: told[name] for name in ("prompt_ids", "ids", "text", "stopped")} == {
        name: generated[name] for name in ("prompt_ids", "ids", "text", "stopped")
    }
    assert told["cache"]["cache_bytes"] == generated["cache_bytes"]


def test_the_demo_model_has_ids_and_no_text():
    told = as_json("trace", "--ids", "3,5,7", "--tokens", "2", "--model", "demo")
    assert told["text"] is None
    assert told["steps"][0]["tokens"] == [{"id": 3, "text": None}, {"id": 5, "text": None}, {"id": 7, "text": None}]
    card = kvlab("trace", "--ids", "3,5,7", "--tokens", "2", "--model", "demo").stdout
    assert "None" not in card
    assert f"chosen      {told['ids'][1]} " in card


def test_a_token_that_the_tokenizer_does_not_know_has_no_text(tmp_path):
    tensors = load_file(MINIGPT / "model.safetensors")
    (wte,) = (name for name in tensors if name.endswith("wte.weight"))
    tensors[wte] = np.concatenate([tensors[wte], tensors[wte][:9]])
    config = json.loads((MINIGPT / "config.json").read_text()) | {"vocab_size": 521}
    save_folder(tmp_path / "wide", config, tensors, (MINIGPT / "tokenizer.json").read_text())
    told = as_json("trace", "--ids", "206,520", "--tokens", "1", "--top", "521", "--model", str(tmp_path / "wide"))
    assert [token["text"] for token in told["steps"][0]["tokens"]] == ["Yesterday", None]
    candidates = [candidate["token"] for candidate in told["steps"][0]["candidates"]]
    assert sorted(token["id"] for token in candidates if token["text"] is None) == list(range(512, 521))


@pytest.mark.parametrize(
    ("prompt", "columns"), [("Yesterday I", "80"), ("Yesterday I worked in the garden with my friend", "100")]
)
def test_the_card_fits_in_eighty_columns_and_names_what_it_shows(prompt, columns):
    run = kvlab("trace", prompt, "--tokens", "30", COLUMNS=columns)
    assert (run.returncode, run.stderr) == (0, "")
    assert max(map(len, run.stdout.splitlines())) <= 80
    assert "…" not in run.stdout  # nothing is cut
    for said in ("step 1: prefill, positions 0 to ", "step 30: decode, position ", "identical to the last bit"):
        assert said in run.stdout


def test_the_card_of_yesterday_i_shows_slots_bytes_attention_and_candidates():
    told = as_json("trace", "Yesterday I", "--tokens", "2")
    card = kvlab("trace", "Yesterday I", "--tokens", "2", COLUMNS="80").stdout
    rows = [line.strip("│ ━╸").split() for line in card.splitlines()]
    texts = ["'Yesterday'", "' I'", "' worked'"]
    for step, states in zip(told["steps"], (["written", "written"], ["held", "held", "written"]), strict=True):
        share = np.mean(step["attention"][-1], axis=0)
        for slot, state in enumerate(states):
            assert [str(slot), *texts[slot].split(), state, str(64 * slot), f"{share[slot]:.1%}"] in rows
        for candidate in step["candidates"]:
            assert f"'{candidate['token']['text']}' {candidate['probability']:.1%}" in card
    for slot in told["recomputation"]["slots"]:
        assert bytes.fromhex(slot["cached_first_bytes_hex"]).hex(" ") in card
    assert "0 of 768 entries of K and V differ" in card


def test_earlier_slots_share_a_row_with_the_sum_of_their_attention():
    last = as_json("trace", "Yesterday I", "--tokens", "20")["steps"][-1]
    card = kvlab("trace", "Yesterday I", "--tokens", "20", COLUMNS="80").stdout
    share = np.mean(last["attention"][-1], axis=0)[:13].sum()
    (row,) = (line for line in card.split("step 20:")[1].splitlines() if "earlier ones" in line)
    assert row.split()[1:5] == ["0–12", "earlier", "ones", f"{share:.1%}"]


def test_brackets_and_colons_in_a_token_are_neither_markup_nor_an_emoji(monkeypatch):
    monkeypatch.setattr(Tokenizer, "token", lambda *_: "[b]:cat:[/x]\x1b")
    run = kvlab("trace", "Yesterday I", "--tokens", "1")
    assert run.returncode == 0
    assert run.stdout.count(r"'[b]:cat:[/x]\x1b'") == 2 + 1 + 5 + 1  # the prompt's, the chosen, candidates, the slot's


def test_a_cache_that_differs_gives_exit_code_1_and_its_card_says_so(monkeypatch):
    right = DenseCache.positions
    # A single token always stands at position 1: right for a whole pass, wrong in decode.
    monkeypatch.setattr(DenseCache, "positions", lambda self, n: right(self, n) if n > 1 else np.ones((1, 1), int))
    # The slot of "I" is right, and that of a later position wrong.
    for arguments, said in (([], "─ cached and recomputed: NOT identical ─"), (["--json"], '_by_position": [0, 0, ')):
        run = kvlab("trace", "Yesterday I", "--tokens", "3", *arguments)
        assert run.returncode == 1
        assert said in run.stdout


def test_what_does_not_fit_is_traced_up_to_the_context_and_said_once():
    run = kvlab("trace", "Yesterday I", "--tokens", "999", "--json")
    told = json.loads(run.stdout)
    assert (run.returncode, told["stopped"], len(told["steps"])) == (0, "context", 126)
    assert run.stderr == "kvlab: stopped after 126 of 999 tokens: the context of 128 is full\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--tokens", "1"], "either a PROMPT"),
        (["Yesterday I", "--ids", "1", "--tokens", "1"], "either a PROMPT"),
        (["Yesterday I"], "--tokens"),
        (["", "--tokens", "1"], "no tokens"),
        (["Ayer trabajé", "--tokens", "1"], "é"),
        (["--ids", "1,512", "--tokens", "1"], "511"),
        (["Yesterday I", "--tokens", "1", "--top", "0"], "--top"),
        (["Yesterday I", "--tokens", "1", "--slot", "2"], "leaves 0 to 1"),
        (["Yesterday I", "--tokens", "1", "--slot", "-1"], "--slot"),
        (["Yesterday I", "--tokens", "1", "--model", "demo"], "--ids"),
        (["--ids", ",".join(["1"] * 128), "--tokens", "1"], "fills the model's context of 128"),
        (["Yesterday I", "--tokens", "1", "--model", "nowhere"], "nowhere"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_a_wrong_call_of_trace_gets_one_sentence_and_exit_code_2(arguments, named):
    assert named in refused("trace", *arguments)
