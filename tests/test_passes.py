"""A pass of a model by its name: the sum of its matrices, counted from their shapes, and what is refused."""

import pytest

from kvlab import catalog
from kvlab.catalog import passes
from kvlab.errors import KvlabError


def test_the_mlp_of_llama_does_two_flops_for_each_element_of_its_three_matrices_and_each_token():
    elements = 32 * 3 * 4096 * 11008
    assert passes.operation("Llama-2-7B", "mlp", 0, 7, 1, 2).flops == 2 * elements * 7
    assert passes.operation("Llama-2-7B", "mlp", 12, 1, 5, 2).flops == 2 * elements * 5
    assert passes.operation("Llama-2-7B", "mlp", 12, 1, 5, 2).weight_bytes == 2 * elements


def test_a_step_of_llama_reads_all_its_weights_but_the_rows_of_its_embedding_that_it_does_not_look_up():
    unread = (32000 - 1) * 4096
    read = 2 * (catalog.model("Llama-2-7B").decoder.parameters - unread)
    assert passes.whole_pass("Llama-2-7B", 1023, 1, 1, 2).weight_bytes == read


def test_a_step_of_gpt2_small_reads_its_tied_table_once_and_one_position():
    unread = (1024 - 1) * 768
    read = 4 * (catalog.model("GPT-2 small").decoder.parameters - unread)
    assert passes.whole_pass("GPT-2 small", 256, 1, 1, 4).weight_bytes == read


def test_a_batch_reads_a_cache_for_each_sequence():
    assert passes.whole_pass("Llama-2-7B", 1023, 1, 3, 2).kv_bytes == 3 * 1024 * 524_288


def test_a_prompt_needs_half_of_the_pairs_that_reading_whole_blocks_touches():
    arguments = {"model_name": "MiniGPT", "operation": "scores", "held": 0, "n_tokens": 23, "batch": 1}
    scores = passes.operation(**arguments, bytes_per_element=4, block=32)
    assert scores.flops == 2 * 2 * 64 * (23 * 24 // 2)
    assert scores.flops_read == 2 * 2 * 64 * (23 * 32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_name": "DeepSeek-V3"}, "only 'gpt2' and 'llama'"),
        ({"model_name": "Lama-2-7B"}, "unknown model"),
        ({"operation": "qvk"}, "unknown operation 'qvk'; known are embedding, norms, qkv"),
        ({"held": 4096}, "4097 tokens exceed the 4096 positions"),
    ],
)
def test_what_is_not_there_is_refused_by_name(changes, message):
    known = {"model_name": "Llama-2-7B", "operation": "qkv", "held": 0, "n_tokens": 1}
    with pytest.raises(KvlabError, match=message):
        passes.operation(**(known | changes), batch=1, bytes_per_element=2)
