"""The command `lsr`: which commands there are. Each one parses, calls the library, prints.

Conventions
-----------
Data goes to stdout, everything else to stderr. Exit status: 0 every recording was analysed, 1 some
recording was not, 2 wrong usage or configuration. The library is imported inside the commands, so that
``lsr --help`` answers at once.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .analyze import analyze
from .inspect import inspect
from .schema import schema
from .simulate import simulate

app = typer.Typer(
    name="lsr",
    help="Finds lateral spread responses in EDF recordings of facial EMG with stimulation. Research use.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (analyze, inspect, simulate, schema):
    app.command()(command)


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


def run() -> None:
    """Run the command line: what `lsr` starts."""
    for stream in (sys.stdout, sys.stderr):
        # A label the terminal cannot show must not stop a report.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app()
