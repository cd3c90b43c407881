"""Small configurations of models with towers, whose decoder is described in `text_config`."""

from sizing_case import KIN, WINDOW, row
from sizing_cases_others import GEMMA3N, LLAMA4
from sizing_cases_qwen import MROPE

VISION = {
    "hidden_size": 16,
    "intermediate_size": 20,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
SIGLIP = {"vision_config": {"model_type": "siglip_vision_model", **VISION}}
CLIP = {"vision_config": {"model_type": "clip_vision_model", "projection_dim": 8, **VISION}}
PIXTRAL = {"vision_config": {"model_type": "pixtral", **VISION}}
LLAMA4_VISION = {
    "vision_config": {"vision_output_dim": 24, "projector_input_dim": 8, "projector_output_dim": 24, **VISION}
}
QWEN2_VISION = {"vision_config": {"depth": 1, "embed_dim": 16, "hidden_size": 84, "num_heads": 2, "mlp_ratio": 2}}
QWEN_TOWER = {"depth": 1, "hidden_size": 16, "num_heads": 2, "out_hidden_size": 84, "intermediate_size": 20}
QWEN2_5_VISION = {"vision_config": {**QWEN_TOWER, "fullatt_block_indexes": [0]}}
QWEN3_VISION = {"vision_config": {**QWEN_TOWER, "deepstack_visual_indexes": [0]}}
AUDIO = {"audio_config": {"hidden_size": 16, "conf_num_hidden_layers": 1, "conf_num_attention_heads": 2}}
TIED, UNTIED = {"tie_word_embeddings": True}, {"tie_word_embeddings": False}

GEMMA3_TEXT = {**KIN, "head_dim": 22, "sliding_window": 5, "sliding_window_pattern": 2}
MISTRAL_TEXT = {"model_type": "mistral", **KIN, "head_dim": 22, "sliding_window": 5}
QWEN_TEXT = {**KIN, **MROPE}
QWEN_WINDOWS = {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 2}
QWEN3_TEXT = {**KIN, **MROPE, "head_dim": 14}

NESTED = {
    "gemma3, tied by default": row("gemma3", SIGLIP, WINDOW, text_config=GEMMA3_TEXT),
    "gemma3, untied": row(
        "gemma3", SIGLIP, WINDOW, text_config={"model_type": "gemma3_text", **GEMMA3_TEXT, **TIED}, **UNTIED
    ),
    "gemma3n, tied": row("gemma3n", AUDIO, WINDOW, text_config={**KIN, **GEMMA3N}, **TIED),
    "gemma3n, untied": row(
        "gemma3n", AUDIO, WINDOW, text_config={"model_type": "gemma3n_text", **KIN, **GEMMA3N}, **UNTIED
    ),
    "llama4, untied": row("llama4", LLAMA4_VISION, WINDOW, text_config={**KIN, **LLAMA4}, **UNTIED),
    "llama4, tied": row("llama4", LLAMA4_VISION, WINDOW, text_config={**KIN, **LLAMA4, **TIED}, **UNTIED),
    "llava of a llama, untied": row("llava", CLIP, text_config={"model_type": "llama", **KIN}),
    "llava of a qwen2, tied by its text_config": row(
        "llava", CLIP, text_config={"model_type": "qwen2", **KIN, **TIED}, **UNTIED
    ),
    "llava of a gemma2, tied by the default of its text_config": row(
        "llava", CLIP, WINDOW, text_config={"model_type": "gemma2", **KIN, "head_dim": 22, "sliding_window": 5}
    ),
    "llava of a mistral, tied": row("llava", CLIP, WINDOW, text_config=MISTRAL_TEXT, **TIED),
    "mistral3, tied": row("mistral3", PIXTRAL, WINDOW, text_config={**MISTRAL_TEXT, **UNTIED}, **TIED),
    "mistral3, untied": row("mistral3", PIXTRAL, WINDOW, text_config=MISTRAL_TEXT, **UNTIED),
    "mistral3 of a ministral3": row(
        "mistral3",
        PIXTRAL,
        text_config={"model_type": "ministral3", **KIN, "head_dim": 22},
        **UNTIED,
    ),
    "qwen2_vl, all keys at the top, tied": row("qwen2_vl", {**QWEN2_VISION, **QWEN_TEXT}, **TIED),
    "qwen2_vl, all keys at the top, untied": row("qwen2_vl", {**QWEN2_VISION, **QWEN_TEXT}, WINDOW, **QWEN_WINDOWS),
    "qwen2_vl, tied by its text_config": row(
        "qwen2_vl", QWEN2_VISION, text_config={"model_type": "qwen2_vl_text", **QWEN_TEXT, **TIED}
    ),
    "qwen2_5_vl, all keys at the top": row("qwen2_5_vl", {**QWEN2_5_VISION, **QWEN_TEXT}, WINDOW, **QWEN_WINDOWS),
    "qwen2_5_vl, tied": row("qwen2_5_vl", QWEN2_5_VISION, text_config=QWEN_TEXT, **TIED),
    "qwen2_5_vl, untied, keys at the top that say less": row(
        "qwen2_5_vl",
        QWEN2_5_VISION,
        text_config={**QWEN_TEXT, "use_sliding_window": False, "sliding_window": None, **UNTIED},
        **{**QWEN_TEXT, "use_sliding_window": False, "sliding_window": 5},
    ),
    "qwen3_vl, tied": row("qwen3_vl", QWEN3_VISION, text_config=QWEN3_TEXT, **TIED),
    "qwen3_vl, untied": row("qwen3_vl", QWEN3_VISION, text_config=QWEN3_TEXT),
}
