"""Which mains hum is in the sweeps?

Conventions
-----------
Rows are sweeps, columns samples; time is milliseconds from the stimulus, EMG microvolts. Hum is
fitted where no response is expected and taken out everywhere: a notch filter would ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lsr.medians import median

MAINS_HZ = (50.0, 60.0)
N_HARMONICS = 14  # those of real hum are strong to the 13th
_CLIP, _N_REFITS = 2.5, 4  # deviations beyond which a sample counts no more
_RESOLVED_MS = 45.0  # of quiet; in less, harmonics fit noise as well
_FEW_PERIODS_SHARE = 0.15  # of the energy, that hum must leave there to be taken out sweep by sweep
_ALIKE = 1e-9  # of the energy left: 300 Hz is a harmonic of 50 and of 60, and rounding shall not choose
LEAST_QUIET_MS = 30.0  # below one and a half periods of 50 Hz a sine cannot be told from drift


@dataclass(frozen=True, slots=True, kw_only=True)
class Hum:
    """Mains hum of a block of sweeps."""

    frequency_hz: float
    harmonics: tuple[int, ...]
    hum_uv: np.ndarray  # (n_sweeps, n_samples): what to subtract

    @property
    def amplitude_uv(self) -> float:
        """Peak of the hum in the median sweep."""
        return float(np.median(np.abs(self.hum_uv).max(axis=1)))


def hum_columns(time_ms: np.ndarray, frequency_hz: float, harmonics: tuple[int, ...]) -> np.ndarray:
    """Cosine and sine of each harmonic, shape (n_samples, 2 * len(harmonics))."""
    angle = 2 * np.pi * frequency_hz / 1000 * np.outer(time_ms, harmonics)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).reshape(time_ms.size, -1)


def _slow_columns(time_ms: np.ndarray) -> np.ndarray:
    """Level, drift and slow recovery after the stimulus, which must not pass for hum."""
    after = np.clip(time_ms, 0, None)
    decays = [np.where(time_ms > 0, np.exp(-after / tau), 0.0) for tau in (8.0, 25.0)]
    return np.stack([np.ones_like(time_ms), time_ms / 50, *decays], axis=1)


@dataclass(frozen=True, slots=True)
class _Design:
    """Orthonormal bases for one time axis and frequency; they depend on nothing else."""

    harmonics: np.ndarray  # (n_harmonics,)
    slow: np.ndarray  # (n_quiet, 4): level, drift, recovery
    own: np.ndarray  # (n_quiet, 2 * n_harmonics): of each harmonic, what no other column explains
    beside: np.ndarray  # (n_quiet, 4 * n_harmonics): sines just below and above, hum aside: the noise there


@lru_cache(maxsize=32)
def _design(quiet: bytes, zero: int, step_ms: float, frequency_hz: float) -> _Design:
    """Bases for the quiet samples of an axis whose sample `zero` is nearest to the stimulus."""
    time = (np.flatnonzero(np.frombuffer(quiet, bool)) - zero) * step_ms
    rate_hz = 1000 / step_ms
    slow = np.linalg.qr(_slow_columns(time))[0]
    harmonics = tuple(h for h in range(1, N_HARMONICS + 1) if h * frequency_hz < 0.4 * rate_hz)
    columns = hum_columns(time, frequency_hz, harmonics)
    joint = np.linalg.qr(np.concatenate([slow, columns], axis=1))[0]
    apart_hz = 1400 / np.ptp(time)
    own, beside = [np.zeros((time.size, 0))], [np.zeros((time.size, 0))]
    for k, harmonic in enumerate(harmonics):
        rest = np.concatenate([slow, np.delete(columns, [2 * k, 2 * k + 1], axis=1)], axis=1)
        others = np.linalg.qr(rest)[0]
        mine = columns[:, 2 * k : 2 * k + 2]
        own.append(np.linalg.qr(mine - others @ (others.T @ mine))[0])
        for shift in (-apart_hz, apart_hz):
            sine = hum_columns(time, max(harmonic * frequency_hz + shift, 4.0), (1,))
            beside.append(np.linalg.qr(sine - slow @ (slow.T @ sine))[0])
    near = np.hstack(beside)
    near -= joint @ (joint.T @ near)
    return _Design(np.array(harmonics, int), slow, np.hstack(own), near)


@lru_cache(maxsize=32)
def _fitter(
    quiet: bytes, zero: int, step_ms: float, frequency_hz: float, harmonics: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of hum on the whole axis; these with level and drift, where quiet; and columns that fit them."""
    time = (np.arange(len(quiet)) - zero) * step_ms
    columns = hum_columns(time, frequency_hz, harmonics)
    both = np.concatenate([columns, _slow_columns(time)], axis=1)[np.frombuffer(quiet, bool)]
    return columns.T.copy(), both.T.copy(), np.linalg.pinv(both).T.copy()


def find_hum(
    emg_uv: np.ndarray, time_ms: np.ndarray, quiet: np.ndarray, *, mains_hz: float | None = None
) -> Hum | None:
    """Fit mains hum, sweep by sweep, to the samples where no response is expected.

    A harmonic counts when its energy, over all sweeps, exceeds that of its spectral neighbours. Where the
    quiet is too short to tell a harmonic from noise, hum is taken out only if it is most of what is there.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_sweeps, n_samples)
    time_ms : np.ndarray, shape (n_samples,)
    quiet : np.ndarray of bool, shape (n_samples,)
        Samples to fit.
    mains_hz : float | None
        None: 50 or 60, whichever leaves less.

    Returns
    -------
    Hum | None
        None: no hum, or too short a quiet stretch to tell.
    """
    # The axis counts from the sample nearest to the stimulus: hum has any phase, equal axes share a design.
    step_ms = round(float(time_ms[-1] - time_ms[0]) / (time_ms.size - 1), 9)
    if quiet.sum() < 60 or quiet.sum() * step_ms < LEAST_QUIET_MS:
        return None
    zero, where = round(-float(time_ms[0]) / step_ms), quiet.tobytes()
    emg = emg_uv[:, quiet]
    candidates = [mains_hz] if mains_hz else MAINS_HZ
    designs = [_design(where, zero, step_ms, frequency_hz) for frequency_hz in candidates]
    slow = designs[0].slow
    level = emg - (emg @ slow) @ slow.T
    spread = median(np.abs(level)) / 0.6745 + 1e-12
    least = _energy(level, slow.shape[1])
    if quiet.sum() * step_ms < _RESOLVED_MS:
        least *= _FEW_PERIODS_SHARE
    found = None
    for frequency_hz, design in zip(candidates, designs, strict=True):
        harmonics = _significant(design, emg, spread)
        if not harmonics:
            continue
        rows, both, fitter = _fitter(where, zero, step_ms, frequency_hz, harmonics)
        weights = _robust_fit(both, fitter, emg)
        left = _energy(emg - weights @ both, both.shape[0])
        if left < (1 - _ALIKE) * least:
            hum_uv = weights[:, : rows.shape[0]] @ rows
            least, found = left, Hum(frequency_hz=frequency_hz, harmonics=harmonics, hum_uv=hum_uv)
    return found


def _energy(rest: np.ndarray, n_fitted: int) -> float:
    """Mean square of what a fit leaves of the median sweep, as if nothing had been fitted to noise."""
    return float(median((rest**2).sum(axis=1)) / max(1, rest.shape[1] - n_fitted))


def _significant(design: _Design, emg: np.ndarray, spread: np.ndarray) -> tuple[int, ...]:
    """Harmonics that stand out of the noise beside them, over all sweeps."""
    n_sweeps, n_harmonics = emg.shape[0], design.harmonics.size
    scaled = emg / spread[:, None]
    own = ((scaled @ design.own) ** 2).reshape(n_sweeps, n_harmonics, 2).sum(axis=2)
    beside = ((scaled @ design.beside) ** 2).reshape(n_sweeps, n_harmonics, 4).sum(axis=2) / 2
    ratio_needed = 1.5 + 6 / np.sqrt(n_sweeps)
    found = np.minimum(own, 1e4).mean(axis=0) > ratio_needed * np.minimum(beside, 1e4).mean(axis=0)
    return tuple(int(harmonic) for harmonic in design.harmonics[found])


def _robust_fit(rows: np.ndarray, fitter: np.ndarray, emg: np.ndarray) -> np.ndarray:
    """Huber regression of every sweep on the same rows, shape (n_sweeps, n_rows).

    By pseudo-observations (Huber 1981, section 7.8): the residuals are clipped and fitted again, so that all
    sweeps share one factorisation.
    """
    fit = emg @ fitter
    rest = emg - fit @ rows
    limit = _CLIP * (median(np.abs(rest))[:, None] / 0.6745 + 1e-12)
    for _ in range(_N_REFITS):
        fit += np.minimum(np.maximum(rest, -limit), limit) @ fitter
        rest = emg - fit @ rows
    fitted: np.ndarray = fit
    return fitted
