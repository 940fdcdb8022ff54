"""What may a volume-conducted copy of the M wave look like in a neighbouring muscle?

Conventions
-----------
A copy is the source muscle's M wave, scaled, a little delayed, smoothed by tissue, and not always
quite linear. Time is milliseconds from the stimulus.
"""

from __future__ import annotations

import numpy as np

_DELAYS_MS = np.arange(-0.6, 0.95, 0.15)
_WIDE_DELAYS_MS = (-0.8, 0.0, 0.8)


def _smooth(wave: np.ndarray, width_samples: float) -> np.ndarray:
    reach = int(4 * width_samples) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width_samples) ** 2)
    smoothed: np.ndarray = np.convolve(np.pad(wave, reach, mode="edge"), kernel / kernel.sum(), "valid")
    return smoothed


def copy_columns(m_wave_uv: np.ndarray, time_ms: np.ndarray, *, start_ms: float) -> np.ndarray:
    """Shapes that a copy of an M wave is a sum of.

    Parameters
    ----------
    m_wave_uv : np.ndarray, shape (n_samples,)
        Average of the direct muscle's sweeps, baseline at zero.
    time_ms : np.ndarray, shape (n_samples,)
    start_ms : float
        End of the stimulus artifact; nothing before it is copied.

    Returns
    -------
    np.ndarray, shape (n_samples, n_columns)
        The wave, its odd powers (a copy that saturates), and delayed and smoothed versions.
    """
    step_ms = time_ms[1] - time_ms[0]
    after = time_ms >= start_ms
    level = m_wave_uv[after][0]  # the direct muscle's own artifact tail, roughly
    wave = np.where(after, m_wave_uv - level * np.exp(-np.clip(time_ms - start_ms, 0, None)), 0.0)
    narrow, wide = _smooth(wave, 0.15 / step_ms), _smooth(wave, 0.5 / step_ms)
    relative = np.abs(wave) / (np.abs(wave).max() + 1e-9)
    columns = [wave, wave * relative, wave * relative**2]
    columns += [np.interp(time_ms - delay, time_ms, narrow) for delay in _DELAYS_MS]
    columns += [np.interp(time_ms - delay, time_ms, wide) for delay in _WIDE_DELAYS_MS]
    return np.stack(columns, axis=1)
