"""Small configurations of Llama's kin; of Qwen's many in a file of their own."""

from sizing_case import EXPERTS, KIN, MHA, MIXED, WINDOW, WINDOW_OF_ONE, row

LLAMAS = {
    "llama, tied, biases": row("llama", KIN, head_dim=22, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "llama, untied, MHA": row("llama", MHA),
    "llama, MQA, biases in attention": row("llama", KIN, num_key_value_heads=1, attention_bias=True),
    "llama, biases in the MLP": row("llama", KIN, head_dim=None, mlp_bias=True),
    "mistral, window": row("mistral", KIN, WINDOW, sliding_window=5, head_dim=22),
    "mistral, no window, tied": row("mistral", KIN, sliding_window=None, tie_word_embeddings=True),
    "mistral, a window of one": row("mistral", KIN, WINDOW_OF_ONE, sliding_window=1),
    "mistral, a window of two": row("mistral", KIN, WINDOW, sliding_window=2),
    "ministral, window": row("ministral", KIN, WINDOW, head_dim=22, sliding_window=7),
    "ministral, listed, tied": row(
        "ministral", KIN, WINDOW, head_dim=22, sliding_window=5, layer_types=MIXED, tie_word_embeddings=True
    ),
    "ministral3, no window": row("ministral3", KIN, head_dim=22),
    "ministral3, window, tied": row("ministral3", KIN, WINDOW, head_dim=22, sliding_window=7, tie_word_embeddings=True),
    "mixtral": row("mixtral", KIN, **EXPERTS),
    "mixtral, window, tied": row(
        "mixtral", KIN, WINDOW, num_experts=5, head_dim=22, sliding_window=5, tie_word_embeddings=True
    ),
    "phi": row("phi", KIN, head_dim=20),
    "phi, tied, norms on Q and K": row("phi", MHA, hidden_size=96, qk_layernorm=True, tie_word_embeddings=True),
    "phi, groups, norms on Q and K": row("phi", KIN, hidden_size=96, qk_layernorm=True),
    "phi3": row("phi3", KIN),
    "phi3, MHA, window, tied": row("phi3", MHA, WINDOW, sliding_window=5, tie_word_embeddings=True),
    "phimoe": row("phimoe", KIN, **EXPERTS),
    "phimoe, window, tied, biases": row(
        "phimoe",
        KIN,
        WINDOW,
        **EXPERTS,
        sliding_window=5,
        attention_bias=True,
        lm_head_bias=True,
        tie_word_embeddings=True,
    ),
    "starcoder2": row("starcoder2", KIN),
    "starcoder2, window, untied, no biases": row(
        "starcoder2", KIN, WINDOW, sliding_window=5, use_bias=False, tie_word_embeddings=False
    ),
    "stablelm": row("stablelm", KIN, hidden_size=96),
    "stablelm, tied, biases, norms on Q and K": row(
        "stablelm", KIN, hidden_size=96, use_qkv_bias=True, qk_layernorm=True, tie_word_embeddings=True
    ),
    "stablelm, side by side": row("stablelm", KIN, hidden_size=96, use_parallel_residual=True),
    "olmo": row("olmo", MHA),
    "olmo, tied, biases": row("olmo", KIN, attention_bias=True, tie_word_embeddings=True),
    "olmo2": row("olmo2", KIN),
    "olmo2, MHA, tied, biases": row("olmo2", MHA, attention_bias=True, tie_word_embeddings=True),
    "olmo3": row("olmo3", KIN, WINDOW, num_hidden_layers=9, sliding_window=5),
    "olmo3, listed, tied, biases": row(
        "olmo3", KIN, WINDOW, sliding_window=7, layer_types=MIXED, attention_bias=True, tie_word_embeddings=True
    ),
    "olmoe": row("olmoe", KIN, num_experts=5, num_experts_per_tok=2),
    "olmoe, MHA, tied, biases": row(
        "olmoe", MHA, num_local_experts=5, num_experts_per_tok=2, attention_bias=True, tie_word_embeddings=True
    ),
    "glm": row("glm", KIN, head_dim=22),
    "glm, tied, no biases": row("glm", KIN, head_dim=22, attention_bias=False, tie_word_embeddings=True),
    "glm4": row("glm4", KIN, head_dim=22),
    "glm4, tied, no biases": row("glm4", KIN, head_dim=22, attention_bias=False, tie_word_embeddings=True),
    "granite": row("granite", KIN),
    "granite, MHA, tied, biases": row("granite", MHA, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "granite, biases in attention": row("granite", KIN, attention_bias=True),
    "granitemoe": row("granitemoe", KIN, **EXPERTS),
    "granitemoe, MHA, tied, biases": row("granitemoe", MHA, **EXPERTS, attention_bias=True, tie_word_embeddings=True),
    "smollm3": row("smollm3", KIN, sliding_window=5),
    "smollm3, windows, untied, biases": row(
        "smollm3",
        KIN,
        WINDOW,
        use_sliding_window=True,
        sliding_window=5,
        no_rope_layer_interval=2,
        tie_word_embeddings=False,
        attention_bias=True,
        mlp_bias=True,
    ),
    "smollm3, windows where no rotary positions are listed": row(
        "smollm3", KIN, WINDOW, use_sliding_window=True, sliding_window=7, no_rope_layers=[0, 1, 0, 0, 1], mlp_bias=True
    ),
    "smollm3, its own interval": row(
        "smollm3", KIN, WINDOW, use_sliding_window=True, sliding_window=5, attention_bias=True
    ),
    "smollm3, switched on, no window": row("smollm3", KIN, use_sliding_window=True, sliding_window=None),
    "smollm3, listed": row("smollm3", KIN, WINDOW, sliding_window=5, layer_types=MIXED),
    "nemotron": row("nemotron", KIN),
    "nemotron, tied, biases": row(
        "nemotron", KIN, head_dim=22, attention_bias=True, mlp_bias=True, tie_word_embeddings=True
    ),
    "nemotron, biases in attention": row("nemotron", KIN, attention_bias=True),
    "cohere": row("cohere", MHA),
    "cohere, untied, biases, norms on Q and K": row(
        "cohere", KIN, use_qk_norm=True, attention_bias=True, tie_word_embeddings=False
    ),
    "cohere2": row("cohere2", KIN, WINDOW, num_hidden_layers=9, sliding_window=5),
    "cohere2, untied, biases, every second layer full": row(
        "cohere2",
        MHA,
        WINDOW,
        sliding_window=7,
        sliding_window_pattern=2,
        layer_types=None,
        attention_bias=True,
        tie_word_embeddings=False,
    ),
    "cohere2, listed": row("cohere2", KIN, WINDOW, sliding_window=5, layer_types=MIXED, sliding_window_pattern=3),
}
