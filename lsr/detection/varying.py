"""What do the sweeps of a block not share: where is the noise larger than elsewhere, and which stand apart?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus, EMG microvolts.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lsr.detection.evidence import Model
from lsr.detection.noise import SWEEPS_TELL_BURSTS, Noise
from lsr.gaussian import gaussian

_BURST_SMOOTH_MS, _BURST_NEAR_MS = 0.45, 5.0  # a response's smoothness; over how long noise is local
_APART = 9.0  # times the noise's energy: what Gaussian noise does not reach in any of a hundred sweeps
_TOGETHER_MS = 3.0  # apart: activity of all sweeps that is of one kind, however it jitters
_ALIKE = 0.4  # correlation with the others from which on a sweep holds the same, only more or less of it
_BURST_SHARE, _UNCERTAIN_SWEEPS = 0.7, 1.5  # of the local noise; few sweeps tell it less surely
_MANY_SWEEPS, _CLEARLY_ALIKE, _MANY_SHARE = 10, 0.3, 0.35
_AGREEMENT = 3.1  # deviations of the sign test: 1 in 1000


def what_varies(
    sweeps_uv: np.ndarray, noise: Noise, model: Model, zone_ends_ms: float, answers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Local noise in the window over noise elsewhere, at least 1, and sweeps that stand apart.

    Nuisances are taken out of every sweep; then each is compared with the average of the *others*, scaled
    and shifted a little: a response that varies in size follows them, a spasm burst in a few sweeps, or an
    amplifier that recovers at another time, does not. What is left is compared as it is and as smooth as
    responses are: beside white noise a burst of muscle has most of its energy there. Where most sweeps agree
    that there is something, the rest of their differences is taken for its own, and counts by its root.

    Parameters
    ----------
    answers : np.ndarray of bool, shape (n_samples,)
        Where an answer may be: a late response says nothing of one, and makes no sweep stand apart.

    Returns
    -------
    inflation : np.ndarray, shape (n_samples,)
        A ratio of deviations.
    apart : np.ndarray of bool, shape (n_sweeps,)
        Sweeps that hold what the others do not, so much that the average is better without them.
    """
    at, counts = model.time_ms, noise.weights > 0
    n_sweeps, apart = int(counts.sum()), np.zeros(counts.size, bool)
    if n_sweeps < SWEEPS_TELL_BURSTS:
        return np.ones(at.size), apart
    white, weights = sweeps_uv[counts] @ model.root.T, noise.weights[counts, None]
    variance = noise.variance_uv2[counts] / noise.average_sd_uv**2
    others = (weights.T @ white - weights * white) / (1 - weights)
    slopes = np.gradient(others, axis=1)
    early = at < zone_ends_ms
    parts = np.stack([early, answers, ~(early | answers)], axis=1).astype(float)
    shapes = np.concatenate([others[:, :, None] * parts, slopes[:, :, None] * parts], axis=2)
    normal = shapes.transpose(0, 2, 1) @ shapes + 2 * variance[:, None, None] * np.eye(shapes.shape[2])
    rest = white - others
    sizes = np.linalg.solve(normal, (shapes.transpose(0, 2, 1) @ rest[:, :, None]))
    rest = rest - (shapes @ sizes)[..., 0]
    smoothing = _smoothing(at.size, model.step_ms)
    energies = rest**2, (rest @ smoothing) ** 2
    width = min(max(3, round(_BURST_NEAR_MS / model.step_ms)), at.size - 2)
    nearby = _nearby_mean(at.size, width)
    share = _BURST_SHARE * (1 - _UNCERTAIN_SWEEPS / n_sweeps) * (n_sweeps - 1) / n_sweeps
    local = np.maximum(*((weights**2 * part).sum(axis=0) @ nearby for part in energies))
    inflation: np.ndarray = np.sqrt(np.maximum(1.0, share * local))
    smooth = white @ smoothing
    if _most_agree(white, others, answers) or _all_answer(
        (smooth**2 @ nearby) / variance[:, None], model.step_ms, answers
    ):
        return np.sqrt(inflation), apart
    within = ((rest * answers) @ smoothing) ** 2  # a late response would smooth over the edge
    largest = (within @ nearby)[:, answers].max(axis=1) / variance
    unlike = _likeness(smooth, others @ smoothing, answers) < _ALIKE
    apart[counts] = (largest > _APART) & unlike
    if apart.sum() > n_sweeps / 2:
        apart[:] = False
    return inflation, apart


@lru_cache(maxsize=32)
def _nearby_mean(n_samples: int, width: int) -> np.ndarray:
    """Matrix that averages rows over a Hann window, mirrored at their ends."""
    kernel = np.hanning(width + 2)[1:-1] / np.hanning(width + 2).sum()
    padded = np.pad(np.eye(n_samples), ((0, 0), (width, width)), mode="reflect")
    means: np.ndarray = np.stack([np.convolve(row, kernel, "same") for row in padded])[:, width:-width]
    return means


@lru_cache(maxsize=32)
def _smoothing(n_samples: int, step_ms: float) -> np.ndarray:
    """Matrix that smooths rows of white noise as muscle responses are smooth, and keeps its variance."""
    apart_ms = (np.arange(n_samples)[:, None] - np.arange(n_samples)) * step_ms
    weights = gaussian(apart_ms / _BURST_SMOOTH_MS)
    rows: np.ndarray = weights / np.sqrt((weights**2).sum(axis=0))
    return rows


def _most_agree(white: np.ndarray, others: np.ndarray, rows: np.ndarray) -> bool:
    """Whether the sweeps resemble the average of the others: neither test is swayed by a few bursts.

    Either most do so at all (a sign test), or many do so clearly, as when it jitters by half a phase.
    """
    likeness = _likeness(white, others, rows)
    n_alike, n_sweeps = int((likeness > 0).sum()), likeness.size
    if 2 * n_alike - n_sweeps > _AGREEMENT * np.sqrt(n_sweeps):
        return True
    return n_sweeps >= _MANY_SWEEPS and float((likeness > _CLEARLY_ALIKE).mean()) >= _MANY_SHARE


def _all_answer(energies: np.ndarray, step_ms: float, rows: np.ndarray) -> bool:
    """Whether every sweep holds plain activity, and all of them at about the same time."""
    inside = energies[:, rows]
    apart_ms = float(np.ptp(inside.argmax(axis=1))) * step_ms
    return bool(inside.max(axis=1).min() > _APART and apart_ms <= _TOGETHER_MS)


def _likeness(white: np.ndarray, others: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Correlation of each sweep with the average of the others, (n_sweeps,)."""
    own, theirs = white[:, rows], others[:, rows]
    energy = (own**2).sum(axis=1) * (theirs**2).sum(axis=1)
    likeness: np.ndarray = (own * theirs).sum(axis=1) / np.sqrt(np.maximum(energy, 1e-300))
    return likeness
