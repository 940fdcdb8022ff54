"""Which sweeps answer, and how constant is their latency?

Conventions
-----------
Each sweep is compared with the mean response, shifted by up to a millisecond. Rows are sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsr.detection.evidence import Model
from lsr.detection.noise import Noise

_SHIFTS_MS = np.arange(-1.0, 1.01, 0.1)
_LEAST_SHARE = 0.25  # of the mean response; fainter cannot be told from variation of the noise
_NOISE_DEVIATIONS = 2.8  # 1 in 100 sweeps of noise, with the freedom to shift
_TOO_FAINT = 0.45  # deviation of a sweep's size beyond which single sweeps cannot be judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """What the single sweeps show; None where they are too noisy to be judged one by one."""

    share: float | None
    interval: tuple[float, float] | None
    jitter_ms: float | None
    present: np.ndarray  # (n_sweeps,) bool
    size: np.ndarray  # (n_sweeps,): of the mean response
    shift_ms: np.ndarray  # (n_sweeps,)
    judged: bool


def measure_persistence(
    sweeps_uv: np.ndarray,
    model: Model,
    noise: Noise,
    response_uv: np.ndarray,
    *,
    confidence: float,
) -> Persistence:
    """Compare every sweep with the mean response.

    Parameters
    ----------
    sweeps_uv : np.ndarray, shape (n_sweeps, n_samples)
        Cut to the model's time axis.
    model : Model
    noise : Noise
    response_uv : np.ndarray, shape (n_samples,)
        The mean response; its size is that of an average sweep.
    confidence : float
        Of the interval (Wilson 1927).

    Returns
    -------
    Persistence
    """
    time = model.time_ms
    templates = np.stack([np.interp(time - shift, time, response_uv) for shift in _SHIFTS_MS], axis=1)
    whitened = model.root @ templates
    energy = (whitened**2).sum(axis=0)
    along = whitened.T @ (model.root @ sweeps_uv.T)  # (n_shifts, n_sweeps)
    gain = along**2 / energy[:, None] * np.sign(along)
    best = gain.argmax(axis=0)
    rows = np.arange(sweeps_uv.shape[0])
    size = along[best, rows] / energy[best]
    own_deviation = np.sqrt(noise.variance_uv2) / noise.average_sd_uv
    size_deviation = own_deviation / np.sqrt(energy.max())
    present = size > np.maximum(_LEAST_SHARE, _NOISE_DEVIATIONS * size_deviation)
    judged = bool(np.median(size_deviation) < _TOO_FAINT)
    shift = _SHIFTS_MS[best]
    n, answered = sweeps_uv.shape[0], int(present.sum())
    share = answered / n
    return Persistence(
        share=share if judged else None,
        interval=wilson(answered, n, confidence) if judged else None,
        jitter_ms=float(shift[present].std(ddof=1)) if judged and answered >= 3 else None,
        present=present,
        size=size,
        shift_ms=shift,
        judged=judged,
    )


def wilson(successes: int, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Examples
    --------
    >>> low, high = wilson(8, 10, 0.95)
    >>> round(low, 2), round(high, 2)
    (0.49, 0.94)
    """
    from scipy.special import ndtri

    z = ndtri((1 + confidence) / 2)
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
