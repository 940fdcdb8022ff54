"""Nuisances: what is in a sweep besides the response?

Conventions
-----------
Each function draws one nuisance by itself. Those tied to the stimulus (artifact, crosstalk) are waveforms
on the fine grid of `waveforms.py`, before the amplifier, with a weight per sweep. Those that run on by
themselves (noise, hum, ECG, drift, spasm bursts) are read at times in seconds on the recording's clock,
and their size is stated: noise has a standard deviation of 1, the others a peak or root mean square of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsr.synthetic.amplifier import Amplifier
from lsr.synthetic.responses import unit_potentials
from lsr.synthetic.waveforms import FINE_STEP_MS, fine_time_ms, start_ms

PULSE_WIDTH_MS = 0.2
# Harmonics of the mains and how large they may be. Recorded hum has the higher ones too: they are small, but
# so is the noise where they lie.
LOW_HARMONICS = ((1, 1.0), (2, 0.2), (3, 0.4), (5, 0.2), (7, 0.1))
ALL_HARMONICS = (*LOW_HARMONICS, (9, 0.03), (11, 0.03), (13, 0.02), (17, 0.005), (19, 0.005), (23, 0.005))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evoked:
    """Something locked to the stimulus that is no response: waveforms and their weight in each sweep."""

    waves: np.ndarray  # (n_waves, n_fine)
    weights: np.ndarray  # (n_sweeps, n_waves)


# --- stimulus artifact ------------------------------------------------------------------------------


def spike_wave(pulse_width_ms: float = PULSE_WIDTH_MS) -> np.ndarray:
    """Biphasic spike of the pulse itself, peak 1, shape (n_fine,)."""
    time_ms = fine_time_ms()
    there = np.exp(-(((time_ms - pulse_width_ms / 2) / (pulse_width_ms / 3)) ** 2))
    back = np.exp(-(((time_ms - 1.6 * pulse_width_ms) / (pulse_width_ms / 2)) ** 2))
    return np.asarray(there - 0.55 * back)


def tail_waves(rng: np.random.Generator, kind: str) -> np.ndarray:
    """Two waveforms whose mean is the nominal tail, 1 at 2 ms, and whose mixture varies its shape.

    exponential: one to three time constants of 0.3-10 ms. stretched: exp(-(t/tau)^beta). power: a power
    law. recovery: an amplifier that swings back through zero.
    """
    time_ms = fine_time_ms()

    def tail(pace: float) -> np.ndarray:
        return _tail(time_ms * pace, kind, draws)

    draws = rng.random((3, 3))
    waves = np.stack([tail(0.85), tail(1.15)]) * (1.0 - np.exp(-((time_ms / PULSE_WIDTH_MS) ** 2)))
    middle = waves.mean(axis=0)
    # A tail that happens to cross zero at 2 ms is measured by the largest value that follows.
    late = np.abs(middle[round(2.0 / FINE_STEP_MS) :]).max()
    return np.asarray(waves / late)


def _tail(time_ms: np.ndarray, kind: str, draws: np.ndarray) -> np.ndarray:
    """One tail from uniform numbers `draws`, shape (3, 3)."""
    if kind == "exponential":
        n_parts = 1 + int(3 * draws[0, 0])
        taus_ms = 0.3 * (10.0 / 0.3) ** draws[1, :n_parts]
        taus_ms[0] = max(taus_ms[0], 1.0)  # else there is no tail to speak of
        sizes = np.where(draws[2, :n_parts] < 0.3, -1.0, 1.0) * (0.3 + draws[0, 1])
        return np.asarray((sizes[:, None] * np.exp(-time_ms / taus_ms[:, None])).sum(axis=0))
    if kind == "stretched":
        beta, tau_ms = 0.4 + 0.45 * draws[0, 0], 0.4 + 2.6 * draws[0, 1]
        return np.asarray(np.exp(-((time_ms / tau_ms) ** beta)))
    if kind == "power":
        start, power = 0.3 + 1.5 * draws[0, 0], 0.8 + 1.4 * draws[0, 1]
        return np.asarray((1.0 + time_ms / start) ** -power)
    if kind == "recovery":
        tau_ms, hz = 2.5 + 7.5 * draws[0, 0], 15.0 + 65.0 * draws[0, 1]
        turn = 0.5 * np.pi * (draws[0, 2] - 0.5)
        return np.asarray(np.exp(-time_ms / tau_ms) * np.cos(2e-3 * np.pi * hz * time_ms + turn))
    raise ValueError(f"unknown tail {kind!r}")


def draw_artifact(
    rng: np.random.Generator,
    n_sweeps: int,
    *,
    spike_uv: float,
    tail_uv: float = 0.0,
    tail: str = "exponential",
    variation: float = 0.05,
    alternating: bool = False,
) -> Evoked:
    """Draw a stimulus artifact: a biphasic spike, and a tail of `tail_uv` at 2 ms.

    Parameters
    ----------
    variation : float
        Relative standard deviation of size, and of the tail's shape, from sweep to sweep.
    alternating : bool
        Whether the stimulator changes polarity from one stimulus to the next.
    """
    polarity = rng.choice([-1.0, 1.0])
    waves = np.vstack([spike_wave()[None, :], tail_waves(rng, tail)])
    size = 1.0 + variation * rng.standard_normal((n_sweeps, 1))
    mix = 0.5 + 0.5 * variation * rng.standard_normal((n_sweeps, 1)) * np.array([[1.0, -1.0]])
    weights = np.hstack([np.full((n_sweeps, 1), spike_uv), tail_uv * mix]) * size * polarity
    if alternating:
        weights = weights * np.where(np.arange(n_sweeps) % 2, -1.0, 1.0)[:, None]
    return Evoked(waves=waves, weights=weights)


# --- volume conduction ------------------------------------------------------------------------------


def draw_crosstalk(rng: np.random.Generator, units: np.ndarray, weights: np.ndarray, kind: str) -> Evoked:
    """Draw what a neighbouring muscle picks up of an M wave; nominal peak-to-peak amplitude 1.

    Parameters
    ----------
    units, weights : np.ndarray, shape (n_units, n_fine), (n_sweeps, n_units)
        The M wave's motor units and what they do in each sweep.
    kind : str
        lowpassed, differentiated: linear copies. stretched: dispersed in time. reweighted: each unit at
        its own distance. compressed: grows less than the M wave does. The last three are no filtered
        copies of the M wave as the direct muscle shows it.
    """
    if kind == "lowpassed":
        copies = _smoothed(units, float(rng.uniform(0.1, 0.5)))
    elif kind == "differentiated":
        slope = np.gradient(units, FINE_STEP_MS, axis=1)
        copies = _smoothed(rng.uniform(-0.5, 0.5) * units + rng.uniform(0.3, 1.0) * slope, 0.1)
        copies = _delayed(copies, float(rng.uniform(0.1, 0.8)))
    elif kind == "stretched":
        copies = _dispersed(units, float(rng.uniform(1.1, 1.5)))
    elif kind == "reweighted":
        near = rng.lognormal(0.0, 0.8, units.shape[0]) * np.where(rng.random(units.shape[0]) < 0.2, -1, 1)
        copies = _smoothed(units * near[:, None], float(rng.uniform(0.05, 0.3)))
    elif kind == "compressed":
        total = units.sum(axis=0, keepdims=True)
        limit = rng.uniform(0.2, 0.6) * np.abs(total).max()
        copies = _smoothed(np.tanh(total / limit), float(rng.uniform(0.05, 0.3)))
        weights = weights.mean(axis=1, keepdims=True) ** 0.7
    else:
        raise ValueError(f"unknown crosstalk {kind!r}")
    return Evoked(waves=copies / np.ptp(copies.sum(axis=0)), weights=weights)


def _smoothed(waves: np.ndarray, tau_ms: float) -> np.ndarray:
    """Waveforms after a single-pole low-pass of time constant `tau_ms`, as through tissue."""
    from scipy.signal import lfilter

    keep = float(np.exp(-FINE_STEP_MS / tau_ms))
    return np.asarray(lfilter([1.0 - keep], [1.0, -keep], waves, axis=-1))


def _delayed(waves: np.ndarray, delay_ms: float) -> np.ndarray:
    n_fine = round(delay_ms / FINE_STEP_MS)
    delayed = np.zeros_like(waves)
    delayed[:, n_fine:] = waves[:, : waves.shape[1] - n_fine]
    return delayed


def _dispersed(waves: np.ndarray, factor: float) -> np.ndarray:
    """Waveforms drawn out in time by `factor` about the start of their sum."""
    time_ms = fine_time_ms()
    start = start_ms(waves.sum(axis=0), time_ms) or 0.0
    source_ms = start + (time_ms - start) / factor
    return np.stack([np.interp(source_ms, time_ms, wave) for wave in waves])


# --- noise ------------------------------------------------------------------------------------------


def draw_noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    rate_hz: float,
    *,
    kind: str,
    amplifier: Amplifier,
    background: float = 0.6,
) -> np.ndarray:
    """Draw background EMG and amplifier noise of standard deviation 1, after the amplifier's filters.

    Parameters
    ----------
    shape : tuple[int, int]
        (n_rows, n_samples); rows are independent of each other.
    kind : str
        Of the background EMG. gaussian: coloured. laplace: coloured, heavy tails. modulated: its level
        comes and goes. shot: single motor unit potentials at random times.
    background : float
        Share of the variance that is background EMG; the rest is the amplifier's own noise.
    """
    from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

    n_rows, n_samples = shape
    n_drawn = next_fast_len(n_samples + round(0.03 * rate_hz), real=True)
    frequency_hz = rfftfreq(n_drawn, 1.0 / rate_hz)
    gain = amplifier.gain(frequency_hz)
    emg = _background(rng, (n_rows, n_drawn), rate_hz, kind, frequency_hz) * gain
    own = rfft(rng.standard_normal((n_rows, n_drawn))) * gain * np.sqrt(1.0 + 20.0 / (frequency_hz + 1.0))
    parts = []
    for spectrum, share in ((emg, background), (own, 1.0 - background)):
        rows = irfft(spectrum, n_drawn)[:, :n_samples]
        parts.append(np.sqrt(share) * rows / max(float(rows.std()), 1e-12))
    noise = parts[0] + parts[1]
    return np.asarray(noise / noise.std())


def _background(
    rng: np.random.Generator, shape: tuple[int, int], rate_hz: float, kind: str, frequency_hz: np.ndarray
) -> np.ndarray:
    """Spectrum of background EMG before the amplifier, shape (n_rows, n_frequencies)."""
    from scipy.fft import rfft

    low, high = rng.uniform(30.0, 80.0), rng.uniform(150.0, 500.0)
    colour = frequency_hz / np.sqrt((frequency_hz**2 + low**2) * (1.0 + (frequency_hz / high) ** 4))
    if kind == "gaussian":
        return np.asarray(rfft(rng.standard_normal(shape)) * colour)
    if kind == "laplace":
        return np.asarray(rfft(rng.laplace(size=shape)) * colour)
    if kind == "modulated":
        time_s = np.arange(shape[1]) / rate_hz
        phase = rng.uniform(0, 2 * np.pi, (shape[0], 1))
        swell = rng.uniform(1.0, 6.0) * 2 * np.pi * time_s[None, :] + phase
        level = np.exp(rng.normal(0.0, 0.3, (shape[0], 1)) + 0.6 * np.sin(swell))
        return np.asarray(rfft(level * _in_time(rng.standard_normal(shape), colour)))
    if kind == "shot":
        return _shot_spectrum(rng, shape, rate_hz)
    raise ValueError(f"unknown noise {kind!r}")


def _in_time(rows: np.ndarray, colour: np.ndarray) -> np.ndarray:
    from scipy.fft import irfft, rfft

    return np.asarray(irfft(rfft(rows) * colour, rows.shape[1]))


def _shot_spectrum(rng: np.random.Generator, shape: tuple[int, int], rate_hz: float) -> np.ndarray:
    """Spectrum of a few motor units that fire at random times."""
    from scipy.fft import rfft

    n_units = 4
    grid_ms = np.arange(shape[1]) * 1000.0 / rate_hz
    units = unit_potentials("skewed", np.full(n_units, 0.5), rng.uniform(2.0, 8.0, n_units), rng)
    spectrum = np.zeros((shape[0], shape[1] // 2 + 1), dtype=complex)
    for unit in units:
        fires = rng.random(shape) < rng.uniform(20.0, 120.0) / rate_hz
        size = rng.lognormal(0.0, 0.7)
        sampled = np.interp(grid_ms, fine_time_ms(), unit, right=0.0)
        spectrum += rfft(size * fires) * rfft(sampled)
    return spectrum


# --- what runs on by itself -------------------------------------------------------------------------


def draw_hum(
    rng: np.random.Generator,
    time_s: np.ndarray,
    *,
    mains_hz: float,
    harmonics: Sequence[tuple[int, float]] = LOW_HARMONICS,
) -> np.ndarray:
    """Draw mains hum with harmonics, root mean square 1, at `time_s` (any shape)."""
    hum = np.zeros_like(time_s)
    for harmonic, share in harmonics:
        size = share if harmonic == 1 else share * rng.random()
        hum += size * np.sin(2 * np.pi * mains_hz * harmonic * time_s + rng.uniform(0, 2 * np.pi))
    return np.asarray(hum / np.sqrt(np.mean(hum**2)))


def draw_ecg(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    """Draw an ECG as electrodes on a face see it, R wave 1, at `time_s` (any shape, seconds)."""
    first, last = float(time_s.min()) - 1.0, float(time_s.max()) + 1.0
    interval_s = rng.uniform(0.7, 1.1)
    n_beats = int((last - first) / interval_s) + 2
    beats_s = first + rng.uniform(0, interval_s) + np.cumsum(interval_s * rng.normal(1.0, 0.03, n_beats))
    near = np.clip(np.searchsorted(beats_s, time_s.ravel()), 1, n_beats - 1)
    ecg = np.zeros(time_s.size)
    for beat in (near - 1, near):
        since_s = time_s.ravel() - beats_s[beat]
        for size, centre_s, width_s in (
            (1.0, 0.0, 0.008),
            (-0.2, -0.02, 0.007),
            (-0.3, 0.022, 0.009),
            (0.15, 0.25, 0.05),
        ):
            ecg += size * np.exp(-(((since_s - centre_s) / width_s) ** 2))
    return np.asarray(ecg.reshape(time_s.shape))


def draw_drift(rng: np.random.Generator, time_s: np.ndarray) -> np.ndarray:
    """Draw a wandering baseline (0.1-4 Hz), root mean square 1, at `time_s` (any shape, seconds)."""
    drift = np.zeros_like(time_s)
    for hz in rng.uniform(0.1, 4.0, 6):
        drift += rng.standard_normal() * np.sin(2 * np.pi * hz * time_s + rng.uniform(0, 2 * np.pi)) / hz
    return np.asarray(drift / np.sqrt(np.mean(drift**2)))


def draw_burst_times(rng: np.random.Generator, start_s: float, stop_s: float, n_bursts: int) -> np.ndarray:
    """Draw when spasm bursts start and how long they last (15-250 ms), shape (n_bursts, 2), seconds."""
    starts_s = np.sort(rng.uniform(start_s, stop_s, n_bursts))
    return np.column_stack([starts_s, rng.uniform(0.015, 0.25, n_bursts)])


def burst_envelope(bursts_s: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Level of spasm bursts at `time_s` (any shape): 1 within a burst, with edges of 3 ms."""
    level = np.zeros_like(time_s)
    for start_s, duration_s in bursts_s:
        rise = (time_s - start_s) / 0.003
        fall = (start_s + duration_s - time_s) / 0.003
        level = np.maximum(level, np.clip(np.minimum(rise, fall), 0.0, 1.0))
    return level
