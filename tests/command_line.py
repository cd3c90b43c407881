"""The command line as tests call it: in this process, which takes a hundredth of the time, or in one of its own."""

import io
import json
import os
import subprocess
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest.mock import patch

from kvlab.cli import main

WIDTH = {"COLUMNS": "100"}


class Run(NamedTuple):
    """What a call left: as much of subprocess.CompletedProcess as the tests ask for."""

    returncode: int
    stdout: str
    stderr: str


def kvlab(*arguments, **environment):
    """Run the command line in this process. Everything but the entry point, the pipes and signals is as outside."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    # `main` silences a warning of NumPy's for the rest of its process, which here goes on.
    with (
        redirect_stdout(streams[0]),
        redirect_stderr(streams[1]),
        patch.dict(os.environ, WIDTH | environment),
        warnings.catch_warnings(),
    ):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as exit_:
            code = exit_.code
    for stream in streams:
        stream.flush()
    return Run(code, *(stream.buffer.getvalue().decode("utf-8") for stream in streams))


def process(*arguments, **environment):
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "kvlab", *map(str, arguments)]
    variables = os.environ | WIDTH | environment
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=variables, check=False)


def as_json(*arguments):
    """Return the one object that a command prints with `--json`."""
    run = kvlab(*arguments, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def refused(*arguments, by=kvlab):
    """Return the one sentence with which bad input is refused."""
    run = by(*arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("kvlab: ")
    return run.stderr
