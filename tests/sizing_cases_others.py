"""Small configurations of Gemma, gpt-oss, Llama 4, and of all that is not a stack of equal layers of attention."""

from sizing_case import FULL, KIN, MHA, MIXED, ROUTER, SLIDING, WINDOW, row, without

LATENT = {
    "kv_lora_rank": 17,
    "q_lora_rank": 19,
    "qk_rope_head_dim": 6,
    "qk_nope_head_dim": 11,
    "v_head_dim": 13,
    "moe_intermediate_size": 29,
    "n_routed_experts": 10,
    "n_shared_experts": 3,
    "num_experts_per_tok": 2,
    "first_k_dense_replace": 2,
    "n_group": 2,
    "topk_group": 1,
}
JAMBA = {
    "attn_layer_period": 3,
    "attn_layer_offset": 1,
    "expert_layer_period": 2,
    "expert_layer_offset": 1,
    "num_experts": 5,
    "num_experts_per_tok": 2,
    "mamba_d_state": 11,
    "mamba_d_conv": 3,
    "mamba_expand": 2,
    "use_mamba_kernels": False,
}
GEMMA3N = {
    "head_dim": 22,
    "sliding_window": 5,
    "num_kv_shared_layers": 2,
    "layer_types": [SLIDING, FULL, SLIDING, SLIDING, FULL],
    "vocab_size_per_layer_input": 89,
    "hidden_size_per_layer_input": 7,
    "laurel_rank": 3,
    "altup_num_inputs": 3,
}
LLAMA4 = {"head_dim": 22, "intermediate_size_mlp": 41, "num_local_experts": 3, "attention_chunk_size": 7}
CHUNKED = "chunked_attention"

GEMMAS = {
    "gemma": row("gemma", KIN, head_dim=22),
    "gemma, untied, biases": row("gemma", KIN, head_dim=26, attention_bias=True, tie_word_embeddings=False),
    "gemma2": row("gemma2", KIN, WINDOW, head_dim=22, sliding_window=5),
    "gemma2, untied, biases, listed": row(
        "gemma2",
        KIN,
        WINDOW,
        head_dim=22,
        sliding_window=7,
        layer_types=MIXED,
        attention_bias=True,
        tie_word_embeddings=False,
    ),
    "gemma3_text": row("gemma3_text", KIN, WINDOW, num_hidden_layers=7, head_dim=22, sliding_window=5),
    "gemma3_text, every third layer full, untied, biases": row(
        "gemma3_text",
        KIN,
        WINDOW,
        head_dim=22,
        sliding_window=7,
        sliding_window_pattern=3,
        layer_types=None,
        attention_bias=True,
        tie_word_embeddings=False,
    ),
    "gemma3_text, listed": row(
        "gemma3_text", KIN, WINDOW, head_dim=22, sliding_window=5, layer_types=MIXED, sliding_window_pattern=3
    ),
    "gemma3n_text": row("gemma3n_text", KIN, WINDOW, **GEMMA3N),
    "gemma3n_text, biases, no layer shares": row(
        "gemma3n_text", KIN, WINDOW, **{**GEMMA3N, "num_kv_shared_layers": 0}, attention_bias=True
    ),
    "gemma3n_text, untied, biases, every fifth layer full, widths listed": row(
        "gemma3n_text",
        KIN,
        WINDOW,
        **without(GEMMA3N, "layer_types"),
        num_hidden_layers=16,
        intermediate_size=[*range(37, 53)],
        attention_bias=True,
        tie_word_embeddings=False,
    ),
}

LLAMA4S = {
    "llama4_text": row("llama4_text", KIN, WINDOW, **LLAMA4),
    "llama4_text, tied, biases, experts in every second layer": row(
        "llama4_text",
        KIN,
        WINDOW,
        **LLAMA4,
        interleave_moe_layer_step=2,
        no_rope_layer_interval=3,
        attention_bias=True,
        tie_word_embeddings=True,
        use_qk_norm=False,
    ),
    "llama4_text, layers with experts and without rotary positions listed": row(
        "llama4_text", KIN, WINDOW, **LLAMA4, moe_layers=[0, 4], no_rope_layers=[1, 0, 0, 1, 0]
    ),
    "llama4_text, no experts": row("llama4_text", KIN, WINDOW, **LLAMA4, moe_layers=[], no_rope_layers=[]),
    "llama4_text, listed": row("llama4_text", KIN, WINDOW, **LLAMA4, layer_types=[CHUNKED, FULL, FULL, FULL, CHUNKED]),
}

GPT_OSS = {
    "gpt_oss": row("gpt_oss", KIN, WINDOW, head_dim=22, sliding_window=5, num_local_experts=5, num_experts_per_tok=2),
    "gpt_oss, tied, no biases, listed": row(
        "gpt_oss",
        KIN,
        WINDOW,
        head_dim=22,
        sliding_window=7,
        num_experts=5,
        num_experts_per_tok=2,
        layer_types=MIXED,
        attention_bias=False,
        tie_word_embeddings=True,
    ),
}

LATENTS = {
    "deepseek_v2": row("deepseek_v2", MHA, **LATENT),
    "deepseek_v2, Q without a latent, tied, groups of experts": row(
        "deepseek_v2",
        MHA,
        **{**LATENT, "q_lora_rank": None},
        topk_method="group_limited_greedy",
        head_dim=6,
        num_key_value_heads=6,
        attention_bias=True,
        tie_word_embeddings=True,
    ),
    "deepseek_v2, biases, experts in every layer": row(
        "deepseek_v2", MHA, **{**LATENT, "first_k_dense_replace": 0}, attention_bias=True, mlp_bias=True
    ),
    "deepseek_v2, biases in MLPs": row("deepseek_v2", MHA, **LATENT, mlp_bias=True, topk_method="greedy"),
    "deepseek_v3": row("deepseek_v3", MHA, ROUTER, **LATENT),
    "deepseek_v3, Q without a latent, tied, biases": row(
        "deepseek_v3",
        MHA,
        ROUTER,
        **{**LATENT, "q_lora_rank": None},
        attention_bias=True,
        tie_word_embeddings=True,
    ),
    "deepseek_v3, no experts": row("deepseek_v3", MHA, **{**LATENT, "first_k_dense_replace": 7}, attention_bias=True),
}

JAMBAS = {
    "jamba": row("jamba", KIN, **JAMBA),
    "jamba, tied, no biases but in projections": row(
        "jamba",
        KIN,
        **{**JAMBA, "mamba_expand": 3, "expert_layer_period": 3, "attn_layer_period": 2, "attn_layer_offset": 0},
        mamba_dt_rank=7,
        mamba_conv_bias=False,
        mamba_proj_bias=True,
        tie_word_embeddings=True,
    ),
    "jamba, one expert": row("jamba", KIN, hidden_size=96, **{**JAMBA, "num_experts": 1, "num_experts_per_tok": 1}),
}

OTHERS = {**GEMMAS, **LLAMA4S, **GPT_OSS, **LATENTS, **JAMBAS}
