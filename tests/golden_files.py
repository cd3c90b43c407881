"""The golden files: models, ids, and what the transformers library made of them.

Each is an .npz of these arrays:

    versions                of torch and transformers, as text
    config.json             as text          | of a model with random weights; a file without them is about the
    weights/NAME            float16          | committed MiniGPT
    ids                     (T,)             one sequence
    logits                  (t, V)           of its last t tokens
    keys, values            (L, H_kv, T, d_h)
    prompts                 (20, longest)    filled up with −1
    texts                   (20, 64)         how the library goes on, greedily
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from kvlab.model import save_folder
from kvlab.training import MINIGPT

GOLDEN = Path(__file__).parent / "golden"
NAMES = ("minigpt", "gpt2", "llama")

Golden = Mapping[str, np.ndarray]


def path_of(name: str) -> Path:
    """Return where a golden file lies."""
    return GOLDEN / f"{name}.npz"


def read_golden(name: str) -> Golden:
    """Return the arrays of a golden file."""
    with np.load(path_of(name)) as file:
        return dict(file)


def model_folder(golden: Golden, parent: Path) -> Path:
    """Return the folder of the model that a golden file is about, written into `parent` where it is not committed."""
    if "config.json" not in golden:
        return MINIGPT
    prefix = "weights/"
    weights = {name: array for name, array in golden.items() if name.startswith(prefix)}
    tensors = {name.removeprefix(prefix): array.astype(np.float32) for name, array in weights.items()}
    save_folder(parent / "model", json.loads(str(golden["config.json"])), tensors)
    return parent / "model"


def prompts_of(golden: Golden) -> list[list[int]]:
    """Return the prompts, without what fills them up to one length."""
    return [row[row >= 0].tolist() for row in golden["prompts"]]
