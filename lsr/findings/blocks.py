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


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Stimuli judged together."""

    start_s: float  # of its first stimulus
    end_s: float  # of its last stimulus
    stage: str | None
    stimuli: np.ndarray  # (n,): which stimuli of the set


def form_blocks(stimuli: StimulusSet, stages: Sequence[Stage], block_stimuli: int) -> tuple[Block, ...]:
    """Divide the stimuli of a set by stage, and within a stage by number.

    A rest shorter than half a block joins the block before it.

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
    blocks = []
    first = 0
    for k in range(1, times.size + 1):
        if k < times.size and names[k] == names[first]:
            continue
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
        first = k
    return tuple(blocks)


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
