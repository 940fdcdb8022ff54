"""Which tasks do the recordings of folders make, and which are refused before anything is begun?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lsr.batch.finding import Found, find_recordings
from lsr.batch.refusing import refusal_of
from lsr.batch.tasks import Kind, Output, Refusal, Task
from lsr.errors import BatchError, LsrError
from lsr.io.signatures import files_of
from lsr.settings import Settings
from lsr.stages import read_events

REPORTS_FOLDER = "reports"
_LONGEST_NAME = 255  # bytes, of most file systems
_ANY_START = datetime(2000, 1, 1)  # what events mean depends on the start; whether they can be read does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run has to do."""

    tasks: tuple[Task, ...]
    refused: tuple[Refusal, ...] = ()

    def __post_init__(self) -> None:
        """Make sure that no output takes the place of another."""
        taken: dict[str, str] = {}
        for task in self.tasks:
            for output in task.outputs:
                other = taken.setdefault(output.path, task.name)
                if other != task.name:
                    raise BatchError(
                        f"{task.name} and {other} would share {output.path}; give their folders one at a time"
                    )


def plan_recordings(
    given: Sequence[Path],
    out: Path,
    settings_of: Callable[[Path], Settings],
    *,
    events: Path | None = None,
    html: bool = True,
) -> Plan:
    """Find recordings, and plan a report of each.

    Parameters
    ----------
    given : sequence of Path
        Folders to look through, or recordings themselves.
    out : Path
        The output folder; it is not looked through.
    settings_of : Callable[[Path], Settings]
        What each recording is analysed with; an `LsrError` of it refuses that recording.
    events : Path | None
        CSV with the stages of an operation, for every recording.
    html : bool
        Also plan a page of each recording.

    Returns
    -------
    Plan
        The reports lie in ``reports/``, under the name of the recording with its ending, so that recordings
        of one name in different folders, or of different formats, keep apart.

    Raises
    ------
    RecordingNotFound
        None of the given paths is there.
    EventsError
        The events file can serve no recording, whenever that starts.
    """
    if events is not None:
        read_events(events, _ANY_START)  # once, before anything of an earlier run is touched
    tasks: list[Task] = []
    refused: list[Refusal] = []
    for found in find_recordings(given, but_not=out):
        if isinstance(found, Refusal):
            refused.append(found)
            continue
        try:
            settings = settings_of(found.path)
        except LsrError as error:
            refused.append(refusal_of(error, found.path, found.name))
            continue
        tasks.append(_task(found, settings, events, html))
    return Plan(tasks=tuple(tasks), refused=tuple(refused))


def _report_path(name: str, kind: Kind) -> str:
    """Name a report; a file name that would be too long for a file system is cut, and ends in a digest."""
    folder, slash, last = f"{REPORTS_FOLDER}/{name}".rpartition("/")
    if len(f"{last}.{kind}".encode()) > _LONGEST_NAME:
        digest = hashlib.sha256(last.encode()).hexdigest()[:12]
        last = f"{last.encode()[: _LONGEST_NAME - 20].decode(errors='ignore')}~{digest}"
    return f"{folder}{slash}{last}.{kind}"


def _task(found: Found, settings: Settings, events: Path | None, html: bool) -> Task:
    kinds = (Kind.JSON, Kind.HTML) if html else (Kind.JSON,)
    return Task(
        name=found.name,
        recording=found.path.absolute(),  # where a link leads to may have another name, and other sidecars
        settings=settings,
        outputs=tuple(Output(path=_report_path(found.name, kind), kind=kind) for kind in kinds),
        inputs=tuple(path.absolute() for path in (*files_of(found.path), *([events] if events else []))),
        events=events.resolve() if events else None,
    )
