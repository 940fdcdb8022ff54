"""How much more likely is the average with a response than without, for each start and shape?

Conventions
-----------
Time is milliseconds from the stimulus. Nuisances (artifact tail, hum, crosstalk) are Gaussian with wide
priors and integrated out, not subtracted, so that what they may explain counts for nothing; the same holds
for the response's waveform. "Whitened" data have unit, uncorrelated noise, nuisances included. Starts lie on
a grid that divides the sampling interval evenly, so that a response is computed once and then shifted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import as_strided

from lsr.detection.waveform import Family

_GRID_MS = 0.1
_AT_ONCE_MS = 3.0  # starts that are fitted by one product
_FIT_CACHE = 30_000  # numbers that a processor has at hand
ROUNDING = 1e-12  # of the largest product: what is lost in rounding is noise
_LONGEST_MS, _NOTHING_LEFT = 60.0, 1e-12  # of a response; of its largest value


@dataclass(frozen=True, slots=True)
class Model:
    """The average of a block and everything but a response that may be in it."""

    time_ms: np.ndarray  # (n_samples,)
    average_uv: np.ndarray  # (n_samples,)
    noise_root: np.ndarray  # (n_samples, n_samples): whitens the noise alone
    root: np.ndarray  # (n_samples, n_samples): whitens noise and nuisances together
    whitened: np.ndarray  # (n_samples,): the average
    log_null: float  # log evidence of noise and nuisances, up to a constant of the noise

    @classmethod
    def build(
        cls, time_ms: np.ndarray, average_uv: np.ndarray, noise_root: np.ndarray, nuisances: np.ndarray
    ) -> Model:
        """Whiten an average.

        Parameters
        ----------
        time_ms, average_uv : np.ndarray, shape (n_samples,)
        noise_root : np.ndarray, shape (n_samples, n_samples)
            Lower triangular; turns the average's noise into unit white noise.
        nuisances : np.ndarray, shape (n_samples, n_nuisances)
            Columns times their prior deviation, microvolts.
        """
        root, factor = _with_columns(noise_root, noise_root @ nuisances)
        whitened = root @ average_uv
        log_null = -0.5 * float(whitened @ whitened) - float(np.log(np.diag(factor)).sum())
        return cls(time_ms, average_uv, noise_root, root, whitened, log_null)

    def beside(self, columns: np.ndarray) -> Beside:
        """What changes when further nuisances, (n_samples, n_columns), are integrated out as well."""
        from scipy.linalg.lapack import dpotrf, dtrtrs

        white = self.root @ columns
        normal = white.T @ white
        normal.flat[:: normal.shape[0] + 1] += 1.0 + ROUNDING * normal.diagonal().max(initial=0.0)
        factor, _ = dpotrf(normal, lower=1)
        directions, _ = dtrtrs(factor, white.T, lower=1)
        explained = directions @ self.whitened
        log_null = 0.5 * float(explained @ explained) - float(np.log(np.diag(factor)).sum())
        return Beside(directions.T, explained, self.log_null + log_null)

    @property
    def step_ms(self) -> float:
        """Sampling interval."""
        return round(float(self.time_ms[-1] - self.time_ms[0]) / (self.time_ms.size - 1), 9)

    def nuisance_estimate(self, response_uv: np.ndarray | float = 0.0) -> np.ndarray:
        """What the nuisances add to the average (microvolts), given the response in it."""
        from scipy.linalg.lapack import dtrtrs

        rest = self.average_uv - response_uv
        noise = self.root.T @ (self.root @ rest)
        noise, _ = dtrtrs(self.noise_root, noise, lower=1, trans=1)
        noise, _ = dtrtrs(self.noise_root, noise, lower=1)
        estimate: np.ndarray = rest - noise
        return estimate


def with_white_noise(noise_root: np.ndarray, deviation_uv: float) -> np.ndarray:
    """Matrix that whitens what `noise_root` does and white noise with it, (n_samples, n_samples)."""
    return _with_columns(noise_root, deviation_uv * noise_root)[0]


def _with_columns(root: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matrix that whitens what `root` does and columns of random size, whitened before, and its factor."""
    from scipy.linalg.lapack import dpotrf, dtrtrs

    covariance = columns @ columns.T
    covariance.flat[:: covariance.shape[0] + 1] += 1.0
    factor, failed = dpotrf(covariance, lower=1)
    if failed:  # a tail a million times the noise: what is lost in rounding is noise
        covariance.flat[:: covariance.shape[0] + 1] += ROUNDING * np.trace(covariance)
        factor, _ = dpotrf(covariance, lower=1)
    joint, _ = dtrtrs(factor, root, lower=1)
    return joint, factor


@dataclass(frozen=True, slots=True)
class Beside:
    """Nuisances that join those of a model, and what they take out of whitened products."""

    directions: np.ndarray  # (n_samples, n_columns): along which nothing of whitened columns is left
    explained: np.ndarray  # (n_columns,): their products with the whitened data
    log_null: float  # log evidence of noise and all nuisances, as a model's


def log_evidence(gram: np.ndarray, moment: np.ndarray, energy: float, sizes: np.ndarray) -> np.ndarray:
    """Log evidence of columns with Gaussian sizes over unit white noise alone.

    Parameters
    ----------
    gram : np.ndarray, shape (..., n_columns, n_columns)
        Products of the whitened columns.
    moment : np.ndarray, shape (..., n_columns)
        Their products with the whitened data.
    energy : float
        Of the whitened data: no column can explain more.
    sizes : np.ndarray, shape (n_tried, n_columns)
        Prior deviations of the columns, none of them 0.

    Returns
    -------
    np.ndarray, shape (..., n_tried)
        Natural logarithm.
    """
    n = moment.shape[-1]
    bordered = np.empty((*moment.shape[:-1], n + 1, n + 1))
    bordered[..., :n, :n], bordered[..., n, :n] = gram, moment  # the lower triangle alone is read
    bordered[..., n, n] = corner = 1.01 * energy + 1.0
    power = np.einsum("...ii->...i", gram)[..., None, :] * sizes**2
    every = (power + ROUNDING * power.max(axis=-1, keepdims=True, initial=0.0) + 1.0) / sizes**2
    pivots = np.empty((*moment.shape[:-1], len(sizes), n + 1))
    at_once = max(1, _FIT_CACHE // bordered.size)
    for first in range(0, len(sizes), at_once):
        some = slice(first, first + at_once)
        sized = np.repeat(bordered[..., None, :, :], len(sizes[some]), axis=-3)
        np.einsum("...ii->...i", sized)[..., :n] = every[..., some, :]
        pivots[..., some, :] = np.einsum("...ii->...i", np.linalg.cholesky(sized))
    # The last pivot tells what is left of the corner: the quadratic form, without solving for the sizes.
    evidence: np.ndarray = 0.5 * (corner - pivots[..., n] ** 2)
    evidence -= np.log(pivots[..., :n]).sum(axis=-1) + np.log(sizes).sum(axis=-1)
    return evidence


@dataclass(frozen=True, slots=True)
class Fits:
    """A family's responses at several starts, and what the data say of them."""

    family: Family
    starts_ms: np.ndarray  # (n_starts,)
    gram: np.ndarray  # (n_starts, n_bumps, n_bumps): products of the whitened bumps
    moment: np.ndarray  # (n_starts, n_bumps): their products with the whitened data
    energy: float  # of the whitened data
    end_ms: float  # of the data
    along: tuple[np.ndarray, ...] = ()  # (n_starts, n_bumps, n_columns): products with nuisances' directions

    def given(self, nuisances: Sequence[Beside]) -> Iterator[Fits]:
        """The same beside each of those nuisances whose directions were asked for."""
        for one, along in zip(nuisances, self.along, strict=True):
            yield replace(
                self,
                gram=self.gram - along @ along.transpose(0, 2, 1),
                moment=self.moment - along @ one.explained,
                energy=self.energy - float(one.explained @ one.explained),
                along=(),
            )

    def log_evidence(self, sizes_uv: np.ndarray, smallest_uv: float | None = None) -> np.ndarray:
        """Log Bayes factor against no response, log prior of the size included, shape (n_starts, n_sizes).

        `sizes_uv` are prior deviations of the response, likely in inverse proportion; `smallest_uv` is the
        smallest that is tried at all, None where it is the first of them.
        """
        sizes = np.broadcast_to(sizes_uv[:, None], (sizes_uv.size, self.moment.shape[1]))
        prior = np.log((sizes_uv[0] if smallest_uv is None else smallest_uv) / (2 * sizes_uv))
        found: np.ndarray = log_evidence(self.gram, self.moment, self.energy, sizes) + prior
        return found


def fit(model: Model, starts: np.ndarray, family: Family, nuisances: Sequence[Beside] = ()) -> Fits:
    """Compare a family's responses at every start with the average, and with further nuisances.

    Parameters
    ----------
    model : Model
    starts : np.ndarray of int, shape (n_starts,)
        Evenly spaced, on the grid that `start_numbers` counts.
    family : Family
    nuisances : sequence of Beside
    """
    n_samples, per_sample = model.time_ms.size, _per_sample(model.step_ms)
    grid_ms = model.step_ms / per_sample
    lasts = -(-_lasts(family, grid_ms) // per_sample) + 2
    reach = per_sample * n_samples + max(0, -int(starts[0]))
    table = _table(family, grid_ms, reach)
    n_bumps, every = table.shape[0], int(starts[1] - starts[0]) if starts.size > 1 else 1
    at_once = max(1, round(_AT_ONCE_MS / (every * grid_ms)))
    grams = np.empty((starts.size, n_bumps, n_bumps))
    targets = np.column_stack([model.whitened, *(one.directions for one in nuisances)])
    products = np.empty((starts.size, n_bumps, targets.shape[1]))
    # Bumps are zero before their start and long after it, what the triangular root makes of them before it.
    for part in range(0, starts.size, at_once):
        some = starts[part : part + at_once]
        first = min(max(0, int(some[0]) // per_sample), n_samples)
        stop = max(first, min(n_samples, int(some[-1]) // per_sample + lasts))
        bumps = as_strided(
            table[:, reach + per_sample * first - some[0] :],
            (n_bumps, some.size, stop - first),
            (table.strides[0], -every * table.itemsize, per_sample * table.itemsize),
            writeable=False,
        ).reshape(n_bumps * some.size, stop - first)
        whitened = bumps @ model.root[first:, first:stop].T
        by_target = (whitened @ targets[first:]).reshape(n_bumps, some.size, -1)
        products[part : part + some.size] = by_target.transpose(1, 0, 2)
        by_start = whitened.reshape(n_bumps, some.size, n_samples - first).transpose(1, 0, 2)
        grams[part : part + some.size] = by_start @ by_start.transpose(0, 2, 1)
    return Fits(
        family,
        model.time_ms[0] + starts * grid_ms,
        grams,
        products[..., 0],
        float(model.whitened @ model.whitened),
        float(model.time_ms[-1]),
        tuple(np.split(products[..., 1:], np.cumsum([one.explained.size for one in nuisances]), axis=2)[:-1]),
    )


@lru_cache(maxsize=128)
def _table(family: Family, grid_ms: float, reach: int) -> np.ndarray:
    """Bumps on the grid from `reach` steps before their start to as many after it, (n_bumps, n_steps)."""
    return np.ascontiguousarray(family.bumps(np.arange(-reach, reach + 1) * grid_ms).T)


@lru_cache(maxsize=128)
def _lasts(family: Family, grid_ms: float) -> int:
    """Steps of the grid after which nothing is left of the bumps."""
    bumps = family.bumps(np.arange(0, _LONGEST_MS, grid_ms))
    return int(np.flatnonzero(np.abs(bumps).max(axis=1) > _NOTHING_LEFT)[-1])


def _per_sample(step_ms: float) -> int:
    return max(1, round(step_ms / _GRID_MS))


def start_numbers(model: Model, low_ms: float, high_ms: float, step_ms: float) -> np.ndarray:
    """Grid numbers of starts from low to high, about `step_ms` apart, counted from the first sample."""
    grid_ms = model.step_ms / _per_sample(model.step_ms)
    every = max(1, round(step_ms / grid_ms))
    apart = every * grid_ms
    first = model.time_ms[0]
    numbers = np.arange(np.floor((low_ms - first) / apart), np.ceil((high_ms - first) / apart) + 1)
    return (numbers * every).astype(np.int64)


def log_mean(log_values: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Logarithm of the mean of exponentials."""
    highest = log_values.max(axis=axis, keepdims=True)
    mean = np.log(np.exp(log_values - highest).mean(axis=axis, keepdims=True)) + highest
    result: np.ndarray = mean.reshape(()) if axis is None else mean.squeeze(axis)
    return result
