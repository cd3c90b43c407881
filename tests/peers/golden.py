"""Writes the golden files anew, when the MiniGPT or the library has changed: `make golden`."""

import json
import tempfile
from pathlib import Path

import numpy as np
from golden_files import NAMES, Golden, model_folder, path_of, prompts_of
from library import VERSIONS, generate_peer, open_peer, prefill_peer
from random_models import random_tensors

from kvlab.architecture import read_architecture
from kvlab.decoding.equivalence import seeded_prompts
from kvlab.training import MINIGPT
from kvlab.training.corpus import sample_prompts
from kvlab.training.tokenizer import Tokenizer

# 37 tokens: more than a block of slots that a query reads at once. Logits of the last 16, which see both blocks.
N_IDS, N_LOGITS, N_PROMPTS, N_TOKENS = 37, 16, 20, 64

CONFIGS: dict[str, dict[str, object]] = {
    "gpt2": {
        "model_type": "gpt2",
        "n_layer": 2,
        "n_head": 3,
        "n_embd": 30,
        "n_inner": 37,
        "n_positions": 83,
        "vocab_size": 53,
    },
    "llama": {
        "model_type": "llama",
        "num_hidden_layers": 2,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "head_dim": 10,
        "hidden_size": 18,
        "intermediate_size": 37,
        "vocab_size": 53,
        "max_position_embeddings": 83,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
    },
}


def questions(name: str) -> Golden:
    """Return the part of a golden file that the library is given: the model, the ids, the prompts."""
    ids_below = np.random.default_rng(0).integers
    if name == "minigpt":
        encode = Tokenizer.from_file(MINIGPT / "tokenizer.json").encode
        tokens = [encode(prompt) for prompt in sample_prompts(N_PROMPTS)]
        return {"ids": ids_below(0, 512, N_IDS, dtype=np.int16), "prompts": filled_up(tokens)}
    config = CONFIGS[name] | {"bos_token_id": 0, "eos_token_id": 0}
    architecture = read_architecture(config, name)
    weights = random_tensors(architecture)
    return {
        "config.json": np.array(json.dumps(config)),
        **{f"weights/{tensor}": array.astype(np.float16) for tensor, array in weights.items()},
        "ids": ids_below(0, architecture.vocab_size, N_IDS, dtype=np.int16),
        "prompts": filled_up(seeded_prompts(architecture.vocab_size, N_PROMPTS)),
    }


def filled_up(prompts: list[list[int]]) -> np.ndarray:
    """Return prompts as rows of one length, −1 behind the shorter ones."""
    longest = max(map(len, prompts))
    return np.array([prompt + [-1] * (longest - len(prompt)) for prompt in prompts], np.int16)


def answers(asked: Golden) -> Golden:
    """Return the part of a golden file that the library gives."""
    with tempfile.TemporaryDirectory() as parent:
        peer = open_peer(model_folder(asked, Path(parent)))
    logits, keys, values = prefill_peer(peer, asked["ids"].tolist())
    texts = [generate_peer(peer, prompt, N_TOKENS)[0] for prompt in prompts_of(asked)]
    return {
        "versions": np.array(VERSIONS),
        "logits": logits[-N_LOGITS:],
        "keys": keys,
        "values": values,
        "texts": np.array(texts, np.int16),
    }


def main() -> None:
    """Write every golden file."""
    for name in NAMES:
        asked = questions(name)
        np.savez_compressed(path_of(name), **asked, **answers(asked))
        print(f"{path_of(name).name}: {path_of(name).stat().st_size:,} bytes, {VERSIONS}")


if __name__ == "__main__":
    main()
