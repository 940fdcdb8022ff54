"""The command `lsr`: which commands there are. Each one parses, calls the library, prints.

Conventions
-----------
Data goes to stdout, everything else to stderr. Exit statuses stand in the help. The library is imported
inside the commands, so that ``lsr --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from lsr.threads import use_one_thread

from .analyze import analyze
from .batch import batch
from .bids import bids
from .config import app as config
from .deidentify import deidentify
from .inspect import inspect
from .logs import start_logging
from .output import SOME_FAILED, complain
from .schema import schema
from .simulate import simulate

_STATUSES = """\b
Exit status:
  0    every recording was analysed; whatever was found is no failure
  1    some recording was not, the others were; stderr says which and why
  2    wrong usage or configuration
  3    --fail-on names what was found; only where nothing failed
  130  interrupted (Ctrl-C)
"""

app = typer.Typer(
    name="lsr",
    help="Finds lateral spread responses in EDF recordings of facial EMG with stimulation. Research use.",
    no_args_is_help=True,
    epilog=_STATUSES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (analyze, batch, inspect, deidentify, simulate, schema):
    app.command()(command)
# What follows the first label of a participant is no option: BIDS Apps take several after one.
app.command(context_settings={"allow_extra_args": True})(bids)
app.add_typer(config, name="config")


def _show_version(wanted: bool) -> None:
    if wanted:
        import lsr

        typer.echo(f"lsr {lsr.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    start_logging()


def run() -> None:
    """Run the command line: what `lsr` starts."""
    use_one_thread()
    # Names of files come as their bytes are. A label the terminal cannot show must not stop a report.
    for name, mode, errors in (
        ("stdin", "r", "surrogateescape"),
        ("stdout", "w", "backslashreplace"),
        ("stderr", "w", "backslashreplace"),
    ):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller: nothing comes, and what would be printed is not wanted
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - for the whole run
        else:
            stream.reconfigure(errors=errors)
    start_logging()
    try:
        app()
    except OSError as error:  # a disk that is full behind stdout; files are told of where they are written
        complain(f"{error.filename or 'stdout'}: cannot be written ({error.strerror or error})")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left to print must not fail again at the end
        sys.exit(SOME_FAILED)
