"""The command line: a card for people, and with `--json` one object alone on stdout, units in its keys.

Wrong input gets one sentence on stderr and exit code 2. Imports stand inside the commands, so that `--help` and
`size` do not wait for the model.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from kvlab.errors import KvlabError
from kvlab.units import BYTES_PER_ELEMENT, both_units, bytes_per_element

if TYPE_CHECKING:
    from kvlab.equivalence import Verification

EXIT_DIFFERS, EXIT_BAD_INPUT, EXIT_INTERRUPTED = 1, 2, 130


class Count(click.ParamType[int]):
    """A whole number of at least `least`; every count of the command line is one."""

    name = "integer"
    MOST = 10**15  # no model, batch or context comes near; beyond it a digit too many has been typed

    def __init__(self, least: int = 1) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or refuse with a sentence that says what would be right."""
        written = str(value)
        digits = written.lstrip("0") or "0"
        # By its length first: Python reads no number of thousands of digits.
        readable = written.isascii() and written.isdigit() and len(digits) <= len(str(self.MOST))
        if not readable or not self.least <= int(digits) <= self.MOST:
            shown = written if len(written) <= 40 else f"{written[:40]}…"
            self.fail(f"{shown!r} is no whole number from {self.least} to {self.MOST:,}.", param, ctx)
        return int(digits)


as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON object and nothing else.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Run the KV cache: generate with it and without, prove that it changes nothing, size it, train the model."""


@cli.command()
@click.argument("prompt")
@click.option("--tokens", type=Count(), required=True, help="How many tokens to generate.")
@click.option("--no-cache", is_flag=True, help="Recompute everything at each step.")
@click.option("--model", "folder", type=click.Path(path_type=Path), help="A GPT-2 model folder; default the MiniGPT.")
@click.option("--stop", is_flag=True, help="Stop behind an end-of-text token.")
@click.option("--temperature", type=float, help="Sample at this temperature instead of taking the best token.")
@click.option("--top-k", type=Count(), help="Sample among this many best tokens.")
@click.option("--seed", type=Count(least=0), help="Seed of the sampling; default 0.")
@as_json
def generate(
    prompt: str,
    tokens: int,
    no_cache: bool,
    folder: Path | None,
    stop: bool,
    temperature: float | None,
    top_k: int | None,
    seed: int | None,
    json_: bool,
) -> None:
    """Continue PROMPT."""
    from kvlab.generation import generate_cached, generate_uncached, greedy, sampler
    from kvlab.grammar.tokenizer import Tokenizer
    from kvlab.model.checkpoint import MINIGPT, end_of_text_id, load_model

    folder = folder or MINIGPT
    sampled = temperature is not None or top_k is not None
    if seed is not None and not sampled:
        raise KvlabError("--seed has nothing to seed; add --temperature or --top-k, or leave it out")
    pick = sampler(1.0 if temperature is None else temperature, top_k, seed or 0) if sampled else greedy
    model = load_model(folder)
    tokenizer = Tokenizer.from_file(folder / "tokenizer.json")
    decode = generate_uncached if no_cache else generate_cached
    run = decode(model, tokenizer.encode(prompt), tokens, pick, stop_id=end_of_text_id(folder) if stop else None)
    text = tokenizer.decode(run.ids)

    if run.stopped == "context":
        limit = model.architecture.max_context
        _note(f"stopped after {len(run.ids)} of {tokens} tokens: the context of {limit} is full")
    if json_:
        _print_json(
            prompt_ids=list(run.prompt_ids),
            ids=list(run.ids),
            text=text,
            cache_bytes=run.cache_bytes,
            stopped=run.stopped,
        )
        return
    _print_card(
        "generated",
        {
            "text": prompt + text,
            "tokens": f"{len(run.prompt_ids)} of prompt, {len(run.ids)} generated ({run.stopped})",
            "ids": " ".join(map(str, run.ids)),
            "cache": "none: all recomputed at each step" if no_cache else both_units(run.cache_bytes),
        },
    )


@cli.command()
@click.option("--prompts", type=Count(), default=50, show_default=True, help="Grammar prompts to run.")
@click.option("--tokens", type=Count(), default=64, show_default=True, help="Steps for each prompt.")
@as_json
def verify(prompts: int, tokens: int, json_: bool) -> None:
    """Compare decoding with a cache and without, byte by byte. Exit code 1 if anything differs."""
    from kvlab.equivalence import verify as compare
    from kvlab.experiments import minigpt, minigpt_tokenizer
    from kvlab.grammar.corpus import sample_prompts

    texts = sample_prompts(prompts)
    with _progress("comparing", total=2 * prompts) as advance:
        result = compare(minigpt(), [minigpt_tokenizer().encode(text) for text in texts], tokens, advance)
    exact = result.exact
    if json_:
        _print_json(
            steps=exact.steps,
            differing_logits=exact.differing_logits,
            differing_kv=exact.differing_kv,
            differing_tokens=exact.differing_tokens,
            max_abs_difference=exact.max_abs_difference,
            blas_differing_logits_share=result.blas_differing_logits_share,
        )
    else:
        _print_verification(result)
    if not exact.identical:
        raise SystemExit(EXIT_DIFFERS)


@cli.command()
@click.argument("model")
@click.option("--context", type=Count(), required=True, help="Tokens of each sequence.")
@click.option("--batch", type=Count(), default=1, show_default=True, help="Sequences.")
@click.option("--dtype", default="fp16", show_default=True, help=f"Of the cache: {', '.join(BYTES_PER_ELEMENT)}.")
@as_json
def size(model: str, context: int, batch: int, dtype: str, json_: bool) -> None:
    """Size the cache of MODEL, such as MiniGPT, GPT-2 small or GPT-3; an unknown one is answered with the known."""
    from kvlab import formula
    from kvlab.accounting.memory import kv_cache_bytes
    from kvlab.catalog import model as find_model

    a = find_model(model).architecture
    factors = {
        "n_layers": a.n_layers,
        "n_kv_heads": a.n_kv_heads,
        "head_dim": a.head_dim,
        "context": context,
        "batch": batch,
        "bytes_per_element": bytes_per_element(dtype),
    }
    cache_bytes, over_limit = kv_cache_bytes(**factors), context > a.max_context
    if over_limit:
        _note(f"{a.name} was made for {a.max_context:,} tokens; {context:,} are hypothetical")
    if json_:
        _print_json(
            model=a.name, context=context, batch=batch, dtype=dtype, cache_bytes=cache_bytes, over_limit=over_limit
        )
        return
    line = formula.with_numbers(kv_cache_bytes, factors)
    _print_card(
        f"{a.name}, {context:,} tokens × {batch:,}, {dtype}",
        {"formula": formula.text(kv_cache_bytes), "": f"{line} = {cache_bytes:,} B", "cache": both_units(cache_bytes)},
    )


@cli.command()
@click.option("--steps", type=Count(), required=True, help="Steps of the optimiser.")
@click.option("--out", "folder", type=click.Path(path_type=Path), required=True, help="A new folder for the model.")
@as_json
def train(steps: int, folder: Path, json_: bool) -> None:
    """Train the grammar MiniGPT from nothing and write its model folder."""
    from kvlab.grammar.training import train_to_folder

    with _progress("training", total=steps) as advance:
        result = train_to_folder(folder, steps, progress=lambda *_: advance())
    loss = result.validation_loss
    if json_:
        _print_json(folder=str(folder), steps=steps, validation_loss_nats_per_token=loss)
        return
    _print_card(f"trained for {steps:,} steps", {"folder": str(folder), "validation loss": f"{loss:.3f} nats a token"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave by its exit code: one sentence for bad input, never a traceback."""
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without a letter still gets the rest
    try:
        code = 0
        # By hand, where click's own main would turn a reader who has left into exit code 1: "differs" here.
        with cli.make_context("kvlab", arguments) as context:
            cli.invoke(context)
        if sys.stdout:
            sys.stdout.flush()
    except click.exceptions.Exit as done:
        code = done.exit_code
    except click.ClickException as error:
        code = _complain(error.format_message())
    except KvlabError as error:
        code = _complain(str(error))
    except (KeyboardInterrupt, click.Abort):
        _note("interrupted; nothing was written")
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left: nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        code = _complain(f"{error.filename or 'the output'} cannot be used: {error.strerror}")
    sys.exit(code)


def _complain(sentence: str) -> int:
    _note(" ".join(sentence.split()))
    return EXIT_BAD_INPUT


def _note(sentence: str) -> None:
    print(f"kvlab: {sentence}", file=sys.stderr)


class _Card(Console):
    """A console that leaves a reader who has gone to `main`."""

    def on_broken_pipe(self) -> None:
        """Raise again what was caught: rich itself would exit with 1, which means "differs" here."""
        raise BrokenPipeError


def _print_json(**values: Any) -> None:
    print(json.dumps(values, ensure_ascii=False))


def _print_card(title: str, rows: dict[str, str]) -> None:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    for name, value in rows.items():
        grid.add_row(name, value)
    # No markup: a bracket in a text is a bracket.
    _Card(markup=False, highlight=False).print(Panel(grid, title=title, title_align="left", expand=False))


def _print_verification(result: Verification) -> None:
    exact = result.exact
    _print_card(
        "identical to the last bit" if exact.identical else "NOT identical",
        {
            "steps": f"{exact.steps:,}",
            "logits that differ": f"{exact.differing_logits:,} of {exact.compared_logits:,}",
            "K/V entries that differ": f"{exact.differing_kv:,} of {exact.compared_kv:,}",
            "tokens that differ": f"{exact.differing_tokens:,} of {exact.steps:,}",
            "largest difference": f"{exact.max_abs_difference:g}",
            "on plain BLAS": f"{result.blas_differing_logits_share:.1%} of the logits differ",
        },
    )


@contextmanager
def _progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr where someone watches; yield the function that advances it by one."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)
