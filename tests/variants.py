"""Changes that an author may make to the models: a MiniGPT of another shape, a weight, the shapes of a catalog row."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

MINIGPT = Path("kvlab/training/minigpt")  # of the project in whose folder this runs
MODELS = Path("kvlab/catalog/models.json")


def write(n_layers, n_heads, max_context):
    """Give the MiniGPT another shape: further layers are copies with noise, positions repeat."""
    config = json.loads((MINIGPT / "config.json").read_text(encoding="utf-8"))
    weights, rng = load_file(MINIGPT / "model.safetensors"), np.random.default_rng(0)
    kept = {name: weight for name, weight in weights.items() if ".h." not in name}
    [positions] = [name for name in kept if name.endswith("wpe.weight")]
    kept[positions] = np.resize(kept[positions], (max_context, kept[positions].shape[1]))
    for layer in range(n_layers):
        for name in (name for name in weights if ".h.1." in name):
            own = name.replace(".h.1.", f".h.{layer}.")
            noise = rng.normal(0, 0.01, weights[name].shape).astype(np.float32)
            kept[own] = weights.get(own, weights[name] + noise)
    config |= {"n_layer": n_layers, "n_head": n_heads, "n_positions": max_context}
    _save(config, kept)


def change_one_weight():
    """Move one weight of the MiniGPT."""
    config = json.loads((MINIGPT / "config.json").read_text(encoding="utf-8"))
    weights = load_file(MINIGPT / "model.safetensors")
    name = next(name for name in weights if name.endswith("h.0.mlp.c_fc.weight"))
    weights[name] = weights[name].copy()
    weights[name][0, 0] += 0.25
    _save(config, weights)


def change_model(model, **keys):
    """Change keys of a catalog model's configuration."""
    models = json.loads(MODELS.read_text(encoding="utf-8"))
    [row] = [row for row in models if row["name"] == model]
    row["config"] |= keys
    MODELS.write_text(json.dumps(models), encoding="utf-8")


def _save(config, weights):
    (MINIGPT / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    contiguous = {name: np.ascontiguousarray(weight) for name, weight in weights.items()}
    save_file(contiguous, MINIGPT / "model.safetensors", metadata={"format": "pt"})
