"""Pairing: markers too far from their artifacts to be aligned are given them one to one, or none is used.

Conventions
-----------
Times are seconds since the recording's start; a lag is the milliseconds from a marker to its artifact. Times
that were rounded to 0.1 s or 1 s on export leave markers off their stimuli by up to that. A marker's cell
reaches half way to its neighbours; in order, each cell then holds one artifact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsr.recording import Problem, Recording
from lsr.stimuli.aligned import FEWEST, Alignment, begins_of, recorded, tell_lags
from lsr.stimuli.marker import AT_ONE_LAG_MS, WORTH_MOVING_MS

NOT_PAIRED = "markers_not_paired"
FAR_S = 0.6  # rounded to a second, times are off by up to half of one
_AS_OFTEN = (0.75, 1.33)  # artifacts for each mark: of another stimulator there are more, or fewer
_NEARLY_ALL = 0.9  # spikes of another pace do not fall one into each cell
_SOME = 0.2  # of the markers have a pulse at them: chance puts none there
_SURE = 2 / 3  # of a cell; were lags longer than a cell, artifacts of neighbours would lie beyond this too
_EVOKED_S = 12e-3
_EVOKED = 3.0  # times what the stretch before the markers shows
_LOOKED_AT = 60  # markers


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """All that one source tells, whatever the set."""

    times_s: NDArray[np.float64]  # (n,), in the order of time
    kinds: NDArray[np.int64]  # (n,): equal where markers say the same
    n_told: int  # with those told at one time: where times are rounded, they may be several stimuli


def pair(
    recording: Recording,
    channels: Sequence[int],
    times_s: NDArray[np.float64],
    pulses_s: NDArray[np.float64],
    precision_ms: float,
    marks: Marks,
) -> Alignment | None:
    """Move each marker to the one artifact of its cell; None where markers may be right.

    Where artifacts come as often as markers, but cannot be paired surely, no time is left.

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
    marks : Marks
        Of all sets: their markers divide the cells.
    """
    begins = begins_of(times_s)
    marked_s = times_s[begins]
    artifacts_s = pulses_s[begins_of(pulses_s)]
    is_recorded = recorded(recording, marked_s)
    n_recorded = int(is_recorded.sum())
    if min(n_recorded, len(artifacts_s)) < FEWEST:
        return None
    if _have_pulses(marked_s[is_recorded], pulses_s) or _evoke(recording, channels, marked_s[is_recorded]):
        return None
    all_begins = begins_of(marks.times_s)
    all_s, kinds = marks.times_s[all_begins], marks.kinds[all_begins]
    lags_ms, n_artifacts = _lags_in_cells(all_s, kinds, artifacts_s)
    if not _AS_OFTEN[0] * marks.n_told <= n_artifacts <= _AS_OFTEN[1] * marks.n_told:
        return None
    place = np.minimum(np.searchsorted(all_s, marked_s), len(all_s) - 1)
    own_ms = np.where((all_s[place] == marked_s) & is_recorded, lags_ms[place], np.nan)
    n_paired = int(np.isfinite(own_ms).sum())
    if n_paired < _NEARLY_ALL * n_recorded:
        own_ms[:] = np.nan
        problems: tuple[Problem, ...] = (_cannot_pair(marks.n_told, n_artifacts),)
    else:
        lag_ms = float(np.nanmedian(own_ms))
        scatter_ms = float(np.nanquantile(np.abs(own_ms - lag_ms), 0.8))
        even_ms = max(AT_ONE_LAG_MS, 2 * precision_ms)
        problems = tell_lags(own_ms, np.full(len(own_ms), lag_ms), scatter_ms, even_ms, n_recorded)
    return Alignment(
        times_s=times_s + own_ms[np.cumsum(begins) - 1] / 1e3,
        n_without=int(np.isnan(own_ms).sum()),
        precision_ms=precision_ms,
        problems=problems,
    )


def _cannot_pair(n_told: int, n_artifacts: int) -> Problem:
    message = (
        f"{n_artifacts} stimulus artifacts lie about the {n_told} markers, but not at them, and which "
        "belongs to which cannot be told, as where times were rounded on export: these stimuli are not used"
    )
    return Problem(code=NOT_PAIRED, message=message)


def _have_pulses(marked_s: NDArray[np.float64], pulses_s: NDArray[np.float64]) -> bool:
    """Tell whether more of the markers have a pulse at them than chance would put there."""
    after = np.clip(np.searchsorted(pulses_s, marked_s), 1, len(pulses_s) - 1)
    away_s = np.minimum(np.abs(pulses_s[after] - marked_s), np.abs(pulses_s[after - 1] - marked_s))
    return bool(np.mean(away_s * 1e3 <= WORTH_MOVING_MS + AT_ONE_LAG_MS) >= _SOME)


def _evoke(recording: Recording, channels: Sequence[int], marked_s: NDArray[np.float64]) -> bool:
    """Tell whether something follows most markers alike, as M waves do: then the markers are right."""
    some = np.linspace(0, len(marked_s) - 1, min(len(marked_s), _LOOKED_AT)).round().astype(int)
    cut = [
        batch.samples - np.median(batch.samples, axis=-1, keepdims=True)
        for batch in recording.windows(marked_s[some], _EVOKED_S, _EVOKED_S, channels)
    ]
    if not cut:
        return False
    usual_uv = np.median(np.concatenate(cut), axis=0)  # what a few stimuli put anywhere is not in it
    half = usual_uv.shape[-1] // 2
    before_uv, after_uv = (np.ptp(part, axis=-1) for part in (usual_uv[:, :half], usual_uv[:, half:]))
    return bool((after_uv > _EVOKED * before_uv).any())


def _lags_in_cells(
    marked_s: NDArray[np.float64], kinds: NDArray[np.int64], artifacts_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Lag of the one artifact of each cell, nan where there is none that is surely its own; how many in all.

    A marker that says what its neighbours say may take an artifact of theirs: it is of the same kind.
    """
    gaps_s = np.diff(marked_s)
    usual_s = float(np.median(gaps_s))
    wide_s = min(FAR_S, usual_s / 2)
    between_s = np.minimum(gaps_s / 2, wide_s)
    left_s, right_s = np.append(wide_s, between_s), np.append(between_s, wide_s)
    first = np.searchsorted(artifacts_s, marked_s - left_s)
    n_inside = np.searchsorted(artifacts_s, marked_s + right_s) - first
    lags_s = artifacts_s[np.minimum(first, len(artifacts_s) - 1)] - marked_s
    differ = (np.diff(kinds) != 0) & (gaps_s <= 4 * wide_s)
    alike = ~(np.append(False, differ) | np.append(differ, False))
    near = np.abs(lags_s) <= _SURE * np.where(lags_s < 0, left_s, right_s)
    lags_ms = np.where((n_inside == 1) & (alike | near), 1e3 * lags_s, np.nan)
    return lags_ms, int(n_inside.sum())
