"""What does a worker do with one task? It analyses, and leaves the outputs for whoever started the run.

Conventions
-----------
Outputs are left under names of their own in the staging folder, which all workers and the starting process
see; nothing here knows whether another worker is at the same task. A worker analyses one recording at a time:
two threads of it take turns.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import lsr
from lsr.batch.refusing import refusal_of
from lsr.batch.tasks import Kind, Refusal, Task, content_sha256
from lsr.errors import BatchError

if TYPE_CHECKING:
    from lsr.report.report import Report

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A task, and what it is to be done with."""

    task: Task
    staging: Path
    lsr_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An output that waits in the staging folder."""

    path: str  # where it goes, below the output folder
    staged: str  # its name now
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of a task that was analysed."""

    content_sha256: str
    left: tuple[Left, ...]


def perform(job: Job) -> Done | Refusal:
    """Analyse one recording, and leave its outputs.

    Parameters
    ----------
    job : Job

    Returns
    -------
    Done or Refusal
        Whatever is wrong with the recording is a refusal.

    Raises
    ------
    BatchError
        The worker has another version of `lsr`, or cannot write: no recording would do better.
    MemoryError
        Memory ran out.
    """
    if lsr.__version__ != job.lsr_version:
        raise BatchError(
            f"a worker has lsr {lsr.__version__}, and the run was started by {job.lsr_version}; "
            "install the same version on every worker"
        )
    task = job.task
    with _ONE_AT_A_TIME, _silent():
        try:
            report = _analysed(task)
            rendered = [
                (output.path, _render(report, output.kind).encode(errors="backslashreplace"))
                for output in task.outputs
            ]
            content = content_sha256(task.inputs, _known(report, task))
        except MemoryError:
            raise
        except Exception as error:
            return refusal_of(error, task.recording, task.name, task.events)
    return Done(
        content_sha256=content, left=tuple(_leave(job.staging, path, text) for path, text in rendered)
    )


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Let no library print."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


def _analysed(task: Task) -> Report:
    from lsr.pipeline import analyze

    draws = any(output.kind is Kind.HTML for output in task.outputs)
    return analyze(task.recording, task.settings, events=task.events, with_traces=draws)


def _render(report: Report, kind: Kind) -> str:
    if kind is Kind.HTML:
        return report.to_html()
    if kind is Kind.TSV:
        from lsr.report.as_bids import as_tsv

        return as_tsv(report)
    from lsr.report.as_json import as_json

    return as_json(report, indent=2) + "\n"


def _known(report: Report, task: Task) -> dict[Path, str]:
    """Take the digest from the report where it is that of a file; it is that of samples for text."""
    alone = task.inputs[0] == task.recording and task.recording.is_file()
    is_edf = report.recording.format.startswith(("EDF", "BDF"))
    return {task.recording: report.recording.sha256} if alone and is_edf else {}


def _leave(staging: Path, path: str, content: bytes) -> Left:
    name = uuid.uuid4().hex
    try:
        with (staging / name).open("xb") as file:
            file.write(content)
    except OSError as error:
        raise BatchError(
            f"a worker cannot write to the output folder ({error.strerror}); make room there, or let every "
            f"worker see it under the same path (here it is process {os.getpid()}), then go on with --resume"
        ) from None
    return Left(path=path, staged=name, sha256=sha256(content).hexdigest())
