"""`lsr bids`: an EMG-BIDS data set in, derivatives out, in the form of BIDS Apps."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .batch import (
    Jobs,
    Pages,
    Quiet,
    Resume,
    Scheduler,
    end_with,
    refuse_two_engines,
    run_until_done,
    start_telling,
)
from .batch_progress import BatchProgress
from .output import (
    ChosenSettings,
    ConfigFile,
    FailOn,
    LogJson,
    Stimulated,
    Verbose,
    place_to_write,
    refuse,
    show,
)

if TYPE_CHECKING:
    from lsr.batch import BatchResult

_LABEL = "--participant-label"


class Level(StrEnum):
    """What a BIDS App works on; there is nothing to do for the group that `participant` does not."""

    PARTICIPANT = "participant"


def bids(
    context: typer.Context,
    dataset: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="The data set.", show_default=False)],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT_DIR", parser=place_to_write, help="Where the derivatives go.", show_default=False
        ),
    ],
    level: Annotated[
        Level, typer.Argument(metavar="participant", help="The level of analysis.", show_default=False)
    ],
    labels: Annotated[
        list[str] | None,
        typer.Option(
            _LABEL,
            "--participant_label",
            metavar="LABEL...",
            help="Only these participants, with sub- or without; several at once, or repeated.",
        ),
    ] = None,
    config: ConfigFile = None,
    stimulated: Stimulated = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    html: Pages = True,
    fail_on: FailOn = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_json: LogJson = False,
) -> None:
    """Analyse an EMG-BIDS data set; write derivatives."""
    start_telling(quiet=quiet, verbose=verbose, log_json=log_json)
    refuse_two_engines(jobs, scheduler)
    more = list(context.args)  # what follows the first label: BIDS Apps take several after one option
    if more and (not labels or any(label.startswith("-") for label in more)):
        refuse(f"unexpected {more[0]!r}; participants are named after {_LABEL}")
    settings = ChosenSettings(config, stimulated)
    if out.resolve() == dataset.resolve():
        refuse(f"{out}: is the data set itself; name another folder, such as {out / 'derivatives' / 'lsr'}")
    from lsr.batch import dask_engine, local_engine, run_plan
    from lsr.batch.bids import plan_dataset, write_dataset_files

    progress = BatchProgress(quiet=quiet)

    def work() -> BatchResult:
        plan = plan_dataset(dataset, settings.of, [*(labels or ()), *more], html=html)
        write_dataset_files(dataset, out)
        engine = local_engine(jobs) if scheduler is None else dask_engine(scheduler)
        return run_plan(plan, out, engine, resume=resume, watch=progress)

    result = run_until_done(work, progress)
    show(str(out))
    end_with(result, out, fail_on)
