"""How far a run over many recordings is: a bar on a terminal, a line now and then elsewhere, or nothing.

Conventions
-----------
Failures are told as they happen. The rate counts what this run analyses, not what was done before.
"""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from .logs import NOTICE, tells_all, tells_json
from .output import complain
from .progress import start_bar

if TYPE_CHECKING:
    from rich.progress import Progress

    from lsr.batch import Tally

_EVERY_S = 10.0  # between plain lines


class BatchProgress:
    """Shows how far a run is; to be called with each tally, in a ``with`` statement.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.n_done = 0
        self.n_total = 0
        self._quiet = quiet
        self._begun = self._told = time.monotonic()
        self._has_bar = sys.stderr.isatty() and not (quiet or tells_all() or tells_json())
        self._bar: Progress | None = None

    def __enter__(self) -> BatchProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, tally: Tally) -> None:
        """Show how far it is."""
        self.n_done, self.n_total = tally.n_done, tally.n_total
        if self._quiet:
            return
        if self._has_bar:
            self._show(tally)
        if tally.refusal is not None:
            complain(tally.refusal.message, recording=tally.refusal.name, error=tally.refusal.kind)
        elif tally.name is not None:
            before = ", as before" if tally.step == "checking" else ""
            complain(f"{tally.name}: done{before}", logging.INFO, recording=tally.name)
        now = time.monotonic()
        if not self._has_bar and (now - self._told >= _EVERY_S):
            self._told = now
            complain(
                self._in_words(tally),
                NOTICE,
                done=tally.n_done,
                total=tally.n_total,
                failed=tally.n_failed,
            )

    def _in_words(self, tally: Tally) -> str:
        n_new = tally.n_done - tally.n_done_before
        elapsed_s = time.monotonic() - self._begun
        text = f"{tally.step}: {tally.n_done} of {tally.n_total}, {tally.n_failed} failed"
        if not n_new:
            return text
        per_s = n_new / elapsed_s
        left_s = round((tally.n_total - tally.n_done) / per_s)
        minutes, seconds = divmod(left_s, 60)
        return f"{text}, {per_s:.2f} per second, {minutes // 60}:{minutes % 60:02d}:{seconds:02d} left"

    def _show(self, tally: Tally) -> None:
        if self._bar is None:
            from rich.progress import MofNCompleteColumn

            self._bar = start_bar(MofNCompleteColumn())
            self._bar.add_task("", total=tally.n_total)
        task = self._bar.task_ids[0]
        n_new = tally.n_done - tally.n_done_before
        per_s = n_new / (time.monotonic() - self._begun)
        self._bar.update(
            task,
            completed=tally.n_done,
            description=f"{tally.step}: {per_s:.2f} per second, {tally.n_failed} failed",
        )
