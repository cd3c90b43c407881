"""Small configurations of every `model_type` that can be sized, as `config.json` holds them: GPT-2 and its time.

Each option of a family is away from its default in one case at least, and windows are small enough to be crossed.
"""

from sizing_case import EXPANDED, FULL, LOCAL, MHA, TOKENS, Case, row, without
from sizing_cases_llama import LLAMAS
from sizing_cases_nested import NESTED
from sizing_cases_others import OTHERS
from sizing_cases_published import PUBLISHED
from sizing_cases_qwen import QWENS

GPT2 = {"n_layer": 3, "n_head": 5, "n_embd": 70, "n_positions": 83, "vocab_size": 211, **TOKENS}
GPTJ = {**GPT2, "n_head": 4, "n_embd": 88, "rotary_dim": 6}
MPT = {"d_model": 88, "n_heads": 4, "n_layers": 3, "max_seq_len": 83, "vocab_size": 211}
NEO = {"num_layers": 5, "num_heads": 3, "hidden_size": 42, "max_position_embeddings": 83, "vocab_size": 211, **TOKENS}
OPT = {**without(MHA, "intermediate_size"), "ffn_dim": 37}
FALCON = without(MHA, "intermediate_size")

EARLY = {
    "gpt2, tied": row("gpt2", GPT2, n_inner=109, layer_types=[FULL] * 3),
    "gpt2, untied, keys by their other names": row(
        "gpt2",
        without(GPT2, "n_layer", "n_head", "n_embd", "n_positions"),
        num_hidden_layers=3,
        num_attention_heads=5,
        hidden_size=70,
        max_position_embeddings=83,
        tie_word_embeddings=False,
    ),
    "gpt_neo, every second layer local": row(
        "gpt_neo", NEO, LOCAL, num_layers=4, attention_types=[[["global", "local"], 2]], window_size=5
    ),
    "gpt_neo, untied, patterns, listed twice": row(
        "gpt_neo",
        NEO,
        LOCAL,
        attention_types=[[["local"], 1], [["global", "local"], 2]],
        attention_layers=["local", "global", "local", "global", "local"],
        window_size=7,
        intermediate_size=37,
        tie_word_embeddings=False,
    ),
    "gpt_neo, global": row("gpt_neo", NEO, attention_types=[[["global"], 5]], window_size=5),
    "gpt_neo, the layers of its class": row("gpt_neo", NEO, LOCAL, num_layers=24, window_size=5),
    "gptj, untied": row("gptj", GPTJ),
    "gptj, tied": row("gptj", GPTJ, n_inner=109, tie_word_embeddings=True),
    "codegen, untied": row("codegen", GPTJ, n_inner=109),
    "codegen, tied": row("codegen", GPTJ, tie_word_embeddings=True),
    "gpt_neox, untied": row("gpt_neox", MHA),
    "gpt_neox, tied, no biases in attention": row(
        "gpt_neox", MHA, attention_bias=False, tie_word_embeddings=True, use_parallel_residual=False
    ),
    "gpt_bigcode, one K/V head": row("gpt_bigcode", GPT2),
    "gpt_bigcode, untied, a K/V head for each query head": row(
        "gpt_bigcode", GPT2, multi_query=False, n_inner=109, tie_word_embeddings=False
    ),
    "bloom, tied": row("bloom", {"hidden_size": 70, "n_layer": 3, "n_head": 5, "vocab_size": 211, **TOKENS}),
    "bloom, untied, keys by their other names": row(
        "bloom",
        {"n_embed": 70, "num_hidden_layers": 3, "num_attention_heads": 5, "vocab_size": 211, **TOKENS},
        tie_word_embeddings=False,
    ),
    "mpt, tied": row("mpt", MPT),
    "mpt, untied": row(
        "mpt",
        MPT,
        expansion_ratio=4,
        no_bias=True,
        attn_config={"attn_type": "multihead_attention", "qk_ln": False, "alibi": True},
        tie_word_embeddings=False,
    ),
}

OPTS = {
    "opt, tied": row("opt", OPT),
    "opt, untied, norms behind, projections": row(
        "opt", OPT, do_layer_norm_before=False, word_embed_proj_dim=24, tie_word_embeddings=False
    ),
    "opt, tied, projections": row("opt", OPT, word_embed_proj_dim=24),
    "opt, no biases": row("opt", OPT, enable_bias=False),
    "opt, norms without weights": row("opt", OPT, layer_norm_elementwise_affine=False),
    "opt, no last norm": row("opt", OPT, _remove_final_layer_norm=True),
}

FALCONS = {
    "falcon, one K/V head": row("falcon", FALCON),
    "falcon, one K/V head, another number written": row("falcon", FALCON, num_kv_heads=6, num_ln_in_parallel_attn=1),
    "falcon, a K/V head for each query head, biases, ALiBi": row(
        "falcon", FALCON, multi_query=False, bias=True, alibi=True, parallel_attn=False, ffn_hidden_size=37
    ),
    "falcon, a K/V head for each query head, as many written": row("falcon", FALCON, multi_query=False, num_kv_heads=6),
    "falcon, untied, width by its old name": row(
        "falcon", without(FALCON, "hidden_size"), n_embed=84, tie_word_embeddings=False
    ),
    "falcon, groups, two norms": row(
        "falcon", FALCON, EXPANDED, new_decoder_architecture=True, num_kv_heads=2, multi_query=True
    ),
    "falcon, groups, one norm": row(
        "falcon",
        FALCON,
        EXPANDED,
        new_decoder_architecture=True,
        num_kv_heads=3,
        num_ln_in_parallel_attn=1,
        bias=True,
    ),
    "falcon, groups of one": row("falcon", FALCON, new_decoder_architecture=True),
}


SMALL: dict[str, Case] = {**EARLY, **OPTS, **FALCONS, **LLAMAS, **QWENS, **OTHERS}
CASES: dict[str, Case] = {**SMALL, **NESTED, **PUBLISHED}
