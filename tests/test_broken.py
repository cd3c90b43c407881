"""Protects the measured damage of each classic cache bug: where it is first seen, and what becomes of the loss.

Slow: the losses of ninety-six texts with each broken cache.
"""

import numpy as np
import pytest

from kvlab.cache import DenseCache, KVCache
from kvlab.cache.broken import BUGS
from kvlab.decoding.degradation import EARLY_TOKENS, Damage, Difference, Run, damage, first_difference, teacher_forced
from kvlab.errors import KvlabError
from kvlab.experiments.minigpt import (
    bug_damage,
    bug_first_difference,
    bug_prompt,
    held_out_texts,
    minigpt,
    minigpt_tokenizer,
)
from kvlab.training.corpus import generate_corpus
from kvlab.training.gradients import cross_entropy
from kvlab.training.trainer import Recipe, _split, token_stream

# The length that never advances costs a nat at first and 1.6 later: with fewer texts, three standard errors of
# the early tokens reach as far as that.
N_TEXTS = 96

VERDICTS = {
    "slot_too_far": "heals",
    "slot_overwritten": "heals",
    "position_stuck": "worsens",
    "length_stuck": "worsens",
    "ring_too_small": "late",
    "window_too_small": "late",
    "position_off_by_one": "silent",
    "rounded_to_half": "silent",
    "rows_swapped": "stays",
    "chunk_unmasked": "heals",
}
# Whose damage is measured in the fast tier too: one that heals, and one that worsens.
QUICK = ("slot_too_far", "position_stuck")
EVERY_BUG = pytest.mark.parametrize("bug", BUGS)


# Bytes


FIRST = {
    # The entry of the first new token is elsewhere, or another.
    "slot_too_far": Difference(1, 0, "K"),
    "slot_overwritten": Difference(1, 0, "K"),
    "position_off_by_one": Difference(1, 0, "K"),
    # The first new token stands right; the second does not.
    "position_stuck": Difference(2, 0, "K"),
    "length_stuck": Difference(2, 0, "K"),
    # Right until the 65th token is written, or the 33rd reads: steps 49 and 17 behind a prompt of 16.
    "ring_too_small": Difference(49, 0, "K"),
    "window_too_small": Difference(17, 1, "K"),
    # All that is written is rounded, from the prompt on.
    "rounded_to_half": Difference(0, 0, "K"),
    # What is written in the first layer is right, what is read there is not, and the second layer shows it.
    "rows_swapped": Difference(1, 1, "K"),
    "chunk_unmasked": Difference(0, 1, "K"),
}


@EVERY_BUG
def test_the_byte_comparison_catches_every_bug_where_it_first_does_harm(bug):
    found = bug_first_difference(bug)
    assert found[:3] == FIRST[bug][:3]
    # In the slot of a token that the pass computed or read, and inside that slot.
    a = minigpt().architecture
    assert 0 <= found.slot < 127
    assert 0 <= found.kv_head < a.n_kv_heads
    slots, byte = divmod(found.offset_bytes, a.head_dim * 4)
    assert slots % a.max_context == found.slot
    assert 0 <= byte < a.head_dim * 4


def test_two_right_caches_do_not_differ():
    a, texts = minigpt().architecture, held_out_texts(2)
    right, other = DenseCache.for_model(a, batch=2), DenseCache.for_model(a, batch=2)
    assert first_difference(minigpt(), right, other, texts, 16) is None
    assert right.position == other.position == 128


class LastValueBit(DenseCache):
    """In the last layer, a bit of the newest V falls over once the pass is over."""

    def advance(self, n_tokens):
        super().advance(n_tokens)
        self.values[-1, 1, 0, self._held - 1, :1].view(np.uint32)[0] ^= 1


class LastLayerUnread(DenseCache):
    """The last layer reads another sequence's entries, when it decodes: K and V are right in all layers."""

    def read(self, layer, reading):
        keys, values = super().read(layer, reading)
        return (keys[::-1], values[::-1]) if layer == self.shape[0] - 1 and self._held >= 20 else (keys, values)


def test_a_difference_is_found_in_values_and_in_logits_too():
    a, texts = minigpt().architecture, held_out_texts(2)[:, :24]
    # Layer 1, sequence 1 of 2, head 0 of 4, slot 15 of 128, 16 elements of 4 bytes; the lowest bit is in the first.
    of_a_bit = Difference(0, 1, "V", 15, 0, (((1 * 2 + 1) * 4 + 0) * 128 + 15) * 16 * 4)
    for kind, expected in ((LastValueBit, of_a_bit), (LastLayerUnread, Difference(5, None, "logits"))):
        right, wrong = DenseCache.for_model(a, batch=2), kind.for_model(a, batch=2)
        assert first_difference(minigpt(), right, wrong, texts, 16) == expected


@EVERY_BUG
def test_a_bug_is_one_method_of_the_protocol_and_the_ring_two(bug):
    protocol = {name for name in vars(KVCache) if not name.startswith("_")}
    assert len(protocol & set(vars(BUGS[bug]))) == (2 if bug == "ring_too_small" else 1)


# Loss


@pytest.mark.parametrize("bug", [bug if bug in QUICK else pytest.param(bug, marks=pytest.mark.slow) for bug in BUGS])
def test_what_becomes_of_the_damage_is_computed_and_is_this(bug):
    assert bug_damage(bug, N_TEXTS).verdict == VERDICTS[bug]


@pytest.mark.slow
@pytest.mark.parametrize("stored", ["fp16", "int8"])
def test_storing_in_fewer_bytes_is_silent(stored):
    assert bug_damage(stored, N_TEXTS).verdict == "silent"
    assert bug_damage(stored, N_TEXTS).choices_changed < 0.01


@pytest.mark.slow
def test_the_damage_of_a_misplaced_slot_is_large_at_first_and_gone_later():
    for bug in ("slot_too_far", "slot_overwritten"):
        assert bug_damage(bug, N_TEXTS).early_loss > 0.2
        assert abs(bug_damage(bug, N_TEXTS).late_loss) < 0.01
        assert not any(bug_damage(bug, N_TEXTS).by_position[:16])


def test_a_stuck_position_costs_nothing_at_first_and_much_later():
    assert abs(bug_damage("position_stuck", N_TEXTS).early_loss) < 0.01
    assert bug_damage("position_stuck", N_TEXTS).late_loss > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "full"), [("ring_too_small", 64), ("window_too_small", 32)])
def test_a_ring_and_a_window_change_no_loss_until_they_are_full(bug, full):
    assert bug_damage(bug, N_TEXTS).onset == full
    assert not any(bug_damage(bug, N_TEXTS).by_position[:full])


@pytest.mark.slow
def test_a_position_off_by_one_is_silent_in_the_loss_and_changes_choices():
    assert bug_damage("position_off_by_one", N_TEXTS).choices_changed > 0.01


@pytest.mark.slow
def test_swapped_rows_are_loud_from_the_first_token_on():
    assert min(bug_damage("rows_swapped", N_TEXTS).early_loss, bug_damage("rows_swapped", N_TEXTS).late_loss) > 2


@pytest.mark.slow
def test_without_a_mask_in_its_chunks_the_prompt_itself_is_damaged():
    assert bug_prompt("chunk_unmasked") == 64
    assert np.mean(bug_damage("chunk_unmasked", N_TEXTS).by_position[:64]) > 0.5


def test_a_loss_is_given_for_each_token_that_has_a_next_one_within_the_context():
    assert len(bug_damage("position_stuck", N_TEXTS).by_position) == 127


# The measure


def test_the_texts_are_from_the_end_of_the_corpus_that_training_holds_out():
    stream = token_stream(generate_corpus(), minigpt_tokenizer())
    _, held_out = _split(stream, Recipe(), 128)
    texts = held_out_texts(N_TEXTS)
    assert texts.shape == (N_TEXTS, 128)
    assert texts.ravel().tolist() == held_out[: N_TEXTS * 128].tolist()


def test_teacher_forced_losses_are_the_bytes_of_one_whole_pass_and_their_mean_is_the_cross_entropy_of_training():
    texts, a = held_out_texts(7), minigpt().architecture
    run = teacher_forced(minigpt(), DenseCache.for_model(a, batch=7), texts, 50)
    whole = teacher_forced(minigpt(), DenseCache.for_model(a, batch=7), texts, 127)
    assert run.losses.tobytes() == whole.losses.tobytes()
    logits = minigpt().logits(minigpt().forward(texts[:, :-1], DenseCache.for_model(a, batch=7)))
    assert np.array_equal(run.choices, logits.argmax(-1))
    # The training's own loss rounds to float32: 6e-8 of about 1.
    assert run.losses.mean() == pytest.approx(cross_entropy(logits, texts[:, 1:])[0], rel=1e-6)


def made(early, late, between=0.0, noise=0.0):
    """Return a damage of 6 texts, 3 tokens of prompt and 30 behind it, of which the last 10 are late."""
    change = np.zeros((6, 33))
    change[:, 3 : 3 + EARLY_TOKENS] = early
    change[:, 3 + EARLY_TOKENS : 23] = between
    change[:, 23:] = late
    return Damage(change + noise * np.array([1, -1, 1, -1, 1, -1])[:, None], prompt=3, choices_changed=0)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (made(0, 0), "silent"),
        (made(0, 0, between=1), "silent"),
        (made(0.009, 0.009), "silent"),  # too small to be seen
        (made(0.5, 0.5, noise=1), "silent"),  # lost in chance: a standard error of 0.45
        (made(-1, -1), "silent"),  # no damage
        (made(1, 0), "heals"),
        (made(0, 1), "late"),
        (made(0.001, 1), "worsens"),
        (made(1, 2), "worsens"),
        (made(1, 1.009), "stays"),
        (made(2, 1), "fades"),
    ],
)
def test_the_verdict_follows_the_rule(case, verdict):
    assert case.verdict == verdict


def test_early_and_late_are_the_tokens_after_the_prompt_and_the_last_third():
    case = made(1, 2)
    assert case.early.tolist() == [1] * 6
    assert case.late.tolist() == [2] * 6
    assert case.by_position == [0] * 3 + [1] * EARLY_TOKENS + [0] * (20 - EARLY_TOKENS) + [2] * 10
    assert (case.onset, made(0, 0).onset) == (3, None)


def test_the_share_of_choices_changed_counts_those_after_the_prompt():
    losses, choices = np.zeros((2, 13)), np.zeros((2, 13), int)
    other = choices.copy()
    other[0, [1, 5, 9]] = 1  # one of them in the prompt of 3
    assert damage(Run(losses, choices), Run(losses, other), 3).choices_changed == 2 / 20


def test_what_cannot_be_measured_is_refused():
    def run(n_texts, n_tokens):
        return Run(np.zeros((n_texts, n_tokens)), np.zeros((n_texts, n_tokens), int))

    with pytest.raises(KvlabError, match=r"\(3, 20\).*\(2, 20\)"):
        damage(run(2, 20), run(3, 20), 3)
    with pytest.raises(KvlabError, match="at least 2"):
        damage(run(1, 20), run(1, 20), 3)
    with pytest.raises(KvlabError, match="20 tokens are too short after a prompt of 16"):
        damage(run(2, 20), run(2, 20), 16)


def test_a_bug_that_is_not_there_and_texts_that_are_not_there_are_refused_by_name():
    with pytest.raises(KvlabError, match=r"unknown bug 'none'.*rows_swapped"):
        bug_first_difference("none")
    with pytest.raises(KvlabError, match=r"unknown cache 'none'.*int8"):
        bug_damage("none", 2)
    for n_texts in (0, 10_000):
        with pytest.raises(KvlabError, match=rf"{n_texts} texts were asked for; there are 1"):
            held_out_texts(n_texts)
