"""Which sweeps answer, and how constant is their latency?

Conventions
-----------
Each sweep is compared with the mean response, or where it can be with that of the aligned sweeps, shifted by
up to a millisecond. Rows are sweeps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsr.detection.evidence import Model
from lsr.detection.noise import Noise
from lsr.intervals import CONFIDENCE, DEVIATIONS

_SHIFTS_MS = np.arange(-1.0, 1.01, 0.1)
_LEAST_SHARE = 0.25  # of the mean response; fainter cannot be told from variation of the noise, unless it is
_CLEARLY, _FAINTEST_SHARE = 4.0, 0.05  # deviations, of the noise and of what the waveform leaves of a sweep
_NOISE_DEVIATIONS = 2.8  # 1 in 100 sweeps of noise, with the freedom to shift
_TOO_FAINT = 0.45  # deviation of a sweep's size beyond which single sweeps cannot be judged
_FAINT = 0.2  # beyond which counting misses too many
_CLEAR = 0.33  # beyond which shifts follow the noise, unless
_MANY, _BLURRED = 10, 1.4  # so many answer, and are so much larger than their mean
_ALIGNED = 3  # sweeps that make a mean
_OF_RESPONSE, _BESIDE_MS = 0.01, 1.0  # where a response is, and what shifts reach beside it
_SHARES = np.linspace(0.01, 1.0, 100)
_SIZES = np.geomspace(0.3, 100.0, 40)  # of a sweep that answers, in mean responses
_SIZES_VARY, _JITTER_MS = 0.4, 0.3  # from sweep to sweep: spread of their logarithm, and of latency
_SURE = 0.1  # below which sweeps are silent or answer beyond doubt
_AT_ONCE = 1000  # sweeps, so that memory is bounded
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

    Returns
    -------
    Persistence
        Its interval holds what a mixture of answering and silent sweeps leaves open, and where sweeps can be
        counted no less than the count does (Wilson 1927).
    """
    own_deviation = np.sqrt(noise.variance_uv2) / noise.average_sd_uv
    found = _compare(sweeps_uv, model, response_uv, own_deviation)
    judged = bool(np.median(found.deviation) < _TOO_FAINT)
    scale, typical = 1.0, 1 / _SHARES
    if judged and found.present.sum() >= _ALIGNED:
        aligned_uv = _align(sweeps_uv, model.time_ms, found, response_uv)
        larger = float(np.ptp(aligned_uv) / np.ptp(response_uv))
        is_blurred = found.present.sum() >= _MANY and larger * found.present.mean() > _BLURRED
        if np.median(found.deviation) < _CLEAR or is_blurred:
            scale, typical = larger, np.ones(_SHARES.size)
            found = _compare(sweeps_uv, model, aligned_uv, own_deviation)
    n, answered = sweeps_uv.shape[0], int(found.present.sum())
    share, interval = answered / n, wilson(answered, n)
    if judged:
        log_likelihood = _log_likelihood(found, typical)
        faintness = float(np.median(found.deviation))
        likelihood = np.exp((_TEMPER if faintness > _SURE else 1.0) * (log_likelihood - log_likelihood.max()))
        low, high = _held(likelihood / likelihood.sum())
        if faintness > _FAINT:
            share = float(_SHARES[log_likelihood.argmax()])
            interval = share, share
        interval = min(interval[0], low), max(interval[1], high)
    return Persistence(
        share=share if judged else None,
        interval=interval if judged else None,
        jitter_ms=float(found.shift_ms[found.present].std(ddof=1)) if judged and answered >= 3 else None,
        present=found.present,
        size=found.size * scale,
        shift_ms=found.shift_ms,
        judged=judged,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """Every sweep beside one waveform, shifted."""

    along: np.ndarray  # (n_shifts, n_sweeps): products of the whitened waveform with the sweeps
    energy: np.ndarray  # (n_shifts, 1): and with itself
    variance: np.ndarray  # (n_sweeps,): of a sweep's noise, and what of it the waveform leaves
    size: np.ndarray  # (n_sweeps,): of the waveform, at the best shift
    deviation: np.ndarray  # (n_sweeps,): of the size
    shift_ms: np.ndarray  # (n_sweeps,)
    present: np.ndarray  # (n_sweeps,) bool


def _compare(
    sweeps_uv: np.ndarray, model: Model, waveform_uv: np.ndarray, own_deviation: np.ndarray
) -> _Compared:
    """Find shift and size of a waveform in every sweep; the deviations are in units of the average's."""
    time = model.time_ms
    shifted = np.stack([np.interp(time - shift, time, waveform_uv) for shift in _SHIFTS_MS], axis=1)
    whitened, white = model.root @ shifted, model.root @ sweeps_uv.T
    energy = (whitened**2).sum(axis=0)
    along = whitened.T @ white  # (n_shifts, n_sweeps)
    best = (along**2 / energy[:, None] * np.sign(along)).argmax(axis=0)
    size = along[best, np.arange(best.size)] / energy[best]
    deviation = own_deviation / np.sqrt(energy.max())
    rest = (white - whitened[:, best] * size) ** 2
    near = _NEARBY * (rest * whitened[:, best] ** 2).sum(axis=0) / energy[best]
    variance = np.maximum(own_deviation**2, np.maximum(rest.mean(axis=0), near))
    clear = np.maximum(_FAINTEST_SHARE, _CLEARLY * np.sqrt(variance / energy.max()))
    return _Compared(
        along=along,
        energy=energy[:, None],
        variance=variance,
        size=size,
        deviation=deviation,
        shift_ms=_SHIFTS_MS[best],
        present=size > np.minimum(np.maximum(_LEAST_SHARE, _NOISE_DEVIATIONS * deviation), clear),
    )


def _align(
    sweeps_uv: np.ndarray, time_ms: np.ndarray, found: _Compared, response_uv: np.ndarray
) -> np.ndarray:
    """Mean of the answered sweeps, each shifted back (Woody 1967): jitter has blurred the mean response."""
    rows = np.flatnonzero(found.present)
    back = [np.interp(time_ms + found.shift_ms[row], time_ms, sweeps_uv[row]) for row in rows]
    there = np.abs(response_uv) > _OF_RESPONSE * np.abs(response_uv).max()
    reach = max(1, round(_BESIDE_MS / float(time_ms[1] - time_ms[0])))
    around = np.convolve(there, np.ones(2 * reach + 1), "same") > 0
    aligned: np.ndarray = np.where(around, np.mean(back, axis=0), 0.0)
    return aligned


def _log_likelihood(found: _Compared, typical: np.ndarray) -> np.ndarray:
    """Of every share of sweeps that answer, (n_shares,); no sweep is counted as one or the other.

    Each is silent, or holds the response at an unknown shift, in a size that is typical.

    Parameters
    ----------
    found : _Compared
    typical : np.ndarray, shape (n_shares,)
        Size of a sweep that answers: 1 / share of a mean response, which all sweeps make up together.
    """
    shifted = -0.5 * (_SHIFTS_MS / _JITTER_MS) ** 2
    shifted -= np.log(np.exp(shifted).sum())
    off = (np.log(_SIZES / typical[:, None]) + _SIZES_VARY**2 / 2) / _SIZES_VARY
    weights = np.exp(-0.5 * off**2)
    weights /= weights.sum(axis=1, keepdims=True)
    total, sizes = np.zeros(_SHARES.size), _SIZES[:, None, None]
    for first in range(0, found.variance.size, _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        along, energy = found.along[:, some] / found.variance[some], found.energy / found.variance[some]
        by_shift = sizes * along - 0.5 * sizes**2 * energy + shifted[:, None]
        by_size = np.logaddexp.reduce(by_shift, axis=1)  # (n_sizes, n_sweeps)
        highest = np.maximum(by_size.max(axis=0), 0.0)
        answers = weights @ np.exp(by_size - highest)  # (n_shares, n_sweeps)
        mixed = _SHARES[:, None] * answers + (1 - _SHARES[:, None]) * np.exp(-highest)
        total += (np.log(np.maximum(mixed, 1e-300)) + highest).sum(axis=1)
    return total


def _held(plausible: np.ndarray) -> tuple[float, float]:
    """The shares that hold 95 % of the posterior, as much being left out on either side."""
    below = np.cumsum(plausible)
    low = int(np.searchsorted(below, (1 - CONFIDENCE) / 2))
    high = int(np.searchsorted(below, (1 + CONFIDENCE) / 2))
    return float(_SHARES[low]), float(_SHARES[min(high, _SHARES.size - 1)])


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Examples
    --------
    >>> low, high = wilson(8, 10)
    >>> round(low, 2), round(high, 2)
    (0.49, 0.94)
    """
    z, share = DEVIATIONS, successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
