"""Model folders as the transformers library writes them: `config.json`, `model.safetensors`, `tokenizer.json`."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from kvlab.architecture import Architecture, read_architecture, read_config
from kvlab.errors import KvlabError
from kvlab.model.gpt2 import GPT2, gpt2_from_tensors
from kvlab.model.llama import Llama, llama_from_tensors
from kvlab.model.tensors import Progress, TensorOf, open_tensors, silent

__all__ = ["Model", "load_model", "model_from_tensors", "read_folder_config", "save_folder"]

Model = GPT2 | Llama
FAMILIES: Mapping[str, Callable[[Architecture, TensorOf], Model]] = {
    "gpt2": gpt2_from_tensors,
    "llama": llama_from_tensors,
}


def load_model(folder: Path, progress: Progress = silent) -> Model:
    """Open a model folder of the GPT-2 or the Llama family: weights in float32, float16 or bfloat16, run in float32.

    Args:
        folder: as the library writes it, with one safetensors file or several and an index.
        progress: called for each tensor with its bytes in the file, and the bytes of all files.

    Raises:
        KvlabError: the folder or a file is missing or malformed, a tensor is missing or has a wrong shape, or the
            configuration is of a model that kvlab does not implement. The message names the file.
    """
    config = read_folder_config(folder)
    architecture = read_architecture(config, name=str(config.get("name") or folder.name))
    return model_from_tensors(architecture, open_tensors(folder, progress))


def model_from_tensors(architecture: Architecture, tensor: TensorOf) -> Model:
    """Return the model of an architecture with the weights that `tensor` hands out by name and shape."""
    return FAMILIES[architecture.family](architecture, tensor)


def read_folder_config(folder: Path) -> dict[str, Any]:
    """Return the folder's `config.json` as a dictionary. Raises `KvlabError` when it cannot be read as one."""
    if not folder.is_dir():
        raise KvlabError(f"{folder} is not a folder; a model folder holds config.json and model.safetensors")
    return read_config(folder / "config.json")


def end_of_text_ids(folder: Path) -> frozenset[int]:
    """Return the ids after which a text ends. Raises `KvlabError` when the configuration names none."""
    config = read_folder_config(folder)
    named, vocab_size = config.get("eos_token_id"), read_architecture(config, folder.name).vocab_size
    ends = named if isinstance(named, list) and named else [named]
    for end in ends:
        if not isinstance(end, int) or isinstance(end, bool) or not 0 <= end < vocab_size:
            raise KvlabError(
                f"{folder / 'config.json'} names no eos_token_id of its vocabulary: there is nothing to stop at"
            )
    return frozenset(ends)


def save_folder(
    folder: Path,
    config: Mapping[str, object],
    tensors: Mapping[str, NDArray[np.float32]],
    tokenizer_json: str | None = None,
) -> None:
    """Write a model folder, all of it or nothing: it is written next to its place and moved there when complete.

    Args:
        folder: where; it must not exist, or be empty.
        config: the contents of `config.json`.
        tensors: by the names and in the orientations of the transformers library.
        tokenizer_json: the contents of `tokenizer.json`, if the model has a tokenizer.

    Raises:
        KvlabError: the folder holds something already, or cannot be written.
    """
    require_free(folder)
    # save_file writes the memory and not the view: a transposed array would come back scrambled.
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise KvlabError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        (draft / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        save_file(contiguous, draft / "model.safetensors", metadata={"format": "pt"})
        if tokenizer_json is not None:
            (draft / "tokenizer.json").write_text(tokenizer_json, encoding="utf-8")
        # mkdtemp and safetensors make what they write private; a model folder is read like any other.
        draft.chmod(0o755)
        for file in draft.iterdir():
            file.chmod(0o644)
        draft.rename(folder)
    except OSError as error:
        raise KvlabError(f"{folder} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def require_free(folder: Path) -> None:
    """Raise `KvlabError` when a model could not be written to `folder`, or something there would be lost.

    Asked before a long training, and tried for real: a folder next to it is made and removed.
    """
    try:
        taken = folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir())))
        if taken or folder.resolve() == Path.cwd():
            raise KvlabError(f"{folder} exists already; name a new or an empty folder, so that nothing is overwritten")
        folder.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent).cleanup()
    except OSError as error:
        raise KvlabError(f"{folder} cannot be written: {error.strerror}") from None
