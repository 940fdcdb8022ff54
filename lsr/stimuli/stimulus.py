"""Stimuli: the nouns of when each electrical pulse was given, on which branch, how strong.

Conventions
-----------
Times are seconds since the recording's start. Stimuli of a set are sorted in time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from lsr.anatomy import Branch, Side
from lsr.recording import Problem


class StimulusSource(StrEnum):
    """What tells when a stimulus was given."""

    ANNOTATION = "annotation"
    TRIGGER_CHANNEL = "trigger_channel"
    RECORD = "record"  # one data record per sweep
    ARTIFACT = "artifact"  # the stimulus artifact itself, as the last resort
    AVERAGE = "average"  # records that hold averaged sweeps


class BranchSource(StrEnum):
    """What tells which branch was stimulated."""

    ANNOTATION = "annotation"
    SETTINGS = "settings"
    INFERRED = "inferred"  # from the muscle that shows an M wave, with a warning


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """One electrical stimulus: a pulse, or a train of pulses given as one."""

    time_s: float  # of the first pulse
    intensity_ma: float | None = None
    pulse_width_ms: float | None = None
    train_ms: tuple[float, ...] = (0.0,)  # every pulse, from the first
    n_averaged: int | None = None  # sweeps in the average; None: a single sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulusSet:
    """Stimuli of one kind: same branch, same side, same text."""

    id: str  # "S1", "S2", … in order of first appearance
    side: Side | None
    branch: Branch | None  # None: to be inferred
    branch_source: BranchSource | None
    source: StimulusSource
    precision_ms: float  # how exact the times are: +- this
    text: str | None  # the annotation text the set shares
    stimuli: tuple[Stimulus, ...]
    trigger_channel: str | None = None  # label of the channel that tells of them
    n_left_out: dict[str, int] = field(default_factory=dict)  # reason: count
    problems: tuple[Problem, ...] = ()
