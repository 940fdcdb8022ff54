"""How is it told how far a run is?

Conventions
-----------
Whoever wants to know hands in a `Watch`; it is called in the process that was started, after each recording.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lsr.batch.tasks import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How far a run is."""

    step: str  # checking | analysing | writing tables
    n_total: int
    n_done: int  # with those that failed and those that were done before
    n_done_before: int
    n_failed: int
    name: str | None = None  # the recording that this is about
    refusal: Refusal | None = None  # it failed


Watch = Callable[[Tally], None]


def unwatched(tally: Tally) -> None:
    """Tell nobody."""
