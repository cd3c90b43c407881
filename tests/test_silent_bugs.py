"""What finds a bug, what attention gives to an empty slot, and what the pages show of both."""

import re
from pathlib import Path

import numpy as np
import pytest

from kvlab.cache import DenseCache
from kvlab.cache.broken import BUGS, SlotTooFar
from kvlab.decoding.generation import generate_cached, generate_uncached, recompute
from kvlab.errors import KvlabError
from kvlab.experiments import silent_bugs
from kvlab.experiments.minigpt import bug_damage, bug_prompt, held_out_texts, minigpt, minigpt_tokenizer
from kvlab.experiments.yesterday_worked import slot_entries, slot_entries_differing, slot_first_bytes
from kvlab.model import EXACT
from kvlab.training.corpus import sample_prompts

ROOT = Path(__file__).parents[1]
N_TEXTS = 3


def code_of(page):
    text = (ROOT / "docs/en" / page).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


# Which test finds which bug.


def test_prompts_are_counted_where_a_token_differs():
    model, by_hand = minigpt(), 0
    for prompt in sample_prompts(5):
        ids = minigpt_tokenizer().encode(prompt)
        wrong = generate_cached(model, ids, 7, cache=BUGS["position_stuck"].for_model(model.architecture))
        by_hand += wrong.ids != generate_uncached(model, ids, 7).ids
    assert silent_bugs.prompts_with_other_tokens("position_stuck", 5, 7) == by_hand
    assert 0 < by_hand < 5


def test_prompts_are_counted_where_a_byte_differs():
    # A single sequence has no neighbour, and 33 tokens must be in reach before a window of 32 shuts one out.
    assert silent_bugs.prompts_with_other_bytes("rows_swapped", 3, 5) == 0
    assert silent_bugs.prompts_with_other_bytes("rounded_to_half", 3, 5) == 3
    assert silent_bugs.prompts_with_other_bytes("window_too_small", 3, 29) == 0
    assert silent_bugs.prompts_with_other_bytes("window_too_small", 3, 35) == 3


def test_the_first_differing_step_is_that_of_two_sequences():
    assert silent_bugs.first_differing_step("rows_swapped") == 1
    assert silent_bugs.first_differing_step("rounded_to_half") == 0


def test_an_unknown_bug_is_refused_by_name():
    for count in (silent_bugs.prompts_with_other_tokens, silent_bugs.prompts_with_other_bytes):
        with pytest.raises(KvlabError, match="unknown bug 'none'; known are slot_too_far"):
            count("none", 1, 1)


# Losses.


def test_the_right_loss_is_what_a_recomputation_gives():
    texts, nats = held_out_texts(2), []
    for text in texts.tolist():
        for at in range(16, 127):
            logits = recompute(minigpt(), text[: at + 1])[0].astype(np.float64)
            nats.append(np.log(np.exp(logits).sum()) - logits[text[at + 1]])
    assert silent_bugs.right_loss(2) == pytest.approx(np.mean(nats), abs=1e-5)


def test_the_prompt_and_the_first_change_are_those_of_the_damage():
    change = bug_damage("chunk_unmasked", N_TEXTS).change
    assert silent_bugs.prompt_loss_change("chunk_unmasked", N_TEXTS) == pytest.approx(change[:, :64].mean())
    assert bug_prompt("chunk_unmasked") == 64
    assert bug_damage("window_too_small", N_TEXTS).onset == 32
    assert bug_damage("slot_too_far", N_TEXTS).onset == 16


# The empty slot.


def test_the_weight_of_the_empty_slot_is_what_a_value_of_ones_there_would_add():
    model, texts, at = minigpt(), held_out_texts(N_TEXTS), 21
    held, added = SlotTooFar.for_model(model.architecture, batch=N_TEXTS), []

    def mix(p, values):
        with_ones = values.copy()
        with_ones[:, 16] = 1
        added.append((EXACT.mix(p, with_ones) - EXACT.mix(p, values)).mean())
        return EXACT.mix(p, values)

    model.forward(texts[:, :16], held)
    for position in range(16, at + 1):
        added.clear()
        model.forward(texts[:, position : position + 1], held, EXACT._replace(mix=mix))
    for layer in (0, 1):
        assert silent_bugs.empty_slot_weight(N_TEXTS, layer, at - 16) == pytest.approx(added[layer], abs=1e-5)
        assert len(silent_bugs.empty_slot_weights(N_TEXTS, layer)) == 111


def test_the_best_other_score_leaves_out_the_empty_slot_and_what_lies_after():
    model, texts = minigpt(), held_out_texts(N_TEXTS)
    held, best = SlotTooFar.for_model(model.architecture, batch=N_TEXTS), []

    def scores(keys, q):
        result = EXACT.scores(keys, q)  # slots 0 to 15, the empty one, and the first new one
        best.append(np.maximum(result[..., :16].max(-1), result[..., 17]).mean())
        assert (result[..., 16] == 0).all()
        return result

    model.forward(texts[:, :16], held)
    model.forward(texts[:, 16:17], held, EXACT._replace(scores=scores))
    for layer in (0, 1):
        assert silent_bugs.largest_other_scores(N_TEXTS, layer)[0] == pytest.approx(best[layer])


def test_early_late_and_the_crossing_are_read_off_the_scores():
    scores = silent_bugs.largest_other_scores(N_TEXTS, 1)
    assert silent_bugs.early_largest_score(N_TEXTS, 1) == pytest.approx(np.mean(scores[:4]))
    assert silent_bugs.late_largest_score(N_TEXTS, 1) == pytest.approx(np.mean(scores[74:]))
    step = silent_bugs.empty_slot_outdone_at(N_TEXTS, 1) - 16
    assert scores[step - 1] <= 0 < min(scores[step:])
    with pytest.raises(KvlabError, match="there is no layer 2; the MiniGPT has layers 0 to 1"):
        silent_bugs.empty_slot_weights(N_TEXTS, 2)


# One slot.


def test_a_slot_is_shown_as_its_bytes_in_both_ways():
    ids = minigpt_tokenizer().encode("Yesterday I")
    held = DenseCache.for_model(minigpt().architecture)
    run = generate_cached(minigpt(), ids, 2, cache=held)
    _, again = recompute(minigpt(), [*ids, run.ids[0]])
    for cached, buffers in ((True, held), (False, again)):
        expected = buffers.values[1, 0, 0, 2].tobytes()[:8]
        assert bytes.fromhex(slot_first_bytes("Yesterday I", 2, 2, "V", 1, cached)) == expected
    assert slot_entries_differing("Yesterday I", 2, 2, "V", 1) == 0
    assert slot_entries("Yesterday I", 2, 2, "V", 1) == 64
    with pytest.raises(KvlabError, match="no 'Q' in layer 0"):
        slot_entries("Yesterday I", 2, 2, "Q", 0)


# The pages' code.


def test_the_broken_code_that_the_break_page_shows_is_the_code_that_runs():
    shown = [line for block in code_of("break/00-silent-bugs.md")[:-1] for line in block.splitlines() if line.strip()]
    source = (ROOT / "kvlab/cache/broken.py").read_text(encoding="utf-8").splitlines()
    assert [line for line in shown if line not in source] == []
    assert len([line for line in shown if line.startswith("class ")]) == len(BUGS)


def test_the_last_block_of_the_break_page_runs(capsys):
    exec(code_of("break/00-silent-bugs.md")[-1].replace("96", "3"), {})
    assert capsys.readouterr().out.strip() in {"worsens", "silent", "stays", "late", "fades", "heals"}


def test_the_products_of_lab_02_run_and_rows_alone_repeat_their_bytes(capsys):
    [block] = code_of("labs/02-correctness-test.md")
    exec(block, {})
    rows = [list(map(int, line.split())) for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == [1, 2, 16, 64]
    assert rows[0][1] == 0
    assert [row[2] for row in rows] == [0, 0, 0, 0]
