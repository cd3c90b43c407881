"""Protects model folders: what is saved is loaded, and what is damaged or missing is named."""

import json

import numpy as np
import pytest
from random_models import PRIMES, random_model, random_tensors
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from kvlab.errors import KvlabError
from kvlab.model import load_model, save_folder
from kvlab.model.checkpoint import end_of_text_ids
from kvlab.training import MINIGPT

CONFIG = {
    "model_type": "gpt2",
    "n_layer": 3,
    "n_head": 5,
    "n_embd": 70,
    "n_inner": 109,
    "n_positions": 83,
    "vocab_size": 211,
    "eos_token_id": 7,
}
TENSORS = random_tensors(PRIMES)


def weights(model):
    """Return every array of a GPT-2 model, in order."""
    parts = [model.wte, model.wpe, *(array for block in model.blocks for affine in block for array in affine)]
    return [*parts, *model.ln_f, model.head]


def test_what_is_saved_is_loaded_tensor_for_tensor(tmp_path):
    save_folder(tmp_path / "model", CONFIG, TENSORS)
    loaded = load_model(tmp_path / "model")
    for a, b in zip(weights(loaded), weights(random_model()), strict=True):
        assert a.dtype == np.float32
        assert np.array_equal(a, b)


def test_a_transposed_view_is_saved_as_it_reads_and_not_as_it_lies_in_memory(tmp_path):
    views = {name: np.asfortranarray(tensor) for name, tensor in TENSORS.items()}
    save_folder(tmp_path / "model", CONFIG, views)
    for name, tensor in load_file(tmp_path / "model" / "model.safetensors").items():
        assert np.array_equal(tensor, TENSORS[name]), name


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_names_may_carry_the_librarys_prefix_and_weights_may_be_half(tmp_path, dtype):
    prefixed = {f"transformer.{name}": tensor.astype(dtype) for name, tensor in TENSORS.items()}
    prefixed["transformer.h.0.attn.bias"] = np.ones((1, 1, 83, 83), dtype)
    save_folder(tmp_path / "model", CONFIG, prefixed)
    model = load_model(tmp_path / "model")
    assert model.wte.dtype == np.float32
    assert np.array_equal(model.wte, TENSORS["wte.weight"].astype(dtype).astype(np.float32))


def test_the_committed_minigpt_opens_and_has_its_published_shapes():
    model = load_model(MINIGPT)
    a = model.architecture
    assert (a.n_layers, a.d_model, a.n_heads, a.head_dim, a.d_ff, a.vocab_size, a.max_context) == (
        *(2, 64, 4, 16, 256, 512, 128),
    )
    assert model.head is model.wte
    assert sum(array.size for array in weights(model)) - model.head.size == 141_056


def test_a_folder_that_holds_something_is_not_overwritten(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.tex").write_text("years of work")
    with pytest.raises(KvlabError, match="exists already"):
        save_folder(tmp_path / "model", CONFIG, TENSORS)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["thesis.tex"]


def test_a_save_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kvlab.model.checkpoint.save_file", full_disk)
    with pytest.raises(KvlabError, match="No space left"):
        save_folder(tmp_path / "model", CONFIG, TENSORS)
    assert list(tmp_path.iterdir()) == []


def test_a_saved_folder_can_be_read_by_anyone_and_is_labelled_as_the_transformers_library_asks(tmp_path):
    folder = tmp_path / "model"
    save_folder(folder, CONFIG, TENSORS)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    with safe_open(folder / "model.safetensors", "numpy") as file:
        assert file.metadata() == {"format": "pt"}


@pytest.fixture
def folder(tmp_path):
    save_folder(tmp_path / "model", CONFIG, TENSORS)
    return tmp_path / "model"


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(KvlabError, match="nowhere is not a folder"):
        load_model(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "message"),
    [("config.json", r"config\.json cannot be read: No such file"), ("model.safetensors", r"safetensors is missing")],
)
def test_a_missing_file_is_named(folder, name, message):
    (folder / name).unlink()
    with pytest.raises(KvlabError, match=message):
        load_model(folder)


@pytest.mark.parametrize("text", ["{", "[1, 2]", '"gpt2"', "[" * 100_000, "\x00"])
def test_a_config_that_is_no_json_object_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(KvlabError, match=r"config\.json"):
        load_model(folder)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\xff" * 64])
def test_a_damaged_checkpoint_is_refused(folder, damage):
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(KvlabError, match=r"not a readable safetensors"):
        load_model(folder)


def test_a_missing_tensor_and_a_wrong_shape_are_named(folder):
    path = folder / "model.safetensors"
    save_file({name: tensor for name, tensor in TENSORS.items() if name != "h.1.mlp.c_fc.bias"}, path)
    with pytest.raises(KvlabError, match=r"h\.1\.mlp\.c_fc\.bias is missing"):
        load_model(folder)
    save_file(TENSORS | {"h.2.ln_1.bias": np.zeros(71, np.float32)}, path)
    with pytest.raises(KvlabError, match=r"h\.2\.ln_1\.bias has shape \(71,\).*\(70,\)"):
        load_model(folder)


def test_the_end_of_text_is_what_the_configuration_names(folder):
    assert end_of_text_ids(folder) == {7}
    (folder / "config.json").write_text(json.dumps({k: v for k, v in CONFIG.items() if k != "eos_token_id"}))
    with pytest.raises(KvlabError, match="eos_token_id"):
        end_of_text_ids(folder)
    for outside in (-1, 211, "7"):
        (folder / "config.json").write_text(json.dumps(CONFIG | {"eos_token_id": outside}))
        with pytest.raises(KvlabError, match="eos_token_id"):
            end_of_text_ids(folder)
