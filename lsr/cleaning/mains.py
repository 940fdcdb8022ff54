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

_N_HARMONICS = 14
_MIN_QUIET_MS = 30.0  # below one and a half periods of 50 Hz a sine cannot be told from drift


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

    slow: np.ndarray
    all_harmonics: tuple[int, ...]
    joint: np.ndarray  # slow and all harmonics
    own: tuple[np.ndarray, ...]  # of each harmonic, what no other column explains
    beside: tuple[np.ndarray, ...]  # sines just below and above each harmonic: the local noise level


@lru_cache(maxsize=32)
def _design(quiet: bytes, zero: int, step_ms: float, frequency_hz: float) -> _Design:
    """Bases for the quiet samples of an axis whose sample `zero` is nearest to the stimulus."""
    time = (np.flatnonzero(np.frombuffer(quiet, bool)) - zero) * step_ms
    rate_hz = 1000 / step_ms
    slow = np.linalg.qr(_slow_columns(time))[0]
    harmonics = tuple(h for h in range(1, _N_HARMONICS + 1) if h * frequency_hz < 0.4 * rate_hz)
    columns = hum_columns(time, frequency_hz, harmonics)
    joint = np.linalg.qr(np.concatenate([slow, columns], axis=1))[0]
    apart_hz = 1400 / np.ptp(time)
    own, beside = [], []
    for k, harmonic in enumerate(harmonics):
        others = np.linalg.qr(np.concatenate([slow, np.delete(columns, [2 * k, 2 * k + 1], axis=1)], axis=1))[
            0
        ]
        mine = columns[:, 2 * k : 2 * k + 2]
        own.append(np.linalg.qr(mine - others @ (others.T @ mine))[0])
        near = [max(harmonic * frequency_hz + shift, 4.0) for shift in (-apart_hz, apart_hz)]
        sines = [hum_columns(time, hz, (1,)) for hz in near]
        beside.append(np.concatenate([np.linalg.qr(s - slow @ (slow.T @ s))[0] for s in sines], axis=1))
    return _Design(slow, harmonics, joint, tuple(own), tuple(beside))


def find_hum(
    emg_uv: np.ndarray, time_ms: np.ndarray, quiet: np.ndarray, *, mains_hz: float | None = None
) -> Hum | None:
    """Fit mains hum, sweep by sweep, to the samples where no response is expected.

    A harmonic counts when its energy, over all sweeps, exceeds that of its spectral neighbours.

    Parameters
    ----------
    emg_uv : np.ndarray, shape (n_sweeps, n_samples)
    time_ms : np.ndarray, shape (n_samples,)
    quiet : np.ndarray of bool, shape (n_samples,)
        Samples to fit.
    mains_hz : float | None
        None: 50 or 60, whichever explains more.

    Returns
    -------
    Hum | None
        None: no hum, or too short a quiet stretch to tell.
    """
    # The axis counts from the sample nearest to the stimulus: hum has any phase, equal axes share a design.
    step_ms = round(float(time_ms[-1] - time_ms[0]) / (time_ms.size - 1), 9)
    if quiet.sum() < 60 or quiet.sum() * step_ms < _MIN_QUIET_MS:
        return None
    zero = round(-float(time_ms[0]) / step_ms)
    axis_ms = (np.arange(time_ms.size) - zero) * step_ms
    emg = emg_uv[:, quiet].T
    candidates = [mains_hz] if mains_hz else [50.0, 60.0]
    designs = [_design(quiet.tobytes(), zero, step_ms, hz) for hz in candidates]
    level = emg - designs[0].slow @ (designs[0].slow.T @ emg)
    spread = np.median(np.abs(level), axis=0) / 0.6745 + 1e-12
    explained = [float(((d.own[0].T @ emg) ** 2 / spread**2).sum()) if d.own else 0.0 for d in designs]
    best = int(np.argmax(explained))
    design, frequency_hz = designs[best], candidates[best]
    harmonics = _significant(design, emg, spread)
    if not harmonics:
        return None
    slow = _slow_columns(axis_ms)
    columns = hum_columns(axis_ms, frequency_hz, harmonics)
    both = np.concatenate([slow, columns], axis=1)
    weights = _robust_fit(both[quiet], emg)[:, slow.shape[1] :]
    return Hum(frequency_hz=frequency_hz, harmonics=harmonics, hum_uv=weights @ columns.T)


def _significant(design: _Design, emg: np.ndarray, spread: np.ndarray) -> tuple[int, ...]:
    """Harmonics that stand out of the noise beside them, over all sweeps."""
    rest = emg - design.joint @ (design.joint.T @ emg)
    ratio_needed = 1.5 + 6 / np.sqrt(emg.shape[1])
    found = []
    for harmonic, own, beside in zip(design.all_harmonics, design.own, design.beside, strict=True):
        energy = np.minimum(((own.T @ emg) ** 2).sum(axis=0) / spread**2, 1e4).mean()
        around = np.minimum(((beside.T @ rest) ** 2).sum(axis=0) / spread**2 / 2, 1e4).mean()
        if energy > ratio_needed * around:
            found.append(harmonic)
    return tuple(found)


def _robust_fit(columns: np.ndarray, emg: np.ndarray) -> np.ndarray:
    """Huber regression of every sweep on the same columns, shape (n_sweeps, n_columns)."""
    fit = np.linalg.lstsq(columns, emg, rcond=None)[0]
    ridge = 1e-9 * np.trace(columns.T @ columns) * np.eye(columns.shape[1])
    for _ in range(2):
        rest = emg - columns @ fit
        spread = np.median(np.abs(rest), axis=0) / 0.6745 + 1e-12
        trust = 1 / np.maximum(1.0, np.abs(rest) / (2.5 * spread))
        weighted = columns.T[None] * trust.T[:, None, :]
        normal = weighted @ columns + ridge
        fit = np.linalg.solve(normal, (weighted @ emg.T[:, :, None]))[..., 0].T
    by_sweep: np.ndarray = fit.T
    return by_sweep
