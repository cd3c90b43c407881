"""What the MiniGPT's passes count while they run: met by loops over its shapes, and by the accounting."""

import pytest

from kvlab.accounting.operations import Operation
from kvlab.errors import KvlabError
from kvlab.experiments import flop_counter

PROMPT = "Yesterday I worked at home. Tomorrow they"
LAYERS, D, HEADS, D_FF, VOCAB = 2, 64, 4, 256, 512


def test_each_weight_is_multiplied_by_each_token_and_the_head_by_the_last_one():
    tokens = flop_counter.prompt_tokens(PROMPT)
    assert tokens == 8
    for phase, rows in (("prefill", tokens), ("decode", 1)):
        expected = {"qkv": 3 * D * D, "output": D * D, "mlp": 2 * D * D_FF}
        for operation, elements in expected.items():
            assert flop_counter.counted_flops(PROMPT, phase, operation) == 2 * LAYERS * elements * rows
        assert flop_counter.counted_flops(PROMPT, phase, "head") == 2 * VOCAB * D


def test_attention_reads_a_whole_block_for_each_query_and_needs_the_slots_up_to_its_own():
    assert flop_counter.counted_flops(PROMPT, "prefill", "scores") == 2 * LAYERS * D * 8 * 32
    assert flop_counter.counted_flops(PROMPT, "decode", "weighted sum") == 2 * LAYERS * D * 32
    assert flop_counter.counted_pairs(PROMPT, "prefill") == LAYERS * HEADS * sum(range(1, 9))
    assert flop_counter.counted_pairs(PROMPT, "decode") == LAYERS * HEADS * 9


def test_the_accounting_counts_all_of_them_alike(monkeypatch):
    assert flop_counter.operations_counted(PROMPT) == 12
    assert flop_counter.operations_miscounted(PROMPT) == 0
    right = flop_counter.accounted

    def wrong(model_name, operation, *args, **kwargs):
        return right(model_name, operation, *args, **kwargs) + Operation("one more", flops_read=operation == "qkv")

    monkeypatch.setattr(flop_counter, "accounted", wrong)
    assert flop_counter.operations_miscounted(PROMPT) == 2


def test_what_was_not_counted_is_refused():
    with pytest.raises(KvlabError, match="'softmax'"):
        flop_counter.counted_flops(PROMPT, "prefill", "softmax")
    with pytest.raises(KvlabError, match="unknown phase 'prefil'"):
        flop_counter.counted_pairs(PROMPT, "prefil")
