"""How much more likely is the average with a response than without, for each start and shape?

Conventions
-----------
Time is milliseconds from the stimulus. "Whitened" data have unit, uncorrelated noise. Nuisances
(artifact tail, hum, crosstalk) are Gaussian with wide priors and integrated out, not subtracted, so
that what they may explain counts for nothing; the same holds for the response's waveform.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.detection.waveform import Family


@dataclass(frozen=True, slots=True)
class Model:
    """The average of a block and everything but a response that may be in it."""

    time_ms: np.ndarray  # (n_samples,)
    average_uv: np.ndarray  # (n_samples,)
    whitening: np.ndarray  # (n_samples, n_samples): microvolts to unit white noise
    nuisances: np.ndarray  # (n_samples, n_nuisances): columns times their prior deviation, microvolts
    whitened_nuisances: np.ndarray
    unmix: np.ndarray  # inverse of the Cholesky factor of I + N'N
    projected: np.ndarray  # (n_samples,): whitened average without what nuisances explain

    @classmethod
    def build(
        cls, time_ms: np.ndarray, average_uv: np.ndarray, whitening: np.ndarray, nuisances: np.ndarray
    ) -> Model:
        """Whiten the average and the nuisances, and take the latter out of the former."""
        whitened = whitening @ nuisances
        factor = np.linalg.cholesky(np.eye(nuisances.shape[1]) + whitened.T @ whitened)
        data = whitening @ average_uv
        unmix = np.linalg.inv(factor)
        projected = data - whitened @ (unmix.T @ (unmix @ (whitened.T @ data)))
        return cls(time_ms, average_uv, whitening, nuisances, whitened, unmix, projected)

    def log_evidence_of_nuisances(self, rows: np.ndarray) -> float:
        """Log evidence of the nuisances over plain noise, from the chosen rows alone."""
        columns = self.whitened_nuisances[rows]
        factor = np.linalg.cholesky(np.eye(columns.shape[1]) + columns.T @ columns)
        inner = np.linalg.solve(factor, columns.T @ (self.whitening @ self.average_uv)[rows])
        return float(0.5 * inner @ inner - np.log(np.diag(factor)).sum())

    def nuisance_estimate(self, response_uv: np.ndarray | float = 0.0) -> np.ndarray:
        """What the nuisances add to the average (microvolts), given the response in it."""
        data = self.whitening @ (self.average_uv - response_uv)
        sizes = self.unmix.T @ (self.unmix @ (self.whitened_nuisances.T @ data))
        estimate: np.ndarray = self.nuisances @ sizes
        return estimate

    def project(self, columns_uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whitened columns, and the part of them that nuisances explain (in the factor's coordinates)."""
        whitened = self.whitening @ columns_uv
        return whitened, self.unmix @ (self.whitened_nuisances.T @ whitened)


@dataclass(frozen=True, slots=True)
class Scan:
    """Log evidence over starts, families and sizes."""

    starts_ms: np.ndarray
    families: Sequence[Family]
    sizes_uv: np.ndarray
    log_evidence: np.ndarray  # (n_starts, n_families, n_sizes)
    modes: list[tuple[np.ndarray, np.ndarray, np.ndarray]]  # per family: eigenvalues, eigenvectors, data


def scan(model: Model, starts_ms: np.ndarray, families: Sequence[Family], sizes_uv: np.ndarray) -> Scan:
    """Compare a response of each start, family and size with none.

    Parameters
    ----------
    model : Model
    starts_ms : np.ndarray, shape (n_starts,)
    families : sequence of Family
    sizes_uv : np.ndarray, shape (n_sizes,)
        Prior standard deviation of the response.

    Returns
    -------
    Scan
        Log Bayes factors, natural logarithm.
    """
    evidence = np.empty((starts_ms.size, len(families), sizes_uv.size))
    modes = []
    for j, family in enumerate(families):
        n_bumps = family.centres_ms.size
        columns = np.concatenate([family.bumps(model.time_ms - start) for start in starts_ms], axis=1)
        whitened, explained = model.project(columns)
        data = (whitened.T @ model.projected).reshape(starts_ms.size, n_bumps)
        gram = _gram(whitened, starts_ms.size) - _gram(explained, starts_ms.size)
        values, vectors = np.linalg.eigh(gram)
        values = np.clip(values, 0, None)
        along = np.einsum("sij,si->sj", vectors, data)
        spread = 1 + sizes_uv[None, :, None] ** 2 * values[:, None, :]
        gain = sizes_uv[None, :, None] ** 2 / spread * along[:, None, :] ** 2
        evidence[:, j, :] = 0.5 * (gain - np.log(spread)).sum(axis=-1)
        modes.append((values, vectors, along))
    return Scan(starts_ms, families, sizes_uv, evidence, modes)


def _gram(columns: np.ndarray, n_starts: int) -> np.ndarray:
    by_start = columns.reshape(columns.shape[0], n_starts, -1).transpose(1, 2, 0)
    gram: np.ndarray = by_start @ by_start.transpose(0, 2, 1)
    return gram


def log_mean(log_values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Logarithm of the mean of exponentials."""
    highest = log_values.max(axis=axis, keepdims=True)
    mean = np.log(np.exp(log_values - highest).mean(axis=axis, keepdims=True)) + highest
    result: np.ndarray = mean.reshape(()) if axis is None else mean.squeeze(axis)
    return result
