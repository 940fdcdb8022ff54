"""How far one long analysis is: a bar on a terminal, log lines with --verbose, nothing elsewhere.

Conventions
-----------
A bar appears only after a second, so that short recordings leave the terminal quiet, and is gone when the
analysis ends.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from .logs import tell, tells_all, tells_json

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

_QUIET_S = 1.0


class AnalysisProgress:
    """Shows the steps of one analysis; to be called with step, done and total, in a ``with`` statement.

    Parameters
    ----------
    name : str
        What is analysed, as it was given; the bar has room for the last part of a path.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = time.monotonic()
        self._step = ""
        self._shows_bar = sys.stderr.isatty() and not (tells_all() or tells_json())
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> AnalysisProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that a step is under way."""
        if step != self._step:
            of = f", {total} in all" if total else ""
            tell(logging.INFO, f"{self._name}: {step}{of}", recording=self._name, step=step)
        if self._shows_bar and time.monotonic() - self._begun > _QUIET_S:
            self._show(step, done, total)
        self._step = step

    def _show(self, step: str, done: int, total: int) -> None:
        if self._bar is None:
            from rich.progress import TaskProgressColumn

            self._bar = start_bar(TaskProgressColumn())
        if step != self._step or self._task is None:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._task = self._bar.add_task(f"{Path(self._name).name}: {step}", total=None)
        self._bar.update(self._task, completed=done, total=total or None)


def start_bar(count: ProgressColumn) -> Progress:
    """Start a bar on stderr that is gone when it stops; `count` tells how much is done."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        count,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar
