"""How much mains hum does the average of a block hold where a response may be?

Conventions
-----------
Time is milliseconds from the stimulus, EMG microvolts. Hum is told by the stretches before the stimulus and
after the response, by a Gaussian model of its harmonics, and with it what these stretches leave open: a
short stretch tells little of what a slow sine does beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lsr.cleaning.mains import LEAST_QUIET_MS, MAINS_HZ, N_HARMONICS, hum_columns
from lsr.detection.prepare import Prepared

_WORTH = 12.0  # energy of a harmonic, of two degrees of freedom, that noise seldom reaches
_N_REFITS = 8
_UNEXPLAINED = 3.0  # mean square in a stretch, in units of the noise: more is no hum, as a late response
_UNEVEN = 6.0  # the louder half of a stretch to the other: hum goes on


@dataclass(frozen=True, slots=True)
class AverageHum:
    """Hum in the average, beyond what was taken out of its sweeps."""

    left_uv: np.ndarray  # (n_samples,): the estimate
    columns: np.ndarray  # (n_samples, n_columns): its uncertainty, times unit deviations
    is_told: bool  # whether any stretch tells of hum at all
    excess: float = 1.0  # energy of the average at rest, hum aside, in units of what the sweeps' noise leaves


def find_average_hum(
    average_uv: np.ndarray, prepared: Prepared, window: np.ndarray, whitening: np.ndarray
) -> AverageHum:
    """Estimate the hum that is left in the average of cleaned sweeps.

    The hum taken out sweep by sweep is put back first: how well it was known counts as well. Sizes per
    harmonic by automatic relevance determination (MacKay 1994): a harmonic that is not there ends with no
    size and takes nothing away. Of 50 and 60 Hz the likelier is taken; both, where the stretches are too
    short to tell one from the other. A stretch that holds more than hum and noise, as where a late response
    is, tells nothing: sines fitted to it would be subtracted from where nothing is.

    Parameters
    ----------
    average_uv : np.ndarray, shape (n_all_samples,)
    prepared : Prepared
    window : np.ndarray of bool, shape (n_all_samples,)
        Where a response may be.
    whitening : np.ndarray, shape (n, n)
        Whitens noise of unit variance, for n of the longest stretch and more.

    Returns
    -------
    AverageHum
        On the samples of the window; without columns where there is no hum to be seen.
    """
    stretches = [part for part in (prepared.before, prepared.after) if part.any()]
    taken = np.zeros(average_uv.size)
    if prepared.hum is not None:
        taken = prepared.noise.weights @ prepared.hum.hum_uv
    whole = average_uv + taken
    candidates = MAINS_HZ if prepared.hum is None else (prepared.hum.frequency_hz,)
    none = np.zeros((int(window.sum()), 0))
    while stretches:
        if max(_worth(whole, prepared, stretches, one) for one in candidates) < _WORTH:
            excess = _excess(average_uv, prepared, whitening)
            return AverageHum(-taken[window], none, is_told=True, excess=excess)
        quiet_ms = sum(int(part.sum()) for part in stretches) * prepared.step_ms
        together = [candidates] if quiet_ms < LEAST_QUIET_MS else [(one,) for one in candidates]
        fits = [_fit(whole, prepared, window, stretches, whitening, some) for some in together]
        best = max(fits, key=lambda fit: fit.log_evidence)
        explained = [
            left <= _UNEXPLAINED and uneven <= _UNEVEN
            for left, uneven in zip(best.left, best.uneven, strict=True)
        ]
        if all(explained):
            excess = best.left[0] if stretches[0] is prepared.before else 1.0
            return AverageHum(best.hum_uv - taken[window], best.columns, is_told=True, excess=excess)
        if not any(explained) and len(stretches) > 1:  # what one holds may have spoiled the fit to the other
            explained[int(np.argmin(best.left))] = True
        stretches = [part for part, is_hum in zip(stretches, explained, strict=True) if is_hum]
    return AverageHum(np.zeros(int(window.sum())), none, is_told=False)


def _excess(average_uv: np.ndarray, prepared: Prepared, whitening: np.ndarray) -> float:
    """Of the stretch before the stimulus: what comes after may hold the end of a response."""
    n = int(prepared.before.sum())
    if not n:
        return 1.0
    white = whitening[:n, :n] / prepared.noise.average_sd_uv
    drift = np.linalg.qr(white @ np.vander(np.linspace(-1, 1, n), 4))[0]
    rest = white @ average_uv[prepared.before]
    energy = float(rest @ rest) - float(((drift.T @ rest) ** 2).sum())
    return energy / (n - 4)


class _Fit(NamedTuple):
    """Hum of some frequencies."""

    log_evidence: float
    hum_uv: np.ndarray  # (n_samples,): in the window
    columns: np.ndarray  # (n_samples, n_columns): its uncertainty there
    left: list[float]  # per stretch: mean square of what it leaves, in units of the noise
    uneven: list[float]  # per stretch: energy of its louder half over that of the other


def _fit(
    average_uv: np.ndarray,
    prepared: Prepared,
    window: np.ndarray,
    stretches: Sequence[np.ndarray],
    whitening: np.ndarray,
    frequencies_hz: Sequence[float],
) -> _Fit:
    """Fit hum of these frequencies to the stretches."""
    deviation, n_samples = prepared.noise.average_sd_uv, prepared.time_ms.size
    shapes = [_shapes(n_samples, prepared.step_ms, frequency_hz) for frequency_hz in frequencies_hz]
    columns = np.concatenate(shapes, axis=1)
    normal, moment = np.zeros((columns.shape[1],) * 2), np.zeros(columns.shape[1])
    seen = []
    for part in stretches:
        white = whitening[: part.sum(), : part.sum()]
        drift = np.linalg.qr(white @ np.vander(np.linspace(-1, 1, int(part.sum())), 4))[0]
        both = white @ np.concatenate([columns[part], average_uv[part][:, None]], axis=1) / deviation
        both -= drift @ (drift.T @ both)
        normal += both[:, :-1].T @ both[:, :-1]
        moment += both[:, :-1].T @ both[:, -1]
        seen.append(both)
    start = 10 * float(np.abs(columns.T @ average_uv).max()) / average_uv.size + deviation
    size2 = np.full(columns.shape[1], start**2)
    for _ in range(_N_REFITS):
        prior2 = size2
        precision = normal.copy()
        precision.flat[:: precision.shape[0] + 1] += 1 / prior2
        covariance = np.linalg.inv(precision)
        mean = covariance @ moment
        power = (mean**2 + np.diag(covariance)).reshape(-1, 2).mean(axis=1)
        size2 = np.repeat(np.maximum(power, 1e-6 * deviation**2), 2)
    # By eigenvectors: sizes that differ by many orders leave a covariance that rounding makes indefinite.
    spread2, directions = np.linalg.eigh((covariance + covariance.T) / 2)
    spread2 = np.maximum(spread2, 1e-12 * deviation**2)
    root = directions * np.sqrt(spread2)
    evidence = 0.5 * float(moment @ mean - np.log(prior2).sum() + np.log(spread2).sum())
    left = [float(((both[:, -1] - both[:, :-1] @ mean) ** 2).mean()) for both in seen]
    halves = [[float((half**2).mean()) for half in np.array_split(both[:, -1], 2)] for both in seen]
    uneven = [max(pair) / max(min(pair), 1e-12) for pair in halves]
    return _Fit(evidence, columns[window] @ mean, columns[window] @ root, left, uneven)


def _worth(
    average_uv: np.ndarray, prepared: Prepared, stretches: Sequence[np.ndarray], frequency_hz: float
) -> float:
    """Energy of the strongest harmonic in the stretches, in units of what noise of its colour has there."""
    worth = np.zeros(1)
    for part in stretches:
        pairs, responses = _pairs(part.tobytes(), prepared.step_ms, frequency_hz)
        taps = prepared.noise.taps
        gain = np.abs(responses[:, : taps.size] @ taps) ** 2  # of the whitening filter
        found = (pairs.T @ average_uv[part]).reshape(-1, 2)
        worth = worth + gain * (found**2).sum(axis=1) / prepared.noise.average_sd_uv**2
    return float(worth.max())


@lru_cache(maxsize=32)
def _pairs(part: bytes, step_ms: float, frequency_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Per harmonic two orthonormal columns free of drift; and unit steps that give a filter's gain there."""
    where = np.frombuffer(part, bool)
    drift = np.linalg.qr(np.vander(np.linspace(-1, 1, int(where.sum())), 4))[0]
    columns = _shapes(where.size, step_ms, frequency_hz)[where]
    columns = columns - drift @ (drift.T @ columns)
    pairs = [np.linalg.qr(columns[:, at : at + 2])[0] for at in range(0, columns.shape[1], 2)]
    angle = 2e-3 * np.pi * step_ms * frequency_hz * np.arange(1, len(pairs) + 1)
    return np.concatenate(pairs, axis=1), np.exp(-1j * np.outer(angle, np.arange(64)))


@lru_cache(maxsize=16)
def _shapes(n_samples: int, step_ms: float, frequency_hz: float) -> np.ndarray:
    """Those that are taken out of sweeps, as the rate holds them; time counts from the first sample."""
    highest = 0.4 * 1000 / step_ms
    harmonics = tuple(h for h in range(1, N_HARMONICS + 1) if h * frequency_hz < highest)
    return hum_columns(np.arange(n_samples) * step_ms, frequency_hz, harmonics)
