"""What the blocks of each pair show together: the nouns that findings return.

Conventions
-----------
Times are seconds since the recording's start. A pair is a stimulated branch and a recorded muscle.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.detection.detection import Detection, MWave, SweepFinding
from lsr.recording import Problem
from lsr.stimuli import StimulusSet


class Course(StrEnum):
    """What became of a pair's LSR during an operation."""

    NOT_DETECTED_AT_BASELINE = "not_detected_at_baseline"
    PERSISTED = "persisted"
    REDUCED = "reduced"
    DISAPPEARED = "disappeared"
    DISAPPEARED_BEFORE_DECOMPRESSION = "disappeared_before_decompression"
    REAPPEARED = "reappeared"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFinding:
    """One block of one pair."""

    start_s: float
    end_s: float
    stage: str | None
    stimuli: tuple[int, ...]  # which stimuli of the set
    detection: Detection
    m_wave: MWave | None  # of the direct muscle in this block


@dataclass(frozen=True, slots=True, kw_only=True)
class Disappearance:
    """When a response was last seen; the first block without it starts at `time_s`."""

    time_s: float
    stage: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSweep:
    """One stimulus of a pair, and what its sweep shows."""

    stimulus: int  # which of the set
    time_s: float
    stage: str | None
    finding: SweepFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFinding:
    """All blocks of one pair together."""

    stimulation: str  # StimulusSet.id
    branch: Branch | None
    muscle: Muscle | None
    side: Side | None
    channel: str  # label
    relation: Relation
    detection: Detection  # the pair as a whole
    m_wave: MWave | None
    stimulus_threshold_ma: float | None
    p_value_adjusted: float | None  # over the recording's pairs (Holm)
    blocks: tuple[BlockFinding, ...]
    course: Course | None
    amplitude_change_percent: float | None
    disappeared_at: Disappearance | None
    sweeps: tuple[PairSweep, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All pairs of a recording."""

    stimulation: tuple[StimulusSet, ...]
    pairs: tuple[PairFinding, ...]
    residual_lsr: bool | None  # None: cannot be told
    problems: tuple[Problem, ...] = ()
