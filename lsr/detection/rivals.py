"""What else than a response may stand out in the average of a block, and pass for one?

Conventions
-----------
Time is milliseconds from the stimulus, EMG microvolts. Rivals are nuisances at prior odds against them: they
are made, and weighed, only where something stands out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from lsr.cleaning.artifact import NOTCH_HARMONICS, notch_columns, tail_columns
from lsr.cleaning.mains import MAINS_HZ, hum_columns
from lsr.detection.noise import remove_drift
from lsr.detection.prepare import Prepared
from lsr.gaussian import gaussian

_RIVAL_COST = 6.0  # log odds against a tail that swings, and against a dispersed copy
_SWING_SIZES = (0.3, 2.0)  # of the first samples
_DISPERSED_SIZE = 0.01  # of the M wave
SECOND_ARTIFACT = "second_artifact"
OF_TAIL = "artifact_outlasts_window"  # what a tail, or a filter that it makes ring, may do
_SECOND_AFTER_MS, _SECOND_BEFORE_MS = 1.0, 8.0  # pulses of a train are 0.5 to 7 ms apart (Yamashita 2002)
SPIKE_BENDS = 0.8  # of what the data span nearby: drawn responses reach 0.5, pulses 0.8 to 1.5
SPIKE_NEAR_MS = 1.5
_SPIKE_ELSEWHERE = 8.0  # times the usual bend of the direct muscle's average: it shows the pulse too
_SPIKE_NOTABLE = 25.0  # times the noise of the average
_SPIKE_AT_MS, _SPIKE_WIDTH_MS = np.arange(-0.9, 1.25, 0.15), 0.12  # with what low-passes ring
_HUM_SIZES = (0.1, 0.5)  # of the largest value, where no quiet stretch tells the hum
_UNTOLD_HARMONICS = (1, 2, 3, 4, 5, 6, 7, 9, 11, 13)  # most of its energy
_NOTCH_SIZES, _NOTCH_NOTABLE = (1.0, 4.0), 0.5  # of what swings on after the response; of the average's noise


@dataclass(frozen=True, slots=True)
class Rival:
    """Something besides the usual nuisances that may pass for a response."""

    name: str
    columns: np.ndarray  # (n_samples, n_columns): times their prior deviation, microvolts
    cost: float  # log prior odds against it
    reason: str  # why no response can be told from it


def find_rivals(
    swing: np.ndarray,
    at: np.ndarray,
    data: np.ndarray,
    deviation_uv: float,
    dispersed: np.ndarray | None,
    *,
    hum_is_told: bool,
    lasting_uv: float,
    mains_hz: Sequence[float],
    direct_uv: np.ndarray | None,
    until_ms: float,
) -> tuple[Rival, ...]:
    """What may pass for a response; of the average it depends which rivals are asked.

    Tails that swing always, a dispersed copy of the M wave where one was recorded, hum where nothing tells of
    it, notch filters that ring where something swings on, a second artifact where something bends sharply.
    """
    first = float(np.abs(data[at < at[0] + 1.2]).max())
    cost = _RIVAL_COST + float(np.log(len(_SWING_SIZES)))
    rivals = [Rival("a tail that swings", swing * (size * first), cost, OF_TAIL) for size in _SWING_SIZES]
    if dispersed is not None:
        rivals.append(
            Rival("a dispersed copy of the M wave", dispersed * _DISPERSED_SIZE, _RIVAL_COST, "crosstalk")
        )
    if not hum_is_told:
        largest = float(np.abs(data).max())
        rivals += [
            Rival("mains hum", hum_columns(at, hz, _UNTOLD_HARMONICS) * (size * largest), _RIVAL_COST, "hum")
            for hz in MAINS_HZ
            for size in _HUM_SIZES
        ]
    if lasting_uv > _NOTCH_NOTABLE * deviation_uv:
        rivals += _notches(at, lasting_uv, dispersed, mains_hz)
    second = _second_artifact(at, data, deviation_uv, shared=_bends_sharply(at, direct_uv, until_ms))
    return (*rivals, second) if second else tuple(rivals)


def _notches(
    at: np.ndarray, lasting_uv: float, dispersed: np.ndarray | None, mains_hz: Sequence[float]
) -> Iterator[Rival]:
    """Notch filters that ring after the artifact, and after an M wave that crosstalk draws out."""
    name, cost = "a notch filter that rings", _RIVAL_COST + float(np.log(len(_NOTCH_SIZES)))
    for hz, size in product(mains_hz, _NOTCH_SIZES):
        columns = notch_columns(at, hz) * (size * lasting_uv)
        yield Rival(name, columns, cost, OF_TAIL)
        if dispersed is not None:
            both = np.concatenate([columns, dispersed * _DISPERSED_SIZE], axis=1)
            yield Rival(f"{name} and a dispersed copy of the M wave", both, cost + _RIVAL_COST, OF_TAIL)


def _bends_sharply(at: np.ndarray, direct_uv: np.ndarray | None, until_ms: float) -> np.ndarray:
    """Where the direct muscle shows a spike, as of a stimulator that all channels see: (n_samples,) bool."""
    shared = np.zeros(at.size, dtype=bool)
    if direct_uv is None:
        return shared
    bends = np.zeros(at.size)
    bends[1:-1] = np.abs(direct_uv[:-2] - 2 * direct_uv[1:-1] + direct_uv[2:])
    inside = np.flatnonzero((at >= _SECOND_BEFORE_MS - SPIKE_NEAR_MS) & (at < until_ms))
    if inside.size > 2:
        sharp = inside[bends[inside] > _SPIKE_ELSEWHERE * float(np.median(bends[inside]))]
        shared[np.unique(np.clip([sharp - 1, sharp, sharp + 1], 0, at.size - 1))] = True
    return shared


def _second_artifact(
    at: np.ndarray, data: np.ndarray, deviation_uv: float, *, shared: np.ndarray
) -> Rival | None:
    """Another pulse: a spike where the data bend more sharply than a muscle's do, and its tail.

    Motor units may do so where few sweeps are averaged: later than the pulses of a train are, the direct
    muscle has to show the pulse as well.
    """
    later = np.flatnonzero((at > at[0] + _SECOND_AFTER_MS) & ((at < _SECOND_BEFORE_MS) | shared))
    later = later[later < at.size - 1]
    if not later.size:
        return None
    bends = np.abs(data[later - 1] - 2 * data[later] + data[later + 1])
    sharpest, first = float(bends.max()), later[int(np.argmax(bends))]
    near = np.abs(at - at[first]) < SPIKE_NEAR_MS
    if sharpest < max(SPIKE_BENDS * float(np.ptp(data[near])), _SPIKE_NOTABLE * deviation_uv):
        return None
    spike = gaussian((at[:, None] - at[first] - _SPIKE_AT_MS) / _SPIKE_WIDTH_MS)
    tail = tail_columns(at[first:])
    tail = np.concatenate([np.zeros((first, tail.shape[1])), tail])
    columns = np.concatenate([spike, tail], axis=1) * float(np.abs(data).max())
    return Rival("a second stimulus artifact", columns, _RIVAL_COST, SECOND_ARTIFACT)


def lasting_uv(
    average: np.ndarray, data: np.ndarray, late: np.ndarray, prepared: Prepared, mains_hz: Sequence[float]
) -> float:
    """How much the average swings at mains frequency after the response, hum included, microvolts.

    What a notch filter rings with goes on. Where the sweep ends soon, all that is left counts.
    """
    if not prepared.after.any():
        return float(np.std(data[late])) if late.any() else 0.0
    whole = average if prepared.hum is None else average + prepared.noise.weights @ prepared.hum.hum_uv
    after, at = remove_drift(whole[None, prepared.after])[0], prepared.time_ms[prepared.after]
    swings = [remove_drift(hum_columns(at, hz, NOTCH_HARMONICS).T).T for hz in mains_hz]
    fitted = [columns @ np.linalg.lstsq(columns, after)[0] for columns in swings]
    return max(float(np.sqrt((one**2).mean())) for one in fitted)
