"""Is there a late response (afterdischarge, late component), and when does it start?

Conventions
-----------
Time is milliseconds from the stimulus, EMG microvolts. Late responses vary in latency from sweep to
sweep, so their energy is judged sweep by sweep, not their average.
"""

from __future__ import annotations

import numpy as np

from lsr.detection.detection import LateResponse, Presence
from lsr.detection.noise import Noise
from lsr.medians import median

_WIDTH_MS = 4.0  # of what energy is taken over: a motor unit's potential or a few
_MIN_BASE_MS = 15.0  # before the stimulus: less tells too few positions to know their spread
_MARGIN = 2.0  # times the energy before the stimulus, whose spread is itself uncertain


def find_late_response(
    emg_uv: np.ndarray,
    time_ms: np.ndarray,
    before: np.ndarray,
    noise: Noise,
    *,
    window_ms: tuple[float, float],
    alpha: float,
) -> LateResponse | None:
    """Compare the energy of the late window with that before the stimulus.

    The median over sweeps of the energy in 4 ms is compared with the same medians before the stimulus,
    whose spread (over positions) is the null; the p-value counts the positions tried.

    Parameters
    ----------
    emg_uv, time_ms : np.ndarray, shapes (n_sweeps, n_samples) and (n_samples,)
    before : np.ndarray of bool, shape (n_samples,)
        The stretch before the stimulus.
    noise : Noise
    window_ms : tuple of float
    alpha : float

    Returns
    -------
    LateResponse | None
        None where the sweeps do not reach into the window, or show nothing before the stimulus.
    """
    step = time_ms[1] - time_ms[0]
    late = (time_ms >= window_ms[0]) & (time_ms <= window_ms[1])
    if late.sum() * step < 2 * _WIDTH_MS or before.sum() * step < _MIN_BASE_MS:
        return None
    scaled = emg_uv / np.sqrt(noise.variance_uv2)[:, None]
    curve, base = _energy(scaled[:, late], step), _energy(scaled[:, before], step)
    if not base.mean() > 0:
        return None
    from scipy.special import gammaincc

    spread = max(float(base.std()), 1e-3 * float(base.mean()))
    shape, scale = float((base.mean() / spread) ** 2), float(spread**2 / base.mean())
    n_tried = max(1.0, late.sum() * step / _WIDTH_MS)
    p = float(min(1.0, n_tried * gammaincc(shape, curve.max() / (_MARGIN * scale))))
    found = p < alpha
    onset = None
    if found:
        level = base.mean() + 0.25 * (curve.max() - base.mean())
        first = int(np.argmax(curve > level))
        onset = float(time_ms[late][0] + first * step + _WIDTH_MS / 2)
    presence = Presence.PRESENT if found else Presence.ABSENT
    return LateResponse(presence=presence, p_value=max(p, 1e-12), onset_latency_ms=onset)


def _energy(emg: np.ndarray, step_ms: float) -> np.ndarray:
    """Median over sweeps of the mean energy in 4 ms, level and slope removed, at every position.

    An artifact's recovery is still steep when the late window begins.
    """
    width = max(3, round(_WIDTH_MS / step_ms))
    pieces = np.lib.stride_tricks.sliding_window_view(emg.astype(float), width, axis=1)
    along = np.arange(width) - (width - 1) / 2
    level, slope = pieces.mean(axis=-1), pieces @ (along / np.sqrt((along**2).sum()))
    return median((np.einsum("spw,spw->ps", pieces, pieces) - slope.T**2) / width - level.T**2)
