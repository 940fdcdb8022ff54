"""How much more likely is the average with a response than without, for each start and shape?

Conventions
-----------
Time is milliseconds from the stimulus. "Whitened" data have unit, uncorrelated noise. Nuisances
(artifact tail, hum, crosstalk) are Gaussian with wide priors and integrated out, not subtracted, so
that what they may explain counts for nothing; the same holds for the response's waveform.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lsr.detection.noise import Noise
from lsr.detection.waveform import Family

_LEAST_SHARE = 1e-3  # a nuisance direction that explains less of itself than this is dropped


@dataclass(frozen=True, slots=True)
class Whitening:
    """What turns the average's noise into unit white noise: a filter, then a scale for every sample."""

    matrix: np.ndarray  # (n_samples, n_samples)
    taps: np.ndarray  # (order + 1,): the filter away from the first samples
    scale: np.ndarray  # (n_samples,): per microvolt

    @classmethod
    def build(cls, noise: Noise, n_samples: int, inflation: np.ndarray | float = 1.0) -> Whitening:
        """For the average of a block; `inflation` raises the noise locally."""
        scale = np.broadcast_to(1 / (noise.average_sd_uv * np.asarray(inflation)), (n_samples,))
        return cls(noise.whitening(n_samples) * scale[:, None], noise.taps, scale)

    @classmethod
    def white(cls, deviation_uv: float, n_samples: int) -> Whitening:
        """For noise that is white already."""
        scale = np.full(n_samples, 1 / deviation_uv)
        return cls(np.diag(scale), np.ones(1), scale)

    def shifted(self, columns_at: Callable[[np.ndarray], np.ndarray], positions: np.ndarray) -> np.ndarray:
        """Whiten columns that start at each position, given in samples: (n_positions, n_samples, n_columns).

        Away from the first samples whitening is a filter, so one filtered copy serves all whole shifts.
        """
        n_samples = self.scale.size
        if positions.min() < 0:
            return np.stack([self.matrix @ columns_at(np.arange(n_samples) - at) for at in positions])
        whole = np.floor(positions + 1e-6).astype(int)
        parts = np.round(positions - whole, 6)
        filtered = {}
        for part in np.unique(parts):
            plain = columns_at(np.arange(n_samples) - part)
            filtered[part] = self.taps[0] * plain
            for lag, tap in enumerate(self.taps[1:], start=1):
                filtered[part][lag:] += tap * plain[:-lag]
        out = np.zeros((positions.size, n_samples, filtered[parts[0]].shape[1]))
        for k, (shift, part) in enumerate(zip(whole, parts, strict=True)):
            out[k, shift:] = filtered[part][: n_samples - shift]
        out *= self.scale[:, None]
        return out


@dataclass(frozen=True, slots=True)
class Model:
    """The average of a block and everything but a response that may be in it."""

    time_ms: np.ndarray  # (n_samples,)
    average_uv: np.ndarray  # (n_samples,)
    whitening: Whitening
    nuisances: np.ndarray  # (n_samples, n_nuisances): columns times their prior deviation, microvolts
    estimator: np.ndarray  # (n_nuisances, n_samples): sizes of the nuisances from whitened data
    explained: np.ndarray  # (rank, n_samples): E with E'E the share of whitened data that nuisances explain
    projected: np.ndarray  # (n_samples,): whitened average without what nuisances explain

    @property
    def step_ms(self) -> float:
        """Sampling interval."""
        return round(float(self.time_ms[-1] - self.time_ms[0]) / (self.time_ms.size - 1), 9)

    @classmethod
    def build(
        cls, time_ms: np.ndarray, average_uv: np.ndarray, whitening: Whitening, nuisances: np.ndarray
    ) -> Model:
        """Whiten the average and the nuisances, and take the latter out of the former."""
        columns = whitening.matrix @ nuisances
        values, vectors = np.linalg.eigh(columns.T @ columns)
        kept = values > _LEAST_SHARE
        values, vectors = values[kept], vectors[:, kept]
        explained = (vectors / np.sqrt(1 + values)).T @ columns.T
        estimator = (vectors / (1 + values)) @ (vectors.T @ columns.T)
        data = whitening.matrix @ average_uv
        projected = data - explained.T @ (explained @ data)
        return cls(time_ms, average_uv, whitening, nuisances, estimator, explained, projected)

    def nuisance_estimate(self, response_uv: np.ndarray | float = 0.0) -> np.ndarray:
        """What the nuisances add to the average (microvolts), given the response in it."""
        sizes = self.estimator @ (self.whitening.matrix @ (self.average_uv - response_uv))
        estimate: np.ndarray = self.nuisances @ sizes
        return estimate

    def project(self, columns_uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whitened columns, and the coordinates of the part of them that nuisances explain."""
        whitened = self.whitening.matrix @ columns_uv
        return whitened, self.explained @ whitened


def log_evidence(columns: np.ndarray, data: np.ndarray) -> float:
    """Log evidence of columns with sizes of unit variance over unit white noise alone.

    Parameters
    ----------
    columns : np.ndarray, shape (n_samples, n_columns)
    data : np.ndarray, shape (n_samples,)
    """
    factor = np.linalg.cholesky(np.eye(columns.shape[1]) + columns.T @ columns)
    inner = np.linalg.solve(factor, columns.T @ data)
    return float(0.5 * inner @ inner - np.log(np.diag(factor)).sum())


@dataclass(frozen=True, slots=True)
class Scan:
    """Log evidence over starts, families and sizes."""

    starts_ms: np.ndarray
    families: Sequence[Family]
    sizes_uv: np.ndarray
    log_evidence: np.ndarray  # (n_starts, n_families, n_sizes): log Bayes factor and log prior of the size
    modes: list[tuple[np.ndarray, np.ndarray, np.ndarray]]  # per family: eigenvalues, eigenvectors, data


def scan(model: Model, starts_ms: np.ndarray, families: Sequence[Family], sizes_uv: np.ndarray) -> Scan:
    """Compare a response of each start, family and size with none.

    Parameters
    ----------
    model : Model
    starts_ms : np.ndarray, shape (n_starts,)
    families : sequence of Family
    sizes_uv : np.ndarray, shape (n_sizes,)
        Prior standard deviation of the response; each half as likely as the one before.

    Returns
    -------
    Scan
        Log Bayes factors, natural logarithm.
    """
    evidence = np.empty((starts_ms.size, len(families), sizes_uv.size))
    modes = []
    positions = (starts_ms - model.time_ms[0]) / model.step_ms
    for j, family in enumerate(families):
        whitened = model.whitening.shifted(_sampled(family, model.step_ms), positions)
        explained = model.explained @ whitened
        data = np.einsum("smk,m->sk", whitened, model.projected)
        gram = whitened.transpose(0, 2, 1) @ whitened - explained.transpose(0, 2, 1) @ explained
        values, vectors = np.linalg.eigh(gram)
        values = np.clip(values, 0, None)
        along = np.einsum("sij,si->sj", vectors, data)
        spread = 1 + sizes_uv[None, :, None] ** 2 * values[:, None, :]
        gain = sizes_uv[None, :, None] ** 2 / spread * along[:, None, :] ** 2
        evidence[:, j, :] = 0.5 * (gain - np.log(spread)).sum(axis=-1)
        modes.append((values, vectors, along))
    halving = np.log(0.5) * np.arange(1, sizes_uv.size + 1)  # prior of the sizes
    return Scan(starts_ms, families, sizes_uv, evidence + halving, modes)


def _sampled(family: Family, step_ms: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda samples: family.bumps(samples * step_ms)


def start_grid(model: Model, low_ms: float, high_ms: float, step_ms: float) -> np.ndarray:
    """Starts from low to high, at steps that count from the model's first sample."""
    first = model.time_ms[0]
    numbers = np.arange(np.floor((low_ms - first) / step_ms), np.ceil((high_ms - first) / step_ms) + 1)
    grid: np.ndarray = first + numbers * step_ms
    return grid


def log_mean(log_values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Logarithm of the mean of exponentials."""
    highest = log_values.max(axis=axis, keepdims=True)
    mean = np.log(np.exp(log_values - highest).mean(axis=axis, keepdims=True)) + highest
    result: np.ndarray = mean.reshape(()) if axis is None else mean.squeeze(axis)
    return result
