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


def _stage_at(time_s: float, stages: Sequence[Stage]) -> str | None:
    return next((stage.name for stage in stages if stage.start_s <= time_s < stage.end_s), None)
