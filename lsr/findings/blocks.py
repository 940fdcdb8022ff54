"""Which stimuli are judged together?

Conventions
-----------
Times are seconds since the recording's start. A block never spans two stages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lsr.stages import Stage
from lsr.stimuli import StimulusSet

BASELINE = "baseline"  # the stage that others are measured against
_PAUSE_S = 60.0  # much may happen to the nerve meanwhile
_PAUSE_INTERVALS = 10.0  # and it is longer than usual by so much
_ENOUGH = 0.75  # of a block: it ends at a pause then
_LEAST_LAST = 5  # stimuli; fewer tell too little


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Stimuli judged together."""

    start_s: float  # of its first stimulus
    end_s: float  # of its last stimulus
    stage: str | None
    stimuli: np.ndarray  # (n,): which stimuli of the set


def form_blocks(stimuli: StimulusSet, stages: Sequence[Stage], block_stimuli: int) -> tuple[Block, ...]:
    """Divide the stimuli of a set by stage, and within a stage by number.

    A block ends at a long pause where it holds three quarters of the stimuli it should. A rest shorter than
    half a block joins the block before it, but for the last stimuli of all: after a long pause they tell of
    the end, however few.

    Parameters
    ----------
    stimuli : StimulusSet
    stages : sequence of Stage
    block_stimuli : int

    Returns
    -------
    tuple[Block, ...]
        In the order of time.
    """
    times = np.array([stimulus.time_s for stimulus in stimuli.stimuli])
    names = [_stage_at(time, stages) for time in times]
    pauses = _pauses(times)
    cuts = _stage_cuts(names, _last_run(times, pauses, block_stimuli))
    blocks = []
    for cut, next_cut in pairwise(cuts):
        for first, k in pairwise(_pause_cuts(cut, next_cut, pauses, block_stimuli)):
            n_blocks = max(1, round((k - first) / block_stimuli + 1e-9))
            edges = [first + block_stimuli * i for i in range(n_blocks)] + [k]
            for begin, end in pairwise(edges):
                blocks.append(
                    Block(
                        start_s=float(times[begin]),
                        end_s=float(times[end - 1]),
                        stage=names[first],
                        stimuli=np.arange(begin, end),
                    )
                )
    return tuple(blocks)


def _stage_cuts(names: Sequence[str | None], last_run: int | None) -> list[int]:
    """Where a stage or the last run begins, and the end."""
    n = len(names)
    return [0, *(k for k in range(1, n) if names[k] != names[k - 1] or k == last_run), n]


def _pause_cuts(first: int, end: int, pauses: Sequence[int], block_stimuli: int) -> list[int]:
    """Where to divide stimuli of one stage at pauses, with both ends."""
    cuts = [first]
    for k in pauses:
        if k - cuts[-1] >= _ENOUGH * block_stimuli and end - k >= block_stimuli / 2:
            cuts.append(k)
    return [*cuts, end]


def _pauses(times: np.ndarray) -> list[int]:
    """The first stimulus after each long pause."""
    intervals = np.diff(times)
    if not intervals.size:
        return []
    is_long = intervals >= max(_PAUSE_S, _PAUSE_INTERVALS * float(np.median(intervals)))
    return [int(k) + 1 for k in np.flatnonzero(is_long)]


def _last_run(times: np.ndarray, pauses: Sequence[int], block_stimuli: int) -> int | None:
    """The first of a few last stimuli after a long pause; None where there are none such."""
    if not pauses:
        return None
    return pauses[-1] if _LEAST_LAST <= times.size - pauses[-1] < block_stimuli / 2 else None


def count_leading(stage_of_block: Sequence[str | None]) -> int:
    """Count the leading blocks that are the baseline: those of the first stage.

    What was stimulated before a stage called baseline was announced belongs to it.

    Examples
    --------
    >>> count_leading([None, "baseline", "baseline", "opening"]), count_leading([None, "opening"])
    (3, 1)
    """
    first = next((k for k, stage in enumerate(stage_of_block) if stage != stage_of_block[0]), None)
    if first is None:
        return len(stage_of_block)
    if stage_of_block[0] is None and stage_of_block[first] == BASELINE:
        return first + count_leading(stage_of_block[first:])
    return first


def _stage_at(time_s: float, stages: Sequence[Stage]) -> str | None:
    return next((stage.name for stage in stages if stage.start_s <= time_s < stage.end_s), None)
