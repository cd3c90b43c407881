"""The command line: a card for people, and with `--json` one object alone on stdout, units in its keys.

Wrong input gets one sentence on stderr and exit code 2. Imports stand inside the commands, so that `--help` and
`size` do not wait for the model.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence

import click

from kvlab.cli.bench import bench
from kvlab.cli.diagnose import diagnose
from kvlab.cli.experiment import experiment
from kvlab.cli.fit import fit
from kvlab.cli.lab import lab
from kvlab.cli.lists import devices, models
from kvlab.cli.measure import curves, measure
from kvlab.cli.run import generate, verify
from kvlab.cli.size import explain, size
from kvlab.cli.terminal import note
from kvlab.cli.trace import trace
from kvlab.cli.train import train
from kvlab.errors import KvlabError

EXIT_BAD_INPUT, EXIT_INTERRUPTED = 2, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Run the KV cache: generate with it, trace it, prove it changes nothing, size it, train the model, do the labs."""


MODEL = (generate, trace, verify, train)
SIZES = (size, explain, fit, diagnose, models, devices)
MEASUREMENTS = (bench, curves, measure)
for command in (*MODEL, *SIZES, *MEASUREMENTS, experiment, lab):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave by its exit code: one sentence for bad input, never a traceback."""
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without a letter still gets the rest
    # NumPy would say next to our sentence that a damaged weight overflows; the logits are refused where they show it.
    warnings.simplefilter("ignore", RuntimeWarning)
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
        code = complain(error.format_message())
    except KvlabError as error:
        code = complain(str(error))
    except (KeyboardInterrupt, click.Abort):
        note("interrupted; nothing was written")
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left: nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        code = complain(f"{error.filename or 'the output'} cannot be used: {error.strerror}")
    sys.exit(code)


def complain(sentence: str) -> int:
    """Say what is wrong in one line, and return the exit code of bad input."""
    note(" ".join(sentence.split()))
    return EXIT_BAD_INPUT
