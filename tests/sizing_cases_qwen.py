"""Small configurations of Qwen's families."""

from sizing_case import FULL, KIN, MHA, MIXED, QWEN_EXPERTS, SHARED_EXPERT, WINDOW, row, without

MROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [3, 2, 2]}}
DELTA_NET = {
    **SHARED_EXPERT,
    "linear_conv_kernel_dim": 3,
    "linear_key_head_dim": 10,
    "linear_value_head_dim": 13,
    "linear_num_key_heads": 3,
    "linear_num_value_heads": 9,
}

QWENS = {
    "qwen2": row("qwen2", KIN, sliding_window=5, max_window_layers=2),
    "qwen2, late windows, tied": row(
        "qwen2",
        KIN,
        WINDOW,
        use_sliding_window=True,
        sliding_window=5,
        max_window_layers=2,
        head_dim=22,
        tie_word_embeddings=True,
    ),
    "qwen2, windows in all layers": row(
        "qwen2", KIN, WINDOW, use_sliding_window=True, sliding_window=7, max_window_layers=0
    ),
    "qwen2, windows in none": row("qwen2", KIN, use_sliding_window=True, sliding_window=5, max_window_layers=28),
    "qwen2, listed": row("qwen2", KIN, WINDOW, use_sliding_window=True, sliding_window=5, layer_types=MIXED),
    "qwen2_moe": row("qwen2_moe", KIN, **SHARED_EXPERT, sliding_window=5),
    "qwen2_moe, early even windows, tied, no biases": row(
        "qwen2_moe",
        KIN,
        WINDOW,
        **SHARED_EXPERT,
        use_sliding_window=True,
        sliding_window=5,
        max_window_layers=2,
        mlp_only_layers=[1, 3],
        qkv_bias=False,
        tie_word_embeddings=True,
    ),
    "qwen2_moe, experts in every third layer, windows in none": row(
        "qwen2_moe",
        KIN,
        **SHARED_EXPERT,
        num_hidden_layers=7,
        decoder_sparse_step=3,
        mlp_only_layers=[2, 3],
        use_sliding_window=True,
        sliding_window=5,
        max_window_layers=0,
    ),
    "qwen2_moe, windows in the first and the third layer": row(
        "qwen2_moe", KIN, WINDOW, **SHARED_EXPERT, use_sliding_window=True, sliding_window=5, max_window_layers=3
    ),
    "qwen2_moe, listed": row(
        "qwen2_moe", KIN, WINDOW, **SHARED_EXPERT, use_sliding_window=True, sliding_window=7, layer_types=MIXED
    ),
    "qwen3": row("qwen3", KIN, head_dim=22, sliding_window=5),
    "qwen3, late windows, tied, biases": row(
        "qwen3",
        KIN,
        WINDOW,
        head_dim=22,
        use_sliding_window=True,
        sliding_window=7,
        max_window_layers=3,
        attention_bias=True,
        tie_word_embeddings=True,
    ),
    "qwen3_moe": row("qwen3_moe", KIN, head_dim=22, **QWEN_EXPERTS, sliding_window=5),
    "qwen3_moe, windows, tied, biases": row(
        "qwen3_moe",
        KIN,
        WINDOW,
        **QWEN_EXPERTS,
        use_sliding_window=True,
        sliding_window=5,
        attention_bias=True,
        tie_word_embeddings=True,
        decoder_sparse_step=2,
        mlp_only_layers=[3],
    ),
    "qwen3_moe, experts by their other name": row(
        "qwen3_moe", KIN, **without(QWEN_EXPERTS, "num_experts"), num_local_experts=5, mlp_only_layers=[0, 1, 2, 3, 4]
    ),
    "qwen3_next": row("qwen3_next", KIN, num_hidden_layers=9, head_dim=22, **DELTA_NET),
    "qwen3_next, every second layer full, tied, biases": row(
        "qwen3_next",
        KIN,
        head_dim=22,
        **DELTA_NET,
        full_attention_interval=2,
        layer_types=None,
        attention_bias=True,
        tie_word_embeddings=True,
        mlp_only_layers=[1, 3],
        decoder_sparse_step=2,
    ),
    "qwen3_next, listed": row(
        "qwen3_next",
        KIN,
        head_dim=22,
        **DELTA_NET,
        full_attention_interval=3,
        layer_types=[FULL, "linear_attention", FULL, "linear_attention", "linear_attention"],
    ),
    "qwen2_vl_text": row("qwen2_vl_text", {**KIN, **MROPE}, sliding_window=5, tie_word_embeddings=True),
    "qwen2_vl_text, late windows": row(
        "qwen2_vl_text",
        {**KIN, **MROPE},
        WINDOW,
        use_sliding_window=True,
        sliding_window=5,
        max_window_layers=2,
        tie_word_embeddings=True,
    ),
    "qwen2_5_vl_text": row(
        "qwen2_5_vl_text",
        {**KIN, **MROPE},
        WINDOW,
        use_sliding_window=True,
        sliding_window=7,
        max_window_layers=1,
        tie_word_embeddings=True,
    ),
    "qwen3_vl_text": row("qwen3_vl_text", KIN, head_dim=22, tie_word_embeddings=True),
    "qwen3_vl_text, MHA, biases": row(
        "qwen3_vl_text", MHA, num_key_value_heads=6, head_dim=22, attention_bias=True, tie_word_embeddings=True
    ),
}
