"""Small configurations that are refused, and what the library makes of the key that they are refused for.

BREAKS: the class cannot be built, or not run. IGNORED: it stores the same with the key as without it, so that a file
with it is of a model that the class is not. HONOURED: it stores, or is, something else than its own keys say.
"""

from typing import NamedTuple

from sizing_case import FULL, KIN, MHA, MIXED, QWEN_EXPERTS, SHARED_EXPERT, SLIDING, Config
from sizing_cases import FALCON, GPT2, MPT, NEO
from sizing_cases_others import CHUNKED, GEMMA3N, JAMBA, LATENT, LLAMA4
from sizing_cases_qwen import DELTA_NET

BREAKS, IGNORED, HONOURED = "breaks", "ignored", "honoured"


class Refused(NamedTuple):
    """A configuration without a key, the key with its value, what the library makes of it, and words of the refusal."""

    config: Config
    key: str
    value: object
    outcome: str
    said: str


def refused(model_type: str, base: Config, outcome: str, said: str, /, **key: object) -> Refused:
    """Return a refused configuration."""
    ((name, value),) = key.items()
    return Refused({"model_type": model_type, **base}, name, value, outcome, said)


NEO24 = {**NEO, "num_layers": 24, "window_size": 5}
OFF = {"use_sliding_window": False, "sliding_window": 5}
GEMMA = {**KIN, "head_dim": 22, "sliding_window": 5}

REFUSED = (
    refused("gpt2", GPT2, IGNORED, "head_dim is 24, where this family has only 14", head_dim=24),
    refused("gpt2", GPT2, IGNORED, "num_key_value_heads is 1, where", num_key_value_heads=1),
    refused("gpt2", GPT2, BREAKS, "add_cross_attention is true", add_cross_attention=True),
    refused("gpt2", GPT2, HONOURED, "GPT2Config has no such key", sliding_window=5),
    refused(
        "gpt_bigcode", GPT2, IGNORED, "num_key_value_heads is 5, where this family has only 1", num_key_value_heads=5
    ),
    refused(
        "gpt_neo",
        {**NEO, "window_size": 5, "attention_types": [[["global", "local"], 2], [["global"], 1]]},
        HONOURED,
        "attention_layers, which lists them one by one, says otherwise",
        attention_layers=["global", "local", "global", "local", "local"],
    ),
    refused("gpt_neo", NEO24, BREAKS, "describes 23 layers, and num_layers", attention_types=[[["global"], 23]]),
    refused("gpt_neo", NEO24, BREAKS, "attention_types repeats 1 kinds 25 times", attention_types=[[["global"], 25]]),
    refused("gpt_neo", NEO24, BREAKS, "repeats 2 kinds 13 times", attention_types=[[["global", "local"], 13]]),
    refused("gpt_neo", NEO24, BREAKS, 'the kind "near"', attention_types=[[["near"], 24]]),
    refused("gpt_neo", NEO24, BREAKS, "the kind a list of 1", attention_types=[[[["global"]], 24]]),
    refused("gpt_neo", NEO24, BREAKS, "must have [[kinds], times]", attention_types=["global"]),
    refused("gpt_neo", NEO24, BREAKS, "must have [[kinds], times]", attention_types=[["global", 24]]),
    refused("gpt_neo", NEO24, HONOURED, "must have [[kinds], times]", attention_types=[[["global"], 24, 1]]),
    refused("gpt2", GPT2, BREAKS, "layer_types says otherwise", layer_types=[SLIDING, FULL, FULL]),
    refused("mpt", MPT, BREAKS, "attn_config is 7, and must be an object", attn_config=7),
    refused("mpt", MPT, IGNORED, "expansion_ratio is 3", expansion_ratio=3),
    refused("mpt", MPT, IGNORED, "no_bias is false", no_bias=False),
    refused("mpt", MPT, BREAKS, "no_bias is 1", no_bias=1),
    refused("mpt", MPT, IGNORED, "kv_n_heads 2, where this family has only 4", attn_config={"kv_n_heads": 2}),
    refused("mpt", MPT, IGNORED, "attn_type", attn_config={"attn_type": "multiquery_attention"}),
    refused("mpt", MPT, IGNORED, "qk_ln true", attn_config={"qk_ln": True}),
    refused("mpt", MPT, IGNORED, "alibi false", attn_config={"alibi": False}),
    refused(
        "falcon",
        {**FALCON, "new_decoder_architecture": True},
        BREAKS,
        "the new architecture is always parallel",
        parallel_attn=False,
    ),
    refused("falcon", FALCON, BREAKS, "num_ln_in_parallel_attn is 2, where", num_ln_in_parallel_attn=2),
    refused(
        "falcon",
        {**FALCON, "new_decoder_architecture": True},
        BREAKS,
        "num_ln_in_parallel_attn is 3, where this family has only 2 or 1",
        num_ln_in_parallel_attn=3,
    ),
    refused("falcon", {**FALCON, "multi_query": False}, BREAKS, "num_kv_heads is 2, where", num_kv_heads=2),
    refused("llama", KIN, HONOURED, "LlamaConfig has no such key", sliding_window=5),
    refused("llama", KIN, HONOURED, "LlamaConfig has no such key", attention_chunk_size=5),
    refused("llama", KIN, BREAKS, "LlamaConfig has no such key", per_layer_config={"1": {"num_key_value_heads": 1}}),
    refused("llama", KIN, IGNORED, "use_sliding_window is true, where", use_sliding_window=True),
    refused("mistral", {**KIN, "sliding_window": 5}, HONOURED, "layer_types says otherwise", layer_types=MIXED),
    refused("phi", {**KIN, "hidden_size": 96, "qk_layernorm": True}, BREAKS, "only 16", head_dim=24),
    refused("stablelm", {**KIN, "hidden_size": 96}, BREAKS, "only 16", head_dim=24),
    refused("olmo3", KIN, BREAKS, "sliding_window is null", sliding_window=None),
    refused("qwen2", {**KIN, **OFF}, BREAKS, "layer_types says otherwise", layer_types=MIXED),
    refused("qwen2_moe", {**KIN, **SHARED_EXPERT, **OFF}, BREAKS, "layer_types says otherwise", layer_types=MIXED),
    refused("qwen3_moe", {**KIN, **QWEN_EXPERTS, **OFF}, BREAKS, "layer_types says otherwise", layer_types=MIXED),
    refused(
        "qwen2", {**KIN, "use_sliding_window": True, "sliding_window": 5}, BREAKS, "lists 4", layer_types=MIXED[1:]
    ),
    refused("qwen2", {**KIN, **OFF}, BREAKS, "a list of 1", layer_types=[[SLIDING]] * 5),
    refused("qwen2", {**KIN, "sliding_window": None}, IGNORED, "and sliding_window null", use_sliding_window=True),
    refused("qwen2_moe", {**KIN, **SHARED_EXPERT}, IGNORED, "mlp_only_layers lists layer 5", mlp_only_layers=[5]),
    refused("llama4_text", {**KIN, **LLAMA4}, IGNORED, "moe_layers lists layer 5", moe_layers=[0, 1, 2, 3, 4, 5]),
    refused("smollm3", KIN, BREAKS, "no_rope_layers must be 5 times 0 or 1", no_rope_layers=[1, 0, 1, 0]),
    refused("smollm3", KIN, IGNORED, "no_rope_layers must be 5 times 0 or 1", no_rope_layers=[1, 0, 2, 1, 1]),
    refused(
        "ministral",
        {**KIN, "head_dim": 22, "layer_types": [FULL] * 5},
        BREAKS,
        "sliding_window is null",
        sliding_window=None,
    ),
    refused("qwen3_next", {**KIN, **DELTA_NET}, BREAKS, "cannot be shared out among", linear_num_key_heads=4),
    refused("qwen3_next", {**KIN, **DELTA_NET}, BREAKS, f'"{SLIDING}" is unknown', layer_types=MIXED),
    refused("gemma2", GEMMA, BREAKS, f'"{CHUNKED}" is unknown', layer_types=[CHUNKED, *[FULL] * 4]),
    refused("llama4_text", {**KIN, **LLAMA4}, BREAKS, f'"{SLIDING}" is unknown', layer_types=MIXED),
    refused("llama4_text", {**KIN, **LLAMA4}, BREAKS, "attention_chunk_size is null", attention_chunk_size=None),
    refused("gemma3_text", GEMMA, HONOURED, "use_bidirectional_attention is true", use_bidirectional_attention=True),
    refused("gemma3n_text", {**KIN, **GEMMA3N}, BREAKS, "not one of each kind", num_kv_shared_layers=4),
    refused("gemma3n_text", {**KIN, **GEMMA3N}, BREAKS, "leaves -1 layers", num_kv_shared_layers=6),
    refused("gemma3n_text", {**KIN, **GEMMA3N}, BREAKS, "lists 2 widths", intermediate_size=[37, 41]),
    refused("deepseek_v2", {**MHA, **LATENT}, BREAKS, 'topk_method is "noaux_tc"', topk_method="noaux_tc"),
    refused("deepseek_v2", {**MHA, **LATENT}, IGNORED, "moe_layer_freq is 2", moe_layer_freq=2),
    refused("deepseek_v2", {**MHA, **LATENT}, IGNORED, "head_dim is 24, where this family has only 6", head_dim=24),
    refused("deepseek_v3", {**MHA, **LATENT}, IGNORED, "moe_layer_freq is 2", moe_layer_freq=2),
    refused("deepseek_v3", {**MHA, **LATENT}, BREAKS, "head_dim is 24, where this family has only 6", head_dim=24),
    refused("deepseek_v3", {**MHA, **LATENT}, BREAKS, "num_key_value_heads is 2, where", num_key_value_heads=2),
    refused("jamba", {**KIN, **JAMBA}, BREAKS, "layer_types is a list of 5", layer_types=[FULL] * 5),
    refused("jamba", {**KIN, **JAMBA}, BREAKS, "attn_layer_offset is 3, and must be below", attn_layer_offset=3),
)

# Of every key that changes what some family stores, and of the list of layers, a value that no case has.
ODD = {
    "attention_chunk_size": 3,
    "global_head_dim": 24,
    "head_dim": 24,
    "kv_lora_rank": 9,
    "kv_n_heads": 1,
    "layer_types": [SLIDING, FULL, FULL, SLIDING, SLIDING],
    "multi_query": False,
    "num_global_key_value_heads": 1,
    "num_key_value_heads": 1,
    "num_kv_heads": 1,
    "num_kv_shared_layers": 1,
    "per_layer_config": {"1": {"num_key_value_heads": 1}},
    "sliding_window": 3,
    "window_size": 3,
}
