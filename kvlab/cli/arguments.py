"""What the commands take: counts, token ids, and models by folder or name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from kvlab.accounting.formats import ELEMENTS, Element
from kvlab.cli.terminal import note, progress_in_bytes
from kvlab.errors import KvlabError
from kvlab.units import parse_size

if TYPE_CHECKING:
    from kvlab.decoding.generation import Generation
    from kvlab.model import Model
    from kvlab.sizing import Decoder
    from kvlab.training.tokenizer import Tokenizer


class Count(click.ParamType[int]):
    """A whole number of at least `least`; every count of the command line is one."""

    name = "integer"
    MOST = 10**15  # no model, batch or context comes near; above it a digit too many has been typed

    def __init__(self, least: int = 1, most: int = MOST) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or refuse with a sentence that says what would be right."""
        text = str(value)
        digits = text.lstrip("0") or "0"
        # By its length first: Python reads no number of thousands of digits.
        readable = text.isascii() and text.isdigit() and len(digits) <= len(str(self.most))
        if not readable or not self.least <= int(digits) <= self.most:
            quoted = text if len(text) <= 40 else f"{text[:40]}…"
            self.fail(f"{quoted!r} is not a whole number from {self.least} to {self.most:,}.", param, ctx)
        return int(digits)


class Dtype(click.ParamType[Element]):
    """A format of stored elements, by name."""

    name = "dtype"

    @staticmethod
    def known() -> str:
        """Return the names that there are."""
        return ", ".join(ELEMENTS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Element:
        """Return the element, or refuse with the names that there are."""
        if str(value) not in ELEMENTS:
            self.fail(f"unknown dtype {str(value)[:40]!r}; known are {self.known()}.", param, ctx)
        return ELEMENTS[str(value)]


class Size(click.ParamType[int]):
    """A size with its unit, in bytes: 24GB and 24GiB differ, and 24G is neither."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes, or refuse with what could have been meant."""
        try:
            return parse_size(str(value))
        except KvlabError as error:
            self.fail(f"{error}.", param, ctx)


class Ids(click.ParamType[list[int]]):
    """Token ids, with commas between them."""

    name = "ids"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Return the ids, or refuse the one that is none."""
        return [Count(least=0).convert(part.strip(), param, ctx) for part in str(value).split(",")]


of_model = click.option(
    "--model",
    "model_name",
    metavar="FOLDER|demo",
    help="A GPT-2 or Llama folder of the transformers library, or the demo model; default the MiniGPT.",
)
as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON object and nothing else.")


class Opened(NamedTuple):
    """A model, where it came from, and its tokenizer; or, in a sentence, why there is none that can be used."""

    model: Model
    folder: Path | None
    tokenizer: Tokenizer | None
    without: str = ""

    def ids_of(self, text: str) -> list[int]:
        """Return the token ids of a text. Raises `KvlabError` when the model has no tokenizer that can be used."""
        if self.tokenizer is None:
            raise KvlabError(f"{self.without}; give the prompt as token ids, such as --ids 1,2,3")
        return self.tokenizer.encode(text)

    def note_stop(self, run: Generation, asked: int) -> None:
        """Say when a run ended early because the model's context is full."""
        if run.stopped == "context":
            limit = self.model.architecture.max_context
            note(f"stopped after {len(run.ids)} of {asked} tokens: the context of {limit} is full")

    def require_folder(self) -> Path:
        """Return the model's folder. Raises `KvlabError` when it has none."""
        if self.folder is None:
            raise KvlabError("the demo model has no end-of-text token; leave out --stop")
        return self.folder


def require_one_prompt(prompt: str | None, ids: list[int] | None) -> None:
    """Raise `KvlabError` unless exactly one of a text and token ids is given."""
    if (prompt is None) == (ids is None):
        raise KvlabError('give either a PROMPT, such as "Yesterday I", or token ids, such as --ids 1,2,3')


def open_model(name: str | None) -> Opened:
    """Open what `--model` names: a folder, the demo model, or the MiniGPT where nothing is named."""
    from kvlab.model.checkpoint import load_model
    from kvlab.model.demo import demo_model
    from kvlab.training import MINIGPT

    if name == "demo":
        return Opened(demo_model(), None, None, "the demo model has no tokenizer.json")
    folder = MINIGPT if name is None else Path(name)
    with progress_in_bytes("loading") as progress:
        model = load_model(folder, progress)
    return Opened(model, folder, *_open_tokenizer(folder))


def _open_tokenizer(folder: Path) -> tuple[Tokenizer | None, str]:
    """Return a folder's tokenizer, or why there is none: with ids for a prompt, a model runs without it."""
    from kvlab.training.tokenizer import Tokenizer

    path = folder / "tokenizer.json"
    if not path.exists():
        return None, f"{folder} has no tokenizer.json"
    try:
        return Tokenizer.from_file(path), ""
    except KvlabError as error:
        return None, str(error)


def open_decoder(name: str) -> Decoder:
    """Return what a name of the catalog, or a path to a config.json or its folder, describes.

    Raises:
        KvlabError: it is neither, or cannot be read.
    """
    from kvlab import catalog
    from kvlab.architecture import read_config
    from kvlab.sizing import read_decoder

    entry = catalog.find(name)
    if entry is not None:
        return entry.decoder
    path = Path(name)
    if not name or "\0" in name or not (path.suffix == ".json" or path.exists()):
        raise catalog.unknown_model(name)
    file = path / "config.json" if path.is_dir() else path
    called = file.resolve().parent.name if file.name == "config.json" else file.stem
    return read_decoder(read_config(file), called)
