"""What the blocks of each pair show together: the nouns that findings return.

Conventions
-----------
Times are seconds since the recording's start. A pair is a stimulated branch and a recorded muscle.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

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


class Seen(NamedTuple):
    """How large the stimulus stands in a channel, and what noise alone spans; uV, peak to peak."""

    artifact_uv: float  # of the median sweep
    artifact_noise_uv: float
    direct_uv: float  # of the average, between the artifact and the search window
    direct_noise_uv: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockFinding:
    """One block of one pair."""

    start_s: float
    end_s: float
    stage: str | None
    stimuli: tuple[int, ...]  # which stimuli of the set
    detection: Detection
    m_wave: MWave | None  # of the direct muscle in this block
    intensity_ma: float | None = None  # median of its stimuli
    quartiles_ma: tuple[float, float] | None = None  # of its stimuli; None: both as the median
    answered_ma: float | None = None  # median of its stimuli with a response; None: as that of all
    last_answered_s: float | None = None  # its last stimulus with a response, where sweeps can be judged
    seen: Seen | None = None  # how the channel sees the stimulus, where blocks are compared
    rest_uv: float | None = None  # noise of one sweep before its stimulus, where blocks are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Disappearance:
    """When a response was gone: between when it was last seen and the first block without it."""

    time_s: float  # start of the first block without it
    stage: str | None
    last_seen_s: float | None = None  # last stimulus with a response
    last_seen_stage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulusThreshold:
    """The intensity that evokes a response in half of the stimuli that can be answered."""

    intensity_ma: float
    interval_ma: tuple[float, float]  # 95 %


@dataclass(frozen=True, slots=True, kw_only=True)
class RecruitmentLevel:
    """What stimuli of one intensity evoke; None: cannot be told at this one."""

    intensity_ma: float
    n_stimuli: int
    persistence: float | None
    amplitude_uv: float | None  # mean over all of them, unanswered ones as 0
    m_wave_uv: float | None  # 0: looked, and found none


@dataclass(frozen=True, slots=True, kw_only=True)
class NerveConduction:
    """The M wave of a direct muscle, beside that of the other side where both were stimulated."""

    stimulation: str  # StimulusSet.id
    branch: Branch | None
    muscle: Muscle | None
    side: Side | None
    channel: str  # label
    onset_latency_ms: float | None  # None: no M wave, or sampled too slowly to tell
    amplitude_uv: float | None
    n_stimuli: int
    latency_difference_ms: float | None = None  # this side less the other
    amplitude_ratio: float | None = None  # this side over the other


@dataclass(frozen=True, slots=True, kw_only=True)
class MuscleActivity:
    """What a muscle does between the stimuli, in a stage or in all of the recording."""

    channel: str  # label
    muscle: Muscle | None
    side: Side | None
    stage: str | None  # None: the whole recording
    observed_s: float  # between the stimuli
    n_bursts: int
    bursts_per_min: float
    duration_ms: float | None  # median; None: no burst
    active_share: float  # of the time observed
    discharge_hz: float | None  # of motor units within a burst, median; None: cannot be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Synkinesis:
    """Bursts that two muscles share, more often than chance brings about."""

    channels: tuple[str, str]  # labels
    muscles: tuple[Muscle | None, Muscle | None]
    stage: str | None  # None: the whole recording
    n_shared: int
    shared_per_min: float
    share: float  # of the bursts of the muscle with fewer
    share_by_chance: float
    lag_ms: float  # median start in the second muscle less that in the first
    lag_quartiles_ms: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityTrend:
    """Spontaneous activity of a muscle in a stretch of time."""

    channel: str  # label
    start_s: float
    end_s: float
    observed_s: float
    n_bursts: int
    bursts_per_min: float
    active_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SynkinesisTrend:
    """Bursts that two muscles share, in a stretch of time."""

    channels: tuple[str, str]  # labels
    start_s: float
    end_s: float
    n_shared: int
    shared_per_min: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spontaneous:
    """Spontaneous activity of all muscles, on both sides."""

    activity: tuple[MuscleActivity, ...]  # by muscle: the whole recording, then each stage
    synkinesis: tuple[Synkinesis, ...]  # by two muscles: the whole recording, then each stage
    trend: tuple[ActivityTrend, ...]
    synkinesis_trend: tuple[SynkinesisTrend, ...]
    n_spikes: int  # technical spikes passed over
    n_heartbeats: int


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
    amplitude_change_percent: float | None  # of the blocks from the baseline on that do not differ
    disappeared_at: Disappearance | None
    amplitude_change_ci_percent: tuple[float, float] | None = None
    baseline_block: int | None = None  # which of `blocks` the course is measured against
    stimulus_threshold_ci_ma: tuple[float, float] | None = None
    m_wave_threshold: StimulusThreshold | None = None
    recruitment: tuple[RecruitmentLevel, ...] = ()  # by intensity; empty where it does not vary
    sweeps: tuple[PairSweep, ...] = ()
    measured_stage: str | None = None  # the stage that `detection` measures; None: no single one
    n_stimuli_measured: int | None = None  # of how many stimuli its measures tell; None: of all that are used
    there: tuple[bool | None, ...] = ()  # by block, the operation as its own control; empty: no operation
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All pairs of a recording."""

    stimulation: tuple[StimulusSet, ...]
    pairs: tuple[PairFinding, ...]
    residual_lsr: bool | None  # None: cannot be told
    problems: tuple[Problem, ...] = ()
    nerve_conduction: tuple[NerveConduction, ...] = ()
    spontaneous: Spontaneous | None = None  # None: next to nothing between stimuli, or some unmarked
