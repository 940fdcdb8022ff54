"""What every command shares: options, streams, formats, and what one bad file means for the others.

Conventions
-----------
A recording that is refused costs one line on stderr; the others go on. No message shows a traceback, unless
`--verbose` asks for it, and none of an unexpected error repeats its text, which may quote a header.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from lsr import Settings

SOME_FAILED = 1
WRONG_USAGE = 2

Result = TypeVar("Result")

Paths = Annotated[list[Path], typer.Argument(metavar="PATH", help="Recordings.", show_default=False)]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE.toml", help="Configuration; what the file does not say."),
]
Stimulated = Annotated[
    str | None,
    typer.Option(
        "--stimulated", metavar='"SIDE BRANCH"', help='What was stimulated, as in "right zygomatic".'
    ),
]
EventsFile = Annotated[
    Path | None,
    typer.Option("--events", metavar="FILE.csv", help="Stages of surgery: columns time or time_s, and text."),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show where an unexpected error came from.")]


class ReportFormat(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class InspectionFormat(StrEnum):
    """How an inspection is printed."""

    TEXT = "text"
    JSON = "json"


def show(text: str) -> None:
    """Print data."""
    typer.echo(text)


def complain(text: str) -> None:
    """Print what is not data, on one line."""
    typer.echo(f"lsr: {' '.join(text.split())}", err=True)


def refuse(text: str) -> NoReturn:
    """End with the status of wrong usage."""
    complain(text)
    raise typer.Exit(WRONG_USAGE)


def wants_colour() -> bool:
    """Tell whether stdout is a terminal whose user does not mind colour (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def read_settings(config: Path | None, stimulated: str | None) -> Settings:
    """Join the configuration and what the command line says of the stimulation; refuse what is wrong."""
    from lsr import Settings, SettingsError

    try:
        settings = Settings.from_file(config) if config else Settings()
        return settings.stimulated(stimulated) if stimulated is not None else settings
    except SettingsError as error:
        refuse(str(error))


class Attempts:
    """Work on one recording after the other; a failure is told and remembered.

    Parameters
    ----------
    verbose : bool
        Show the traceback of an unexpected error.
    """

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._status = 0

    def attempt(self, path: Path, work: Callable[[], Result]) -> Result | None:
        """Return what `work` returns, or None after a complaint that names the file."""
        from lsr import EventsError, LsrError, SettingsError

        try:
            with redirect_stdout(sys.stderr):  # whatever a library prints is no data
                return work()
        except LsrError as error:
            wrong_usage = isinstance(error, SettingsError | EventsError)
            self._fail(path, str(error), WRONG_USAGE if wrong_usage else SOME_FAILED)
        except Exception as error:
            if self._verbose:
                traceback.print_exc()
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(
                path,
                f"unexpected {type(error).__name__} at {Path(place.filename).name}:{place.lineno}; "
                "this is a fault of lsr: please report it, with what --verbose shows",
                SOME_FAILED,
            )
        return None

    def _fail(self, path: Path, message: str, status: int) -> None:
        named = str(path) in message or path.name in message
        complain(message if named else f"{path}: {message}")
        self._status = max(self._status, status)

    def finish(self) -> None:
        """End with the status of what happened."""
        if self._status:
            raise typer.Exit(self._status)
