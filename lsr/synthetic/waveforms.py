"""Waveforms on a fine grid: how does a waveform fall onto samples that it does not know?

Conventions
-----------
A waveform is a row on a grid of 100 kHz that starts at the stimulus (0 ms). A sweep is a weighted sum of
waveforms, each with its own delay, read at the sweep's samples by linear interpolation: stimuli between
samples and latency jitter are therefore exact to far below a sample. The start of a waveform is the first
time it exceeds 5 % of its peak.
"""

from __future__ import annotations

import numpy as np

FINE_HZ = 100_000.0
FINE_STEP_MS = 1000.0 / FINE_HZ
FINE_SPAN_MS = 110.0
_ROWS_AT_ONCE = 128  # bounds memory
ONSET_SHARE = 0.05  # of the peak: where a noise-free waveform starts


def fine_time_ms() -> np.ndarray:
    """Milliseconds of the fine grid, shape (n_fine,)."""
    return np.arange(round(FINE_SPAN_MS / FINE_STEP_MS)) * FINE_STEP_MS


def weighted_sum(
    waves_uv: np.ndarray, weights: np.ndarray, delays_ms: np.ndarray, time_ms: np.ndarray
) -> np.ndarray:
    """Sweeps made of weighted and delayed waveforms.

    Parameters
    ----------
    waves_uv : np.ndarray, shape (n_waves, n_fine)
    weights : np.ndarray, shape (n_sweeps, n_waves)
    delays_ms : np.ndarray, shape (n_sweeps, n_waves) or (n_sweeps, 1)
    time_ms : np.ndarray, shape (n_samples,), rising
        Milliseconds from the stimulus; a waveform is zero before 0 and after the grid.

    Returns
    -------
    np.ndarray, shape (n_sweeps, n_samples)
    """
    sweeps_uv = np.zeros((weights.shape[0], time_ms.size))
    first = int(np.searchsorted(time_ms, float(delays_ms.min(initial=0.0))))
    if delays_ms.shape[1] == 1:  # the sum can be built before it is delayed
        for row in range(0, weights.shape[0], _ROWS_AT_ONCE):
            rows = slice(row, row + _ROWS_AT_ONCE)
            sweeps_uv[rows, first:] = _read(weights[rows] @ waves_uv, delays_ms[rows], time_ms[first:])
        return sweeps_uv
    for wave in range(weights.shape[1]):
        values = _read(waves_uv[wave, None], delays_ms[:, wave, None], time_ms[first:])
        sweeps_uv[:, first:] += weights[:, wave, None] * values
    return sweeps_uv


def _read(waves_uv: np.ndarray, delays_ms: np.ndarray, time_ms: np.ndarray) -> np.ndarray:
    """One waveform per row (or one for all) read at `time_ms` after its delay, shape (n_rows, n_samples)."""
    last = waves_uv.shape[1] - 2
    position = (time_ms[None, :] - delays_ms) / FINE_STEP_MS
    inside = (position >= 0) & (position <= last)
    position = np.clip(position, 0, last)
    left = position.astype(np.intp)
    share = position - left
    flat = waves_uv.ravel()
    if waves_uv.shape[0] > 1:
        left += np.arange(waves_uv.shape[0])[:, None] * waves_uv.shape[1]
    here, there = flat.take(left), flat.take(left + 1)
    return np.asarray((here + share * (there - here)) * inside)


def start_ms(wave_uv: np.ndarray, time_ms: np.ndarray) -> float | None:
    """First time a noise-free waveform exceeds 5 % of its peak, interpolated; None when it is flat.

    Examples
    --------
    >>> start_ms(np.array([0.0, 0.0, 1.0, 0.5]), np.array([0.0, 1.0, 2.0, 3.0]))
    1.05
    """
    size = np.abs(wave_uv)
    threshold = ONSET_SHARE * float(size.max(initial=0.0))
    if threshold == 0.0:
        return None
    above = int(np.argmax(size > threshold))
    if above == 0:
        return float(time_ms[0])
    share = (threshold - size[above - 1]) / (size[above] - size[above - 1])
    return float(time_ms[above - 1] + share * (time_ms[above] - time_ms[above - 1]))


def peak_to_peak(sweeps_uv: np.ndarray) -> np.ndarray:
    """Peak-to-peak amplitude of every row."""
    return np.asarray(np.ptp(sweeps_uv, axis=-1))
