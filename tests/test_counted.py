"""What the MiniGPT's passes count while they run: met by loops over its shapes, and by the accounting."""

import pytest

from kvlab import counted
from kvlab.errors import KvlabError

PROMPT = "Yesterday I worked at home. Tomorrow they"
LAYERS, D, HEADS, D_FF, VOCAB = 2, 64, 4, 256, 512


def test_each_weight_is_multiplied_by_each_token_and_the_head_by_the_last_one():
    tokens = counted.prompt_tokens(PROMPT)
    assert tokens == 8
    for phase, rows in (("prefill", tokens), ("decode", 1)):
        expected = {"qkv": 3 * D * D, "output": D * D, "mlp": 2 * D * D_FF}
        for operation, elements in expected.items():
            assert counted.counted_flops(PROMPT, phase, operation) == 2 * LAYERS * elements * rows
        assert counted.counted_flops(PROMPT, phase, "head") == 2 * VOCAB * D


def test_attention_reads_a_whole_block_for_each_query_and_needs_the_slots_up_to_its_own():
    assert counted.counted_flops(PROMPT, "prefill", "scores") == 2 * LAYERS * D * 8 * 32
    assert counted.counted_flops(PROMPT, "decode", "weighted sum") == 2 * LAYERS * D * 32
    assert counted.counted_pairs(PROMPT, "prefill") == LAYERS * HEADS * sum(range(1, 9))
    assert counted.counted_pairs(PROMPT, "decode") == LAYERS * HEADS * 9


def test_the_accounting_counts_all_of_them_alike(monkeypatch):
    assert counted.operations_counted(PROMPT) == 12
    assert counted.operations_miscounted(PROMPT) == 0
    right = counted.accounted
    monkeypatch.setattr(counted, "accounted", lambda *args, **kwargs: right(*args, **kwargs) + (args[1] == "qkv"))
    assert counted.operations_miscounted(PROMPT) == 2


def test_what_was_not_counted_is_refused():
    with pytest.raises(KvlabError, match="'softmax'"):
        counted.counted_flops(PROMPT, "prefill", "softmax")
    with pytest.raises(KvlabError, match="unknown phase 'prefil'"):
        counted.counted_pairs(PROMPT, "prefil")
