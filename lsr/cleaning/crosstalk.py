"""What may a volume-conducted copy of the M wave look like in a neighbouring muscle?

Conventions
-----------
A copy is the source muscle's M wave, scaled, a little delayed, smoothed by tissue, and not always
quite linear. What a neighbour answers to the same stimulus through slower or longer fibres is the M wave
drawn out in time (temporal dispersion). Time is milliseconds from the stimulus.
"""

from __future__ import annotations

import numpy as np

_DELAYS_MS = np.arange(-0.6, 0.95, 0.15)
_WIDE_DELAYS_MS = (-0.8, 0.0, 0.8)
_DISPERSIONS = (1.1, 1.2, 1.3, 1.4, 1.5)
_BEGINS = 0.05  # of the peak


def _smooth(wave: np.ndarray, width_samples: float) -> np.ndarray:
    reach = int(4 * width_samples) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width_samples) ** 2)
    padded = np.concatenate([np.full(reach, wave[0]), wave, np.full(reach, wave[-1])])
    smoothed: np.ndarray = np.convolve(padded, kernel / kernel.sum(), "valid")
    return smoothed


def copy_columns(
    m_wave_uv: np.ndarray, time_ms: np.ndarray, *, start_ms: float, at_ms: np.ndarray
) -> np.ndarray:
    """Shapes that a copy of an M wave is a sum of.

    Parameters
    ----------
    m_wave_uv : np.ndarray, shape (n_samples,)
        Average of the direct muscle's sweeps without its artifact tail, baseline at zero.
    time_ms : np.ndarray, shape (n_samples,)
    start_ms : float
        End of the stimulus artifact; nothing before it is copied.
    at_ms : np.ndarray, shape (n_times,)
        When the copies are wanted.

    Returns
    -------
    np.ndarray, shape (n_times, n_columns)
        The wave, its odd powers (a copy that saturates), and delayed and smoothed versions.
    """
    step_ms = time_ms[1] - time_ms[0]
    wave = np.where(time_ms >= start_ms, m_wave_uv, 0.0)
    narrow, wide = _smooth(wave, 0.15 / step_ms), _smooth(wave, 0.5 / step_ms)
    relative = np.abs(wave) / (np.abs(wave).max() + 1e-9)
    powers = [np.interp(at_ms[:, None], time_ms, wave * relative**power) for power in range(3)]
    delayed = [
        np.interp(at_ms[:, None] - np.array(delays_ms), time_ms, smoothed)
        for smoothed, delays_ms in ((narrow, _DELAYS_MS), (wide, _WIDE_DELAYS_MS))
    ]
    return np.concatenate([*powers, *delayed], axis=1)


def dispersed_columns(
    m_wave_uv: np.ndarray, time_ms: np.ndarray, *, start_ms: float, at_ms: np.ndarray
) -> np.ndarray:
    """Draw an M wave out in time from its start on, by a few factors, each smoothed little and more.

    Parameters
    ----------
    m_wave_uv, time_ms, start_ms, at_ms
        As in `copy_columns`.

    Returns
    -------
    np.ndarray, shape (n_times, n_columns)
    """
    step_ms = time_ms[1] - time_ms[0]
    wave = np.where(time_ms >= start_ms, m_wave_uv, 0.0)
    height = np.abs(wave)
    begins_ms = time_ms[np.argmax(height > _BEGINS * height.max())]
    source_ms = begins_ms + (at_ms[:, None] - begins_ms) / np.array(_DISPERSIONS)
    smoothed = [_smooth(wave, width_ms / step_ms) for width_ms in (0.15, 0.4)]
    return np.concatenate([np.interp(source_ms, time_ms, one) for one in smoothed], axis=1)
