"""`lsr batch`: many recordings, a report each, and what all of them say."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from .batch_progress import BatchProgress
from .logs import NOTICE, start_logging
from .output import (
    FOUND,
    SOME_FAILED,
    WRONG_USAGE,
    Answer,
    ChosenSettings,
    ConfigFile,
    EventsFile,
    FailOn,
    LogJson,
    Stimulated,
    Verbose,
    complain,
    given_paths,
    place_to_write,
    refuse,
)

if TYPE_CHECKING:
    from lsr.batch import BatchResult

_INTERRUPTED = 130

Folders = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER",
        help="Folders to look through, or recordings; - reads paths from stdin, one a line.",
        show_default=False,
        readable=False,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", min=1, help="Processes; without it, one for each core."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="A running Dask scheduler, as tcp://host:8786, whose workers do it instead.",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the run in DIR: keep what is done and unchanged, remove what is not given any more.",
    ),
]
Pages = Annotated[bool, typer.Option("--html/--no-html", help="Also leave a page of each recording.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Tell nothing but why a run cannot go on.")]


def batch(
    folders: Folders,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", parser=place_to_write, help="Where everything goes.", show_default=False
        ),
    ],
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    html: Pages = True,
    config: ConfigFile = None,
    stimulated: Stimulated = None,
    events: EventsFile = None,
    fail_on: FailOn = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_json: LogJson = False,
) -> None:
    """Analyse all recordings of folders: a report each, a table over all, a summary."""
    from lsr.batch import run_batch

    start_telling(quiet=quiet, verbose=verbose, log_json=log_json)
    refuse_two_engines(jobs, scheduler)
    settings = ChosenSettings(config, stimulated)
    given = list(given_paths(folders))
    progress = BatchProgress(quiet=quiet)
    work = partial(
        run_batch,
        given,
        out,
        settings.of,
        events=events,
        jobs=jobs,
        scheduler=scheduler,
        resume=resume,
        html=html,
        watch=progress,
    )
    end_with(run_until_done(work, progress), out, fail_on)


def start_telling(*, quiet: bool, verbose: bool, log_json: bool) -> None:
    """Say what is told of a run."""
    start_logging(verbose=verbose, as_json=log_json)
    if quiet:
        logging.getLogger("lsr").setLevel(logging.ERROR)


def refuse_two_engines(jobs: int | None, scheduler: str | None) -> None:
    """One of them does the work."""
    if scheduler is not None and jobs is not None:
        refuse("--jobs counts processes of this machine; with --scheduler, the cluster has its own")


def end_with(result: BatchResult, out: Path, fail_on: list[Answer] | None) -> None:
    """Tell what a run came to, and end with its status."""
    analysed = f"{result.n_analysed} analysed{_done_before(result)}"
    removed = f", {result.n_removed} of an earlier run removed" if result.n_removed else ""
    complain(
        f"{analysed}, {len(result.refused)} failed{removed}: {out / 'summary.html'}",
        NOTICE,
        analysed=result.n_analysed,
        done_before=result.n_done_before,
        failed=len(result.refused),
        removed=result.n_removed,
    )
    status = _status(result, [answer.value for answer in fail_on or ()])
    if status:
        raise typer.Exit(status)


def run_until_done(work: Callable[[], BatchResult], progress: BatchProgress) -> BatchResult:
    """Run, and end cleanly where that cannot begin, cannot go on, or is interrupted."""
    from lsr import LsrError

    try:
        with _heard_as_interrupt(signal.SIGTERM), progress:
            return work()
    except LsrError as error:
        if not progress.n_total:
            refuse(str(error))
        complain(str(error))
        raise typer.Exit(SOME_FAILED) from None
    except KeyboardInterrupt:
        done = f"after {progress.n_done} of {progress.n_total}" if progress.n_total else "before the first"
        complain(f"interrupted {done}; --resume goes on", NOTICE)
        raise typer.Exit(_INTERRUPTED) from None


@contextmanager
def _heard_as_interrupt(number: signal.Signals) -> Iterator[None]:
    """End as cleanly on this signal as on Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(number, interrupt)
    except ValueError:  # not in the main thread, where signals are not heard
        yield
        return
    try:
        yield
    finally:
        signal.signal(number, before)


def _done_before(result: BatchResult) -> str:
    return f" ({result.n_done_before} of them before)" if result.n_done_before else ""


def _status(result: BatchResult, fail_on: list[str]) -> int:
    """Tell the status; a failure stands above what was found, wrong settings above both."""
    if any(one.kind in ("SettingsError", "EventsError") for one in result.refused):
        return WRONG_USAGE
    if result.refused:
        return SOME_FAILED
    return FOUND if result.presences & set(fail_on) else 0
