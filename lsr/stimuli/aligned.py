"""Alignment: markers that lie away from the stimulus artifacts are moved to them.

Conventions
-----------
Times are seconds since the recording's start; a lag is the milliseconds from a marker to its artifact. The
artifact is the stimulus itself; a marker only tells of it: over a slow link, by a clock of its own, by hand.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from lsr.recording import Problem, Recording
from lsr.stimuli.artifacts import HELD_S, held_before_s
from lsr.stimuli.marker import AT_ONE_LAG_MS, LONGEST_PULSE_GAP_S, WORTH_MOVING_MS

REACH_S = 50e-3  # an artifact farther from where it is expected belongs to no marker
FEWEST = 5  # artifacts that make a series
_MOST = 0.8  # of the markers have a pulse at them: then they are right
_HALF = 0.5  # of the markers have an artifact away from them: chance makes no such series
_STRAY = (
    10.0  # times the usual distance from the lag of the neighbours; within 2 where lags are spread evenly
)
_N_NEIGHBOURS = 21  # markers that tell the lag of one without an artifact
_STEEP_M_WAVE_HZ = 4000.0  # below this a quick M wave can be as steep as an artifact,
_M_WAVE_MS = (1.5, 8.0)  # and what comes so long after its marker may be one


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where the artifacts say that the stimuli of some markers are."""

    times_s: NDArray[np.float64]  # (n,); nan: no artifact, and uneven lags that do not tell where it would be
    n_without: int  # trains and single pulses that are nan
    precision_ms: float  # +- this
    problems: tuple[Problem, ...]


def align(
    recording: Recording,
    channels: Sequence[int],
    times_s: NDArray[np.float64],
    pulses_s: NDArray[np.float64],
    precision_ms: float,
) -> Alignment | None:
    """Move markers to their artifacts; None where they are right, or the artifacts do not tell.

    Parameters
    ----------
    recording : Recording
    channels : Sequence[int]
        Where the artifacts were found.
    times_s : NDArray, shape (n,)
        Markers of one set, in the order of time; those of a train are moved as one.
    pulses_s : NDArray, shape (n_pulses,)
        Artifacts of the whole recording, in the order of time.
    precision_ms : float
        How exact `pulses_s` are.
    """
    begins = begins_of(times_s)
    marked_s, artifacts_s = times_s[begins], pulses_s[begins_of(pulses_s)]
    is_recorded = recorded(recording, marked_s)
    n_recorded = int(is_recorded.sum())
    if min(n_recorded, len(artifacts_s)) < FEWEST:
        return None
    if _on_time(marked_s, pulses_s, n_recorded):
        return None
    # Markers and artifacts may both be denser than REACH_S; sets of several branches share the artifacts.
    intervals_s = [float(np.quantile(np.diff(some_s), 0.25)) for some_s in (marked_s, artifacts_s)]
    reach_s = min(REACH_S, *(interval_s / 2 for interval_s in intervals_s))
    found = _match(marked_s, artifacts_s, reach_s)
    if not (found >= 0).any():
        return None
    lags_ms = np.where(found >= 0, artifacts_s[found] - marked_s, np.nan) * 1e3
    away_ms = np.abs(lags_ms - _local_medians(lags_ms))
    # A spike far from where the others lie is none of theirs: markers that are right may be among noise.
    stray = away_ms > _STRAY * max(float(np.nanmedian(away_ms)), precision_ms)
    found[stray], lags_ms[stray] = -1, np.nan
    if (found >= 0).sum() < _HALF * n_recorded:
        return None
    local_ms = _local_medians(lags_ms)
    away_ms = np.abs(lags_ms - local_ms)
    scatter_ms = float(np.nanquantile(away_ms, 0.8))
    if scatter_ms > reach_s * 1e3 / 2:
        return None  # spikes that have nothing to do with the markers lie as evenly within reach
    if _may_be_no_artifact(recording, channels, artifacts_s[found[found >= 0]], float(np.nanmedian(lags_ms))):
        return None
    even_ms = max(AT_ONE_LAG_MS, 2 * precision_ms)  # slow channels time an artifact to a sample only
    problems = tell_lags(lags_ms, local_ms, scatter_ms, even_ms, n_recorded)
    if not problems:
        return None
    own = _nearest_of_its_artifact(found, away_ms) & (away_ms <= max(even_ms, 3 * scatter_ms))
    is_uneven = max(float(np.ptp(local_ms)), scatter_ms) > even_ms
    # Markers as even as artifacts can be timed have a common lag, which is the better guide.
    moved_ms = np.where(own & (is_uneven or scatter_ms > 2 * precision_ms), lags_ms, local_ms)
    moved_ms[is_recorded & ~own & is_uneven] = np.nan
    return Alignment(
        times_s=times_s + moved_ms[np.cumsum(begins) - 1] / 1e3,
        n_without=int(np.isnan(moved_ms).sum()),
        precision_ms=precision_ms,
        problems=problems,
    )


def begins_of(times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which pulses are the first of their train."""
    return np.diff(times_s, prepend=-np.inf) > LONGEST_PULSE_GAP_S


def recorded(recording: Recording, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which markers lie in the data or within reach of it."""
    starts = np.array([segment.start_s for segment in recording.segments])
    stops = np.array([segment.stop_s for segment in recording.segments])
    segment = np.searchsorted(starts, times_s + REACH_S) - 1
    is_recorded: NDArray[np.bool_] = (segment >= 0) & (times_s - REACH_S < stops[segment])
    return is_recorded


def _on_time(marked_s: NDArray[np.float64], pulses_s: NDArray[np.float64], n_recorded: int) -> bool:
    """Tell whether most markers have a pulse at them, be it one within a train."""
    after = np.clip(np.searchsorted(pulses_s, marked_s), 1, len(pulses_s) - 1)
    before_ms, after_ms = (1e3 * (pulses_s[place] - marked_s) for place in (after - 1, after))
    nearest_ms = np.where(np.abs(before_ms) < np.abs(after_ms), before_ms, after_ms)
    near_ms = nearest_ms[np.abs(nearest_ms) <= WORTH_MOVING_MS + AT_ONE_LAG_MS]
    if len(near_ms) < _MOST * n_recorded or abs(float(np.median(near_ms))) > WORTH_MOVING_MS:
        return False
    return bool(np.sum(np.abs(near_ms - np.median(near_ms)) <= AT_ONE_LAG_MS) >= _MOST * n_recorded)


def _match(
    marked_s: NDArray[np.float64], artifacts_s: NDArray[np.float64], reach_s: float
) -> NDArray[np.int64]:
    """Number of the artifact of each marker, -1 where none is within reach of where it is expected: (n,).

    The lag is followed from marker to marker, since clocks may drift by more than is within reach; from the
    end too, for they may agree there only.
    """
    forwards = _follow(marked_s.tolist(), artifacts_s.tolist(), reach_s)
    backwards = _follow((-marked_s[::-1]).tolist(), (-artifacts_s[::-1]).tolist(), reach_s)[::-1]
    backwards = np.where(backwards >= 0, len(artifacts_s) - 1 - backwards, -1)
    return forwards if (forwards >= 0).sum() >= (backwards >= 0).sum() else backwards


def _follow(marked_s: list[float], artifacts_s: list[float], reach_s: float) -> NDArray[np.int64]:
    found = np.full(len(marked_s), -1, dtype=np.int64)
    last_s: deque[float] = deque(maxlen=_N_NEIGHBOURS // 2)
    for number, time_s in enumerate(marked_s):
        expected_s = time_s + (median(last_s) if last_s else 0.0)
        after = bisect_left(artifacts_s, expected_s)
        near = min(
            range(max(0, after - 1), min(after + 1, len(artifacts_s))),
            key=lambda place: abs(artifacts_s[place] - expected_s),
        )
        if abs(artifacts_s[near] - expected_s) <= reach_s:
            found[number] = near
            last_s.append(artifacts_s[near] - time_s)
    return found


def _local_medians(lags_ms: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median lag of the markers around each, those without an artifact too: (n,), no nan."""
    known = np.flatnonzero(np.isfinite(lags_ms))
    reach = min(_N_NEIGHBOURS // 2, (len(known) - 1) // 4)
    windows = np.lib.stride_tricks.sliding_window_view(lags_ms[known], 2 * reach + 1)
    inner = np.median(windows, axis=-1)
    # Towards the ends a drift goes on as it does beside them.
    span = min(2 * reach, len(inner) - 1)
    steps = np.arange(1, reach + 1) / max(span, 1)
    first = inner[0] - (inner[span] - inner[0]) * steps[::-1]
    last = inner[-1] + (inner[-1] - inner[-1 - span]) * steps
    local_ms: NDArray[np.float64] = np.interp(
        np.arange(len(lags_ms)), known, np.concatenate([first, inner, last])
    )
    return local_ms


def _nearest_of_its_artifact(found: NDArray[np.int64], away_ms: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which markers have an artifact, and no other marker fits it better."""
    order = np.argsort(away_ms, kind="stable")
    order = order[found[order] >= 0]
    nearest = np.zeros(len(found), dtype=bool)
    nearest[order[np.unique(found[order], return_index=True)[1]]] = True
    return nearest


def _may_be_no_artifact(
    recording: Recording, channels: Sequence[int], artifacts_s: NDArray[np.float64], lag_ms: float
) -> bool:
    """Tell whether markers may be right, the spikes M waves or where a monitor ends to blank the artifact."""
    rate_hz = recording.channels[channels[0]].rate_hz
    if rate_hz < _STEEP_M_WAVE_HZ and _M_WAVE_MS[0] <= lag_ms <= _M_WAVE_MS[1]:
        return True
    just_before_s = artifacts_s - 0.5 / rate_hz - 0.1e-3
    return _holds(recording, channels, just_before_s) and not _holds(recording, channels, artifacts_s - 20e-3)


def _holds(recording: Recording, channels: Sequence[int], times_s: NDArray[np.float64]) -> bool:
    """Tell whether some channel shows one value alone for a millisecond, up to most of these times."""
    held_s = held_before_s(recording, channels, times_s)
    return held_s.size > 0 and float(np.mean(held_s >= 0.999 * HELD_S)) > _HALF


def tell_lags(
    lags_ms: NDArray[np.float64],
    local_ms: NDArray[np.float64],
    scatter_ms: float,
    even_ms: float,
    n_recorded: int,
) -> tuple[Problem, ...]:
    """What is to be told of the lags; nothing where they are about one, and small."""
    counted = f"in {int(np.isfinite(lags_ms).sum())} of {n_recorded} stimuli"
    end = "latencies count from the artifact"
    first_ms = float(local_ms[0])
    other_ms = float(local_ms[np.argmax(np.abs(local_ms - first_ms))])
    found = []
    if abs(other_ms - first_ms) > even_ms + 2 * scatter_ms:
        message = (
            f"the lag from a marker to its stimulus artifact drifts from {first_ms:.1f} to {other_ms:.1f} ms "
            f"({counted}); {end}"
        )
        found.append(Problem(code="marker_drift", message=message))
    if scatter_ms > even_ms:
        low_ms, high_ms = np.nanquantile(lags_ms, [0.025, 0.975])
        message = (
            f"the stimulus artifact starts anywhere from {low_ms:.1f} to {high_ms:.1f} ms after its marker "
            f"({counted}); {end}"
        )
        found.append(Problem(code="marker_jitter", message=message))
    lag_ms = float(np.nanmedian(lags_ms))
    if not found and abs(lag_ms) > WORTH_MOVING_MS:
        side = "after" if lag_ms > 0 else "before"
        message = f"the stimulus artifact starts {abs(lag_ms):.1f} ms {side} its marker {counted}; {end}"
        found.append(Problem(code="marker_offset", message=message))
    return tuple(found)
