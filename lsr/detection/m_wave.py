"""Does the direct muscle show an M wave, and so prove that the stimulus reached the nerve?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus, EMG microvolts.
"""

from __future__ import annotations

import numpy as np

from lsr.detection.detection import MWave, Presence
from lsr.detection.onset import ONSET_SHARE
from lsr.detection.prepare import Prepared, check_sweeps, prepare
from lsr.settings import DetectionSettings

_ENDS_MS = 20.0  # an M wave with its repolarisation
_LEAST_UV = 50.0  # below this a direct response proves little; facial M waves are 0.5 to 5 mV
_LEAST_SNR = 8.0
_TAIL_MS = (0.5, 2.0, 8.0)
_QUIET_MS = 0.5


def detect_m_wave(emg_uv: np.ndarray, time_ms: np.ndarray, settings: DetectionSettings) -> MWave:
    """Find the M wave in the raw sweeps of a direct muscle.

    Parameters
    ----------
    emg_uv, time_ms : np.ndarray, shapes (n_sweeps, n_samples) and (n_samples,)
    settings : DetectionSettings

    Raises
    ------
    SweepsError
        Arrays that are no sweeps.
    """
    emg, time = check_sweeps(emg_uv, time_ms)
    prepared = prepare(emg, time, None, search_ms=settings.search_window_ms, mains_hz=settings.mains_hz)
    if not isinstance(prepared, Prepared):
        return MWave.absent()
    return m_wave_of(prepared, prepared.emg_uv, settings)


def m_wave_of(prepared: Prepared, direct_uv: np.ndarray, settings: DetectionSettings) -> MWave:
    """Find the M wave in cleaned sweeps of a direct muscle, shape (n_sweeps, n_samples)."""
    average = direct_uv.mean(axis=0)
    quiet = prepared.before if prepared.before.any() else prepared.after
    return find_m_wave(
        prepared.time_ms,
        average,
        clear_ms=prepared.clear_ms,
        noise_uv=float(average[quiet].std()) if quiet.any() else prepared.noise.average_sd_uv,
        window_ms=settings.direct_window_ms,
    )


def find_m_wave(
    time_ms: np.ndarray,
    average_uv: np.ndarray,
    *,
    clear_ms: float,
    noise_uv: float,
    window_ms: tuple[float, float],
) -> MWave:
    """Find the M wave in the average of a direct muscle.

    The artifact tail is fitted to what stands before the M wave and after it; the M wave is the largest
    deflection that remains, and starts where it first exceeds 5 % of its peak and the noise.

    Parameters
    ----------
    time_ms, average_uv : np.ndarray, shape (n_samples,)
        Hum removed, spike bridged, baseline at zero.
    clear_ms : float
        End of the spike.
    noise_uv : float
        Standard deviation of the average's noise.
    window_ms : tuple of float
        Where an M wave may start.

    Returns
    -------
    MWave
        Absent where nothing exceeds 50 uV and eight deviations of the noise.
    """
    window = (time_ms >= clear_ms) & (time_ms <= _ENDS_MS)
    at, wave = time_ms[window], average_uv[window]
    if at.size < 8:
        return MWave.absent()
    wave = wave - _tail(at, wave)
    search = (at >= window_ms[0]) & (at <= window_ms[1] + 6)
    if not search.any():
        return MWave.absent()
    amplitude = float(np.ptp(wave[search]))
    peak = int(np.flatnonzero(search)[np.abs(wave[search]).argmax()])
    height = abs(float(wave[peak]))
    if amplitude < max(_LEAST_UV, _LEAST_SNR * noise_uv):
        return MWave.absent()
    level = max(ONSET_SHARE * height, 3 * noise_uv)
    onset = _start(at, np.abs(wave), peak, level)
    if onset > window_ms[1]:
        return MWave.absent()
    return MWave(
        presence=Presence.PRESENT,
        amplitude_uv=amplitude,
        onset_latency_ms=onset,
        peak_latency_ms=float(at[peak]),
    )


def _tail(at: np.ndarray, wave: np.ndarray) -> np.ndarray:
    """Exponential tail through the first millisecond and the last two, where no M wave is."""
    rows = (at < at[0] + 0.8) | (at > at[-1] - 2)
    columns = np.exp(-(at - at[0])[:, None] / np.array(_TAIL_MS))
    ridge = 1e-3 * rows.sum() * np.eye(columns.shape[1])
    fit = np.linalg.solve(columns[rows].T @ columns[rows] + ridge, columns[rows].T @ wave[rows])
    tail: np.ndarray = columns @ fit
    return tail


def _start(at: np.ndarray, height: np.ndarray, peak: int, level: float) -> float:
    """Time, between two samples, at which the run of activity that holds the peak passes the level.

    Crossings of zero between two phases are shorter than half a millisecond and do not end the run.
    """
    width = max(2, round(_QUIET_MS / (at[1] - at[0])))
    busy = np.convolve(height[: peak + 1] > level, np.ones(width), "full")[: peak + 1]
    quiet = np.flatnonzero(busy == 0)
    first = int(quiet[-1]) + 1 if quiet.size else 0
    if first == 0 or height[first] <= height[first - 1]:
        return float(at[first])
    share = (level - height[first - 1]) / (height[first] - height[first - 1])
    return float(at[first - 1] + np.clip(share, 0, 1) * (at[first] - at[first - 1]))
