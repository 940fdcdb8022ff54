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
_FAINT = 0.2  # beyond which counting misses too many
_SHARES = np.linspace(0.01, 1.0, 100)
_SIZES = np.geomspace(0.3, 100.0, 40)  # of a sweep that answers, in mean responses
_SIZES_VARY, _JITTER_MS = 0.4, 0.3  # from sweep to sweep: spread of their logarithm, and of latency
_TEMPER = 0.5  # sizes and latencies vary otherwise than supposed, so the sweeps count for less
_NEARBY = 0.7  # of the noise beside the response, of which some was fitted


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
        Of the interval: what a mixture of answering and silent sweeps leaves open, and no less than the count
        does (Wilson 1927).

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
    share, interval = answered / n, wilson(answered, n, confidence)
    if judged:
        white = model.root @ sweeps_uv.T
        rest = (white - whitened[:, best] * size) ** 2
        near = whitened[:, best] ** 2 / energy[best]
        variance = np.maximum(
            own_deviation**2, np.maximum(rest.mean(axis=0), _NEARBY * (rest * near).sum(axis=0))
        )
        plausible = _plausible_shares(along / variance, energy[:, None] / variance)
        low, high = _held(plausible, confidence)
        interval = min(interval[0], low), max(interval[1], high)
        if np.median(size_deviation) > _FAINT:
            share = float(_SHARES[plausible.argmax()])
            interval = low, high
    return Persistence(
        share=share if judged else None,
        interval=interval if judged else None,
        jitter_ms=float(shift[present].std(ddof=1)) if judged and answered >= 3 else None,
        present=present,
        size=size,
        shift_ms=shift,
        judged=judged,
    )


def _plausible_shares(along: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Posterior of the share of sweeps that answer, shape (n_shares,), all likely beforehand.

    Each sweep is silent, or holds the response at an unknown shift, in a size about 1 / share: together they
    have to make up the mean response. No sweep is counted as one or the other.

    Parameters
    ----------
    along, energy : np.ndarray, shape (n_shifts, n_sweeps)
        Products of the shifted response with the sweeps and with itself, in units of each sweep's noise.
    """
    shifted = -0.5 * (_SHIFTS_MS / _JITTER_MS) ** 2
    shifted -= np.log(np.exp(shifted).sum())
    by_shift = _SIZES[:, None, None] * along - 0.5 * _SIZES[:, None, None] ** 2 * energy + shifted[:, None]
    by_size = np.logaddexp.reduce(by_shift, axis=1)  # (n_sizes, n_sweeps)
    off = (np.log(_SIZES * _SHARES[:, None]) + _SIZES_VARY**2 / 2) / _SIZES_VARY
    weights = np.exp(-0.5 * off**2)
    weights /= weights.sum(axis=1, keepdims=True)
    highest = np.maximum(by_size.max(axis=0), 0.0)
    answers = weights @ np.exp(by_size - highest)  # (n_shares, n_sweeps)
    mixed = _SHARES[:, None] * answers + (1 - _SHARES[:, None]) * np.exp(-highest)
    log_posterior = np.log(np.maximum(mixed, 1e-300)).sum(axis=1)
    likelihood = np.exp(_TEMPER * (log_posterior - log_posterior.max()))
    posterior: np.ndarray = likelihood / likelihood.sum()
    return posterior


def _held(plausible: np.ndarray, confidence: float) -> tuple[float, float]:
    """The shares that hold such a part of the posterior, as much being left out on either side."""
    below = np.cumsum(plausible)
    low = int(np.searchsorted(below, (1 - confidence) / 2))
    high = int(np.searchsorted(below, (1 + confidence) / 2))
    return float(_SHARES[low]), float(_SHARES[min(high, _SHARES.size - 1)])


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
