"""The tensors of a model folder, one at a time, from one safetensors file or several."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  safetensors' NumPy side reads bfloat16 once this is imported
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from kvlab.errors import KvlabError

PREFIXES = ("transformer.", "model.")
READABLE = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}  # as the files' headers call them

# Called with the bytes of a tensor that has been read and those of all files.
Progress = Callable[[int, int], None]
TensorOf = Callable[[str, tuple[int, ...]], NDArray[np.float32]]


def silent(_read: int, _total: int) -> None:
    """Show no progress."""


def open_tensors(folder: Path, progress: Progress = silent) -> TensorOf:
    """Return a function that returns a tensor of a model folder by name and shape, in float32.

    Names are those of the transformers library without `transformer.` or `model.` in front, whichever the files use.
    A tensor is read when it is asked for, and converted alone: what is in memory is the model and one tensor more. Each
    time the file is mapped again, for what a mapping has read counts as memory of the process until it is closed.

    Raises:
        KvlabError: a file is missing or malformed, or a tensor is missing, there twice, of another shape, or of a dtype
            that is not float32, float16 or bfloat16. The message names the file.
    """
    files = _files(folder)
    places, total = _places(files), sum(path.stat().st_size for path in files)

    def tensor(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        if name not in places:
            raise KvlabError(f"{folder}: the tensor {name} is missing from its safetensors files")
        written, path = places[name]
        with _open(path) as file:
            _require(file.get_slice(written), name, shape, path)
            array = file.get_tensor(written)
        progress(array.nbytes, total)
        return np.ascontiguousarray(array, dtype=np.float32)

    return tensor


def _files(folder: Path) -> list[Path]:
    """Return the folder's safetensors files: the one, or those that its index names."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return [single]
    if not index.is_file():
        raise KvlabError(f"{single} is missing; a model folder holds config.json and model.safetensors, or its parts")
    try:
        named = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        parts = sorted({folder / name for name in named})
        # Listed and not asked for: a name may lead out of the folder, or be one that no system takes.
        present = set(folder.iterdir())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise KvlabError(f"{index} is not an index: its weight_map must map each tensor to its file") from None
    for part in parts:
        if part not in present:
            raise KvlabError(
                f"{folder}: {part.name!r} is missing, which {index.name} names; put all its parts into the folder"
            )
    return parts


def _open(path: Path) -> Any:
    try:
        return safe_open(path, "numpy")
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise KvlabError(f"{path} is not a readable safetensors file: {reason}") from None


def _places(files: Sequence[Path]) -> dict[str, tuple[str, Path]]:
    """Return, by its name without a prefix, the name under which each tensor is written, and the file."""
    places: dict[str, tuple[str, Path]] = {}
    for path in files:
        with _open(path) as file:
            names = list(file.keys())
        for written in names:
            name = _bare(written)
            if name in places:
                raise KvlabError(f"{path}: the tensor {name} is there twice, as {places[name][0]} and as {written}")
            places[name] = (written, path)
    return places


def _require(header: Any, name: str, shape: tuple[int, ...], path: Path) -> None:
    """Raise `KvlabError` unless what a file's header says of a tensor is what can be read and is asked for."""
    dtype, written_shape = header.get_dtype(), tuple(header.get_shape())
    if dtype not in READABLE:
        raise KvlabError(f"{path}: {name} is {dtype}; supported are {', '.join(READABLE.values())}")
    if written_shape != shape:
        raise KvlabError(f"{path}: {name} has shape {written_shape}; its config.json asks for {shape}")


def _bare(name: str) -> str:
    return next((name.removeprefix(prefix) for prefix in PREFIXES if name.startswith(prefix)), name)
