"""Sets told twice: a monitor and its software may each write a mark of their own for every stimulus.

Conventions
-----------
Times are seconds since the recording's start, those of artifacts where markers were moved to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lsr.recording import Problem
from lsr.stimuli.marker import LONGEST_PULSE_GAP_S
from lsr.stimuli.stimulus import StimulusSet, StimulusSource
from lsr.stimuli.texts import quoted

_TOLD_ELSEWHERE = 0.9  # share of a set's stimuli that other sets hold too


def without_told_twice(sets: Sequence[StimulusSet]) -> tuple[list[StimulusSet], list[Problem]]:
    """Leave out sets whose stimuli others hold: no two stimuli come as near as the pulses of a train.

    Of two sets the one that tells more stays, and what it leaves open the other fills in. Sets that state
    different sides or branches both stay, and so do sets that no annotations tell.

    Parameters
    ----------
    sets : Sequence[StimulusSet]
        None empty.
    """
    kept, problems = dict(enumerate(sets)), []
    for number in sorted(kept, key=lambda number: _tells(sets[number])):
        one = kept[number]
        places = [place for place in kept if place != number and _may_be_told_by(one, kept[place])]
        nearest = {place: _nearest(one, kept[place]) for place in places}
        nearest = {place: near for place, near in nearest.items() if near.max() >= 0}
        told = np.any([near >= 0 for near in nearest.values()], axis=0)
        if not nearest or told.mean() < _TOLD_ELSEWHERE:
            continue
        del kept[number]
        for place, near in nearest.items():
            kept[place] = _with(kept[place], one, near)
        told_by = ", ".join(_named(kept[place]) for place in nearest)
        message = (
            f"{int(told.sum())} of {len(told)} stimuli {_named(one)} are told a second time, by {told_by}: "
            "the former are not used"
        )
        problems.append(Problem(code="told_twice", message=message))
    return list(kept.values()), problems


def _named(one: StimulusSet) -> str:
    return quoted(one.text, of_channel=one.trigger_channel is not None)


def _tells(one: StimulusSet) -> tuple[int, int]:
    has_intensity = any(stimulus.intensity_ma is not None for stimulus in one.stimuli)
    return sum((one.branch is not None, one.side is not None, has_intensity)), len(one.stimuli)


def _may_be_told_by(one: StimulusSet, other: StimulusSet) -> bool:
    return (
        other.source is one.source is StimulusSource.ANNOTATION
        and one.branch in (None, other.branch)
        and one.side in (None, other.side)
        and _tells(other) >= _tells(one)
    )


def _nearest(one: StimulusSet, other: StimulusSet) -> NDArray[np.int64]:
    """Which stimulus of the other set each is, shape (n_stimuli,); -1 where none is that near."""
    mine, theirs = (np.array([stimulus.time_s for stimulus in each.stimuli]) for each in (one, other))
    after = np.clip(np.searchsorted(theirs, mine), 1, max(1, len(theirs) - 1))
    before = after - 1
    after = np.minimum(after, len(theirs) - 1)
    nearest = np.where(np.abs(theirs[after] - mine) < np.abs(theirs[before] - mine), after, before)
    return np.where(np.abs(theirs[nearest] - mine) <= LONGEST_PULSE_GAP_S, nearest, -1)


def _with(other: StimulusSet, one: StimulusSet, nearest: NDArray[np.int64]) -> StimulusSet:
    """A set with what another tells of the same stimuli, which are counted as duplicates."""
    stimuli = list(other.stimuli)
    for mine, place in zip(one.stimuli, nearest.tolist(), strict=True):
        if place >= 0:
            stays = stimuli[place]
            stimuli[place] = replace(
                stays,
                intensity_ma=mine.intensity_ma if stays.intensity_ma is None else stays.intensity_ma,
                pulse_width_ms=mine.pulse_width_ms if stays.pulse_width_ms is None else stays.pulse_width_ms,
            )
    n_twice = other.n_left_out.get("duplicate", 0) + int((nearest >= 0).sum())
    left_out = {**other.n_left_out, "duplicate": n_twice}
    return replace(other, stimuli=tuple(stimuli), n_left_out=left_out)
