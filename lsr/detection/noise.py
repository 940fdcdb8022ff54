"""How large is the noise of each sweep, and how is it coloured?

Conventions
-----------
Rows are sweeps, columns samples, EMG in microvolts. Noise is what remains in stretches where no
response is expected. Its colour is an autoregressive model shared by all sweeps (reflections by
Burg, Levinson-Durbin); its size belongs to each sweep, so that a sweep in a spasm burst counts little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lsr.medians import median

_ORDER = 12
_SAMPLES_PER_COEFFICIENT = 25
_FEW_SWEEPS = 6  # below this the larger of the stretches speaks for a sweep
_WHITE, _DRIFTS = 5e-4, 16.0  # of the variance, for conditioning; of what one sample differs from the next by
_LEAST_LEFT = 0.25  # of the noise, where much was fitted to little
SWEEPS_TELL_BURSTS = 5  # fewer do not tell what is in some of them from what is in all


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Noise of a block of sweeps."""

    variance_uv2: np.ndarray  # (n_sweeps,)
    weights: np.ndarray  # (n_sweeps,), sum 1: how much each sweep counts in the average
    predictors: np.ndarray  # (order + 1, order + 1): row k predicts from k samples before
    errors: np.ndarray  # (order + 1,): prediction error of each row, in units of the variance
    spikiness: float  # 1: Gaussian; more: local energy exceeds what Gaussian noise reaches
    quiet_ms: float  # how long a stretch of each sweep told it

    @property
    def average_sd_uv(self) -> float:
        """Standard deviation of the weighted average's noise."""
        return float(np.sqrt((self.weights**2 * self.variance_uv2).sum()))

    @property
    def sweep_sd_uv(self) -> float:
        """Standard deviation of a typical sweep's noise."""
        return float(np.sqrt(np.median(self.variance_uv2)))

    def leaving_out(self, sweeps: np.ndarray) -> Noise:
        """The same noise where some sweeps, (n_sweeps,) of bool, do not count in the average."""
        weights = np.where(sweeps, 0.0, self.weights)
        return replace(self, weights=weights / weights.sum())

    def whitening(self, n_samples: int) -> np.ndarray:
        """Matrix that turns noise of unit variance into white noise, shape (n_samples, n_samples)."""
        order = self.errors.size - 1
        rows = np.zeros((n_samples, n_samples))
        for k in range(min(order, n_samples)):
            rows[k, : k + 1] = self.predictors[k, k::-1] / np.sqrt(self.errors[k])
        later = max(0, n_samples - order)
        as_strided(rows[order:], (later, order + 1), (sum(rows.strides), rows.strides[1]))[:] = self.taps[
            ::-1
        ]
        return rows

    @property
    def taps(self) -> np.ndarray:
        """Whitening filter of full order, shape (order + 1,)."""
        taps: np.ndarray = self.predictors[-1] / np.sqrt(self.errors[-1])
        return taps


def remove_drift(stretch_uv: np.ndarray) -> np.ndarray:
    """Take level, slope and curvature out of every row."""
    basis = _drift(stretch_uv.shape[1])
    level: np.ndarray = stretch_uv - (stretch_uv @ basis) @ basis.T
    return level


@lru_cache(maxsize=32)
def _drift(n_samples: int) -> np.ndarray:
    """Level, slope and curvature, orthonormal, shape (n_samples, 3)."""
    return np.linalg.qr(np.vander(np.linspace(-1, 1, n_samples), 3))[0]


def median_energy(sweeps_uv: np.ndarray) -> float:
    """Mean square of the median sweep once drift is out, microvolts squared."""
    return float(median((remove_drift(sweeps_uv) ** 2).mean(axis=1)))


def estimate_noise(stretches_uv: Sequence[np.ndarray], *, step_ms: float, n_fitted: int = 0) -> Noise:
    """Noise from stretches without response.

    Parameters
    ----------
    stretches_uv : sequence of np.ndarray, each of shape (n_sweeps, n_samples of the stretch)
        Drift, hum and what is common to all sweeps already removed.
    step_ms : float
        Sampling interval.
    n_fitted : int
        Columns that were fitted to each sweep there and taken out, noise with them.

    Returns
    -------
    Noise
    """
    n_sweeps = stretches_uv[0].shape[0]
    n_samples = sum(stretch.shape[1] for stretch in stretches_uv)
    left = max(1 - n_fitted / n_samples, _LEAST_LEFT)
    sizes = np.array([(stretch**2).mean(axis=1) / left for stretch in stretches_uv])
    variance = sizes.max(axis=0) if n_sweeps < _FEW_SWEEPS else sizes.mean(axis=0)
    floor = max(float(np.median(variance)) / 4, float(np.finfo(float).tiny) ** 0.5)
    variance = np.maximum(variance, floor)
    weights = 1 / variance
    order = max(1, min(_ORDER, n_samples * n_sweeps // _SAMPLES_PER_COEFFICIENT))
    scaled = [stretch / np.sqrt(left * variance)[:, None] for stretch in stretches_uv]
    predictors, errors = _levinson(_autocovariance(scaled, order))
    return Noise(
        variance_uv2=variance,
        weights=weights / weights.sum(),
        predictors=predictors,
        errors=errors,
        spikiness=_spikiness(scaled, predictors[-1], errors[-1], step_ms),
        quiet_ms=n_samples * step_ms,
    )


def _autocovariance(stretches: Sequence[np.ndarray], order: int) -> np.ndarray:
    """Of unit variance, (order + 1,), from reflections by Burg (1975), a little white noise added.

    Products over all samples would take the ends of short stretches for white noise: beside slow drift
    that is more noise than there is.
    """
    forward = backward = list(stretches)
    predictor, covariance, error = np.ones(1), np.ones(1), 1.0
    for _ in range(order):
        forward, backward = [one[:, 1:] for one in forward], [one[:, :-1] for one in backward]
        both = list(zip(forward, backward, strict=True))
        shared = sum(float(np.vdot(ahead, behind)) for ahead, behind in both)
        energy = sum(float(np.vdot(ahead, ahead) + np.vdot(behind, behind)) for ahead, behind in both)
        reflection = -2 * shared / energy if energy > 0 else 0.0
        next_one = -reflection * error - float(predictor[1:] @ covariance[:0:-1])
        predictor, covariance = np.append(predictor, 0.0), np.append(covariance, next_one)
        predictor = predictor + reflection * predictor[::-1]
        error *= 1 - reflection**2
        forward, backward = (
            [ahead + reflection * behind for ahead, behind in both],
            [behind + reflection * ahead for ahead, behind in both],
        )
    covariance[0] += _WHITE * min(1.0, _DRIFTS * (1 - covariance[min(1, order)]))
    return covariance


def _levinson(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = covariance.size - 1
    rows = np.zeros((order + 1, order + 1))
    errors = np.empty(order + 1)
    rows[0, 0], errors[0] = 1.0, covariance[0]
    for k in range(1, order + 1):
        reflection = -(rows[k - 1, :k] @ covariance[k:0:-1]) / errors[k - 1]
        rows[k, : k + 1] = rows[k - 1, : k + 1]
        rows[k, 1 : k + 1] += reflection * rows[k - 1, k - 1 :: -1][:k]
        errors[k] = errors[k - 1] * (1 - reflection**2)
    return rows, errors


def _spikiness(stretches: Sequence[np.ndarray], predictor: np.ndarray, error: float, step_ms: float) -> float:
    """How far the energy of 2 ms exceeds the one in fifty of Gaussian noise, as a ratio of variances."""
    width = max(2, round(2 / step_ms))
    energies = []
    for stretch in stretches:
        if stretch.shape[1] < 2 * width + predictor.size:
            continue
        around = np.lib.stride_tricks.sliding_window_view(stretch, predictor.size, axis=1)
        white = around @ predictor[::-1]
        summed = np.cumsum(white**2 / error, axis=1)
        energies.append((summed[:, width:] - summed[:, :-width]).ravel())
    if not energies:
        return 1.0
    from scipy.special import chdtri

    reached = np.quantile(np.sort(np.concatenate(energies)), 0.98)  # numpy sorts quicker than it selects
    return float(max(1.0, reached / chdtri(width, 0.02)))
