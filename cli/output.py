"""What every command shares: options, streams, formats, and what one bad file means for the others.

Conventions
-----------
A recording that is refused costs one line on stderr; the others go on. No message shows a traceback, unless
`--verbose` asks for it, and none of an unexpected error repeats its text, which may quote a header.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from .logs import NOTICE, chatter, start_logging, tell, tell_frames, tells_all

if TYPE_CHECKING:
    from lsr import Report, Settings

SOME_FAILED = 1
WRONG_USAGE = 2
FOUND = 3  # what --fail-on names

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})

Result = TypeVar("Result")

STDIN = Path("-")

Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH",
        help="Recordings; - reads paths from stdin, one a line.",
        show_default=False,
        readable=False,  # not asked before: one that may not be read costs only itself
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        help="Settings; without it, lsr.toml beside each recording, where there is one.",
    ),
]
Stimulated = Annotated[
    str | None,
    typer.Option(
        "--stimulated", metavar='"SIDE BRANCH"', help='What was stimulated, as in "right zygomatic".'
    ),
]
EventsFile = Annotated[
    Path | None,
    typer.Option(
        "--events",
        metavar="FILE.csv",
        help="Stages of surgery, beside those of annotations: columns time or time_s, and text.",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help="Tell on stderr what is done, and where an unexpected error came from."),
]
LogJson = Annotated[
    bool, typer.Option("--log-json", help="What is told on stderr comes as JSON, one object a line.")
]


class ReportFormat(StrEnum):
    """How a report is printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class InspectionFormat(StrEnum):
    """How an inspection is printed."""

    TEXT = "text"
    JSON = "json"


class Answer(StrEnum):
    """What --fail-on may name: an answer of a pair."""

    PRESENT = "present"
    ABSENT = "absent"
    INDETERMINATE = "indeterminate"


FailOn = Annotated[
    list[Answer] | None,
    typer.Option(
        "--fail-on",
        help="End with status 3 where a target pair has this answer; may be repeated. A recording without "
        "a target pair counts as indeterminate.",
    ),
]


def show(text: str) -> None:
    """Print data as they are: what looks like colour may be part of a channel's label in a table."""
    typer.echo(text, color=True)


def complain(text: str, level: int = logging.ERROR, **facts: object) -> None:
    """Tell what is not data, on one line of stderr; facts have names of their own in JSON."""
    tell(level, text, **facts)


def refuse(text: str) -> NoReturn:
    """End with the status of wrong usage."""
    complain(text)
    raise typer.Exit(WRONG_USAGE)


def place_to_write(given: str) -> Path:
    """Read where something goes: an unset variable of a script does not mean the folder one is in."""
    if not given.strip():
        refuse("no place is given to write to; name a file or folder ('.' is the folder you are in)")
    if given.startswith("--"):
        refuse(f"{given} is an option: the one before it needs a file or folder of its own")
    return Path(given)


def refuse_place(place: Path, error: OSError, option: str) -> NoReturn:
    """End where a file cannot be written; a disk that is full is no wrong usage."""
    is_full = error.errno in _FULL
    room = "make room there, or " if is_full else ""
    complain(
        f"{place}: cannot be written ({error.strerror or error}); {room}name another place with {option}"
    )
    raise typer.Exit(SOME_FAILED if is_full else WRONG_USAGE)


def make_place(folder: Path, option: str) -> None:
    """Make a folder to write to; what cannot be written is told before any work is done for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        refuse_place(folder, error, option)


def wants_colour() -> bool:
    """Tell whether stdout is a terminal whose user does not mind colour (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def given_paths(paths: Sequence[Path]) -> Iterator[Path]:
    """Give the paths of the command line; those of stdin as its lines come, where "-" stands for them.

    Without any it ends with the status of wrong usage: a command before the pipe that failed is no success.
    """
    n_given = 0
    for path in paths:
        for one in _lines_of_stdin() if path == STDIN else (path,):
            n_given += 1
            yield one if one.name else one.resolve()  # ".", whose name is that of the folder
    if not n_given:
        refuse("no path came from stdin; check the command that writes them")


def _lines_of_stdin() -> Iterator[Path]:
    for line in sys.stdin:
        named = line.rstrip("\r\n")
        if named:
            yield Path(named)


class ChosenSettings:
    """Which settings each recording gets: those of --config, else of `lsr.toml` beside it, else the defaults.

    Parameters
    ----------
    config : Path | None
        What --config names; read, and refused, at once.
    stimulated : str | None
        What --stimulated says; it stands above the file.
    """

    def __init__(self, config: Path | None, stimulated: str | None) -> None:
        from lsr import Settings, SettingsError

        self._stimulated = stimulated
        self._of_file: dict[Path, Settings] = {}
        try:
            self._own = self._with_branch(Settings.from_file(config) if config else Settings())
        except SettingsError as error:
            refuse(str(error))
        self._looks_beside = config is None

    def of(self, recording: Path) -> Settings:
        """Return the settings of a recording, and tell once that those of a file beside it are used.

        Raises
        ------
        SettingsError
            The file beside the recording is wrong.
        """
        from lsr import Settings
        from lsr.settings import find_settings_file

        beside = find_settings_file(recording) if self._looks_beside else None
        if beside is None:
            return self._own
        if beside not in self._of_file:
            self._of_file[beside] = self._with_branch(Settings.from_file(beside))
            complain(f"settings of {beside} are used for its recordings", NOTICE, settings=str(beside))
        return self._of_file[beside]

    def _with_branch(self, settings: Settings) -> Settings:
        return settings if self._stimulated is None else settings.stimulated(self._stimulated)


class Attempts:
    """Work on one recording after the other; a failure is told and remembered.

    Parameters
    ----------
    verbose : bool
        Also tell what is done, and where an unexpected error came from.
    log_json : bool
        Tell it as JSON lines.
    fail_on : sequence of Answer
        Answers that give the status 3 where nothing failed.
    """

    def __init__(self, *, verbose: bool, log_json: bool = False, fail_on: Sequence[Answer] = ()) -> None:
        start_logging(verbose=verbose, as_json=log_json)
        self._fail_on = frozenset(answer.value for answer in fail_on)
        self._status = 0
        self._found = False

    def attempt(self, path: Path, work: Callable[[], Result]) -> Result | None:
        """Return what `work` returns, or None after a complaint that names the file."""
        from lsr import EventsError, LsrError, SettingsError

        begun = time.monotonic()
        complain(f"{path}: begins", logging.INFO, recording=str(path))
        try:
            with redirect_stdout(chatter()):  # whatever a library prints is no data
                result = work()
        except LsrError as error:
            wrong_usage = isinstance(error, SettingsError | EventsError)
            self._fail(path, error, str(error), WRONG_USAGE if wrong_usage else SOME_FAILED)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(
                path,
                error,
                f"unexpected {type(error).__name__} at {Path(place.filename).name}:{place.lineno}; "
                "this is a fault of lsr: please report it, with what --verbose shows",
                SOME_FAILED,
            )
        else:
            took_s = round(time.monotonic() - begun, 3)
            complain(f"{path}: done in {took_s:.3f} s", logging.INFO, recording=str(path), took_s=took_s)
            return result
        return None

    def look_at(self, path: Path, report: Report) -> None:
        """Remember whether the report of a recording has what --fail-on names."""
        answers = {str(pair.presence) for pair in report.pairs if pair.relation == "target"}
        hits = sorted(self._fail_on & (answers or {Answer.INDETERMINATE.value}))
        if hits:
            said = f"{path}: {' and '.join(hits)}, as --fail-on asks"
            complain(said, NOTICE, recording=str(path), answers=hits)
            self._found = True

    def _fail(self, path: Path, error: Exception, message: str, status: int) -> None:
        from lsr import LsrError

        known = f"{path.name}: "  # alone it does not tell recordings of two folders apart
        if message.startswith(known):
            text = f"{path}: {message.removeprefix(known)}"
        else:
            named = str(path) in message or path.name in message
            text = message if named else f"{path}: {message}"
        complain(text, recording=str(path), error=type(error).__name__)
        if tells_all() and not isinstance(error, LsrError):
            tell_frames(error)
        self._status = max(self._status, status)

    def finish(self) -> None:
        """End with the status of what happened; a failure stands above what was found."""
        status = self._status or (FOUND if self._found else 0)
        if status:
            raise typer.Exit(status)
