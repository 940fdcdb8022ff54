"""How are sweeps brought to the rate at which they are judged?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_ROUNDING = 1e-6
_HALF_LENGTH = 4  # samples at the lower rate: short, so that nothing reaches farther than 0.5 ms


@lru_cache(maxsize=8)
def _low_pass(factor: int) -> np.ndarray:
    """Hamming-windowed sinc that passes 85 % of the lower band, unit gain at zero."""
    at = np.arange(-_HALF_LENGTH * factor, _HALF_LENGTH * factor + 1)
    taps = np.sinc(0.85 * at / factor) * np.hamming(at.size)
    scaled: np.ndarray = taps / taps.sum()
    return scaled


def decimate(emg_uv: np.ndarray, time_ms: np.ndarray, *, highest_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower the rate by a whole factor, to `highest_hz` or just above, with a short symmetric low-pass.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_sweeps, n_samples)
        Artifact already bridged.
    time_ms : np.ndarray, shape (n_samples,)
    highest_hz : float
        Rates below twice this are left as they are.

    Returns
    -------
    emg_uv, time_ms : np.ndarray
        Every kept sample stands at its true time: a symmetric filter has no delay.
    """
    rate_hz = (time_ms.size - 1) * 1000 / (time_ms[-1] - time_ms[0])
    factor = int(rate_hz * (1 + _ROUNDING) // highest_hz)  # 9999.999 Hz is twice 5 kHz as well
    if factor < 2:
        return emg_uv, time_ms
    reach = _HALF_LENGTH * factor
    kept = time_ms[::factor]
    n_sweeps, n_samples = emg_uv.shape
    n_groups = kept.size + 2 * _HALF_LENGTH  # of as many samples as become one
    padded = np.empty((n_sweeps, n_groups * factor))
    padded[:, :reach], padded[:, reach + n_samples :] = emg_uv[:, :1], emg_uv[:, -1:]
    padded[:, reach : reach + n_samples] = emg_uv
    taps = np.zeros((2 * _HALF_LENGTH + 1, factor))
    taps.flat[: 2 * reach + 1] = _low_pass(factor)
    # Each group of taps times each group by one product; then what belongs to a kept sample is added up.
    by_taps = (taps @ padded.reshape(-1, factor).T).reshape(-1, n_sweeps, n_groups)
    lowered = by_taps[0, :, : kept.size].copy()
    for k, products in enumerate(by_taps[1:], 1):
        lowered += products[:, k : k + kept.size]
    return lowered, kept
