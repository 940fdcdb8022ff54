"""`lsr deidentify`: a copy that tells nothing of the patient."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from .logs import NOTICE
from .output import Attempts, Verbose, complain, place_to_write, refuse, show


def deidentify(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="An EDF or BDF file.", show_default=False, readable=False),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", parser=place_to_write, help="The copy to write.", show_default=False),
    ],
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="PATTERN",
            help='Also keep annotations like this, as in "Marker ?"; may be repeated. '
            "You vouch that none of them names a person.",
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Write a copy without patient, recording, equipment and free text; samples, times and stimuli stay."""
    _refuse_target(target)
    from lsr import RecordingError
    from lsr.io import deidentify as blank

    def work() -> int:
        try:
            return blank.deidentify(source, target, keep or ())
        except OSError as error:
            raise RecordingError(
                f"{source}: the copy {target} cannot be written ({error.strerror}); name another target"
            ) from error

    attempts = Attempts(verbose=verbose)
    n_missed = attempts.attempt(source, work)
    if n_missed is not None:
        show(str(target))
        if n_missed:
            missed = (
                f"{target}: {n_missed} annotations that lsr takes for stimuli or stages are blanked: words "
                "or numbers in them may tell of a person; an analysis of the copy lacks them, unless "
                "--keep names their pattern"
            )
            complain(missed, NOTICE)
        advice = f"{target}: look at its labels and annotations, with lsr inspect, before you hand it on"
        complain(advice, NOTICE)
    attempts.finish()


def _refuse_target(target: Path) -> None:
    """Nothing is overwritten, and no name is made up: the source's own may be the patient's."""
    if target.is_dir():
        refuse(f"{target}: is a folder; name the file to write in it")
    if os.path.lexists(target):
        refuse(f"{target}: is there already; name another target, or remove it first")
    if not target.parent.is_dir():
        refuse(f"{target}: there is no folder {target.parent}; make it, or name another target")
