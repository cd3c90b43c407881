"""The tensors of a model folder, one at a time: from one safetensors file or several, mapped into memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  safetensors' NumPy side reads bfloat16 once this is imported
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from kvlab.errors import KvlabError

PREFIXES = ("transformer.", "model.")
READABLE = ("float32", "float16", "bfloat16")

# Called with the bytes of a tensor that has been read and those of all files.
Progress = Callable[[int, int], None]
TensorOf = Callable[[str, tuple[int, ...]], NDArray[np.float32]]


def silent(_read: int, _total: int) -> None:
    """Show no progress."""


@contextmanager
def open_tensors(folder: Path, progress: Progress = silent) -> Iterator[TensorOf]:
    """Yield a function that returns a tensor of a model folder by name and shape, in float32.

    Names are those of the transformers library without `transformer.` or `model.` in front, whichever the files use.
    A tensor is read when it is asked for, and converted alone: what is in memory is the model and one tensor more.

    Raises:
        KvlabError: a file is missing or malformed, or a tensor is missing, of another shape, or of a dtype that is
            not float32, float16 or bfloat16. The message names the file.
    """
    with ExitStack() as open_files:
        files = {path: _open(path, open_files) for path in _files(folder)}
        total = sum(path.stat().st_size for path in files)
        places = {_bare(name): (name, path) for path, file in files.items() for name in file.keys()}  # noqa: SIM118

        def tensor(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
            if name not in places:
                raise KvlabError(f"{folder}: the tensor {name} is missing from its safetensors files")
            written, path = places[name]
            array = _read(files[path], written, path)
            if array.dtype.name not in READABLE:
                raise KvlabError(f"{path}: {name} is {array.dtype}; supported are {', '.join(READABLE)}")
            if array.shape != shape:
                raise KvlabError(f"{path}: {name} has shape {array.shape}; its config.json asks for {shape}")
            progress(array.nbytes, total)
            return np.ascontiguousarray(array, dtype=np.float32)

        yield tensor


def _files(folder: Path) -> list[Path]:
    """Return the folder's safetensors files: the one, or those that its index names."""
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return [single]
    if not index.is_file():
        raise KvlabError(f"{single} is missing; a model folder holds config.json and model.safetensors, or its parts")
    try:
        named = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        # A name with a folder in it would lead out of this one.
        parts = [folder / Path(str(name)).name for name in sorted(set(named))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise KvlabError(f"{index} is no index: its weight_map must give the file of each tensor") from None
    for part in parts:
        if not part.is_file():
            raise KvlabError(f"{part} is missing, which {index.name} names; put all its parts into the folder")
    return parts


def _open(path: Path, open_files: ExitStack) -> Any:
    try:
        return open_files.enter_context(safe_open(path, "numpy"))
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None


def _read(file: Any, name: str, path: Path) -> NDArray[Any]:
    try:
        return file.get_tensor(name)
    except (SafetensorError, OSError, TypeError, KeyError, AttributeError, ValueError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> KvlabError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return KvlabError(f"{path} is not a readable safetensors file: {reason}")


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
