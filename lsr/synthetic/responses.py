"""Muscle responses: what does a muscle answer when its nerve, or another branch, is stimulated?

Conventions
-----------
A response is a sum of motor unit potentials on the fine grid of `waveforms.py`, already through the
amplifier. Its nominal sum has a peak-to-peak amplitude of 1 and starts (5 % of its peak) at the latency
asked for; each sweep weighs and delays the units anew. M wave: 2.5-5 ms, all units nearly every time. LSR:
6.5-13.5 ms, jitter, variable amplitude, persistence below 1. Late afterdischarge: 25-60 ms, loose in time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsr.synthetic.amplifier import Amplifier
from lsr.synthetic.waveforms import FINE_STEP_MS, fine_time_ms, start_ms, weighted_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response as the sum of its motor units."""

    units: np.ndarray  # (n_units, n_fine); their sum has a peak-to-peak amplitude of 1
    latency_ms: float
    morphology: str  # monophasic | polyphasic


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What the units of a response do in each sweep."""

    weights: np.ndarray  # (n_sweeps, n_units); all zero where the muscle does not answer
    delays_ms: np.ndarray  # (n_sweeps, n_units), or one for all units; about the nominal latency
    answered: np.ndarray  # (n_sweeps,) bool


def unit_potentials(
    shape: str, delays_ms: np.ndarray, widths_ms: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Motor unit potentials of one `shape`, each with a peak of 1, shape (n_units, n_fine).

    gaussian: first or second derivative of a Gaussian. gamma: a steep start and a slower return, then
    an opposite phase. damped: an oscillation that dies out. skewed: two lobes of unequal speed and size.
    """
    since_ms = fine_time_ms()[None, :] - delays_ms[:, None]
    width = widths_ms[:, None]
    n_units = delays_ms.size
    if shape == "gaussian":
        sigma = width / 3.0
        z = (since_ms - 2.6 * sigma) / sigma
        order_two = rng.random(n_units)[:, None] < 0.5
        waves = np.where(order_two, (1 - z**2), z) * np.exp(-(z**2) / 2)
    elif shape == "gamma":
        z = np.maximum(since_ms, 0.0) / (width / 6.0)
        turn = rng.uniform(2.0, 4.0, n_units)[:, None]
        waves = z**1.5 * np.exp(-z) * (1.0 - z / turn)
    elif shape == "damped":
        z = np.maximum(since_ms, 0.0) / width
        cycles = rng.uniform(0.8, 1.8, n_units)[:, None]
        waves = np.sin(2 * np.pi * cycles * z) * np.exp(-2.0 * z) * (1.0 - np.exp(-((6.0 * z) ** 2)))
    elif shape == "skewed":
        z = np.maximum(since_ms, 0.0) / (width / 4.0)
        slow = rng.uniform(1.5, 3.0, n_units)[:, None]
        share = rng.uniform(0.2, 0.7, n_units)[:, None]
        waves = z * np.exp(1 - z) - share * (z / slow) ** 2 * np.exp(2.0 * (1 - z / slow))
        waves *= np.where(rng.random(n_units) < 0.2, -1.0, 1.0)[:, None]
    else:
        raise ValueError(f"unknown unit shape {shape!r}")
    return np.asarray(waves / np.abs(waves).max(axis=1, keepdims=True))


def draw_response(
    rng: np.random.Generator,
    *,
    latency_ms: float,
    shape: str,
    amplifier: Amplifier,
    n_units: int,
    spread_ms: float,
    width_ms: float,
    morphology: str = "polyphasic",
) -> Response:
    """Draw a response whose nominal sum starts at `latency_ms` after the amplifier.

    Parameters
    ----------
    spread_ms : float
        Time over which the units' potentials start.
    width_ms : float
        Typical duration of one unit's potential.
    """
    delays_ms = np.sort(rng.uniform(0.0, spread_ms, n_units))
    delays_ms -= delays_ms[0]
    widths_ms = width_ms * rng.uniform(0.6, 1.5, n_units)
    sizes = rng.lognormal(0.0, 0.5, n_units)
    if morphology == "polyphasic":
        sizes *= np.where(rng.random(n_units) < 0.3, -1.0, 1.0)
    units = sizes[:, None] * unit_potentials(shape, 1.0 + delays_ms, widths_ms, rng)
    units = amplifier.filter(units)
    nominal = units.sum(axis=0)
    found = start_ms(nominal, fine_time_ms())
    assert found is not None  # a sum of potentials is never flat
    shift = round((latency_ms - found) / FINE_STEP_MS)
    units = _shifted(units, shift) / np.ptp(nominal)
    return Response(units=units, latency_ms=latency_ms, morphology=morphology)


def _shifted(waves: np.ndarray, n_fine: int) -> np.ndarray:
    """Waveforms moved right by `n_fine` points (left when negative), zeros moving in."""
    moved = np.zeros_like(waves)
    if n_fine >= 0:
        moved[:, n_fine:] = waves[:, : waves.shape[1] - n_fine]
    else:
        moved[:, :n_fine] = waves[:, -n_fine:]
    return moved


def draw_m_wave(rng: np.random.Generator, *, latency_ms: float, shape: str, amplifier: Amplifier) -> Response:
    """Draw a direct response: many units close together, 4-9 ms long in all."""
    return draw_response(
        rng,
        latency_ms=latency_ms,
        shape=shape,
        amplifier=amplifier,
        n_units=12,
        spread_ms=float(rng.uniform(1.0, 2.5)),
        width_ms=float(rng.uniform(2.0, 4.5)),
        morphology="monophasic",
    )


def draw_lateral_spread(
    rng: np.random.Generator, *, latency_ms: float, shape: str, amplifier: Amplifier, morphology: str
) -> Response:
    """Draw an LSR: few units together (monophasic) or several spread over milliseconds (polyphasic)."""
    polyphasic = morphology == "polyphasic"
    return draw_response(
        rng,
        latency_ms=latency_ms,
        shape=shape,
        amplifier=amplifier,
        n_units=int(rng.integers(6, 13)) if polyphasic else int(rng.integers(3, 6)),
        spread_ms=float(rng.uniform(2.0, 7.0)) if polyphasic else float(rng.uniform(0.1, 0.6)),
        width_ms=float(rng.uniform(1.0, 2.5)) if polyphasic else float(rng.uniform(1.8, 4.0)),
        morphology=morphology,
    )


def draw_late_response(
    rng: np.random.Generator, *, latency_ms: float, shape: str, amplifier: Amplifier
) -> Response:
    """Draw an afterdischarge: units strewn over 8-20 ms."""
    return draw_response(
        rng,
        latency_ms=latency_ms,
        shape=shape,
        amplifier=amplifier,
        n_units=int(rng.integers(5, 12)),
        spread_ms=float(rng.uniform(8.0, 20.0)),
        width_ms=float(rng.uniform(1.5, 3.0)),
    )


def draw_firing(
    rng: np.random.Generator,
    response: Response,
    n_sweeps: int,
    *,
    persistence: float = 1.0,
    jitter_ms: float = 0.0,
    amplitude_cv: float = 0.3,
    unit_dropout: float = 0.15,
    may_all_fail: bool = False,
    units_jitter: bool = True,
) -> Firing:
    """Draw what the units do in each of `n_sweeps` sweeps.

    The latency's mean over the answered sweeps is the nominal one.

    Parameters
    ----------
    persistence : float
        Probability that the muscle answers a stimulus at all.
    jitter_ms : float
        Standard deviation of the latency over sweeps; single units add a third of it.
    amplitude_cv : float
        Spread of the response's size over sweeps (log-normal).
    unit_dropout : float
        Probability that one unit stays silent in a sweep that is answered.
    may_all_fail : bool
        Whether it may happen that no sweep is answered; else one is.
    units_jitter : bool
        Whether single units add to the jitter; an M wave's fire as one.
    """
    n_units = response.units.shape[0]
    answered = rng.random(n_sweeps) < persistence
    lucky = int(rng.integers(n_sweeps)) if n_sweeps else 0
    size = rng.lognormal(-(amplitude_cv**2) / 2, amplitude_cv, (n_sweeps, 1))
    fires = rng.random((n_sweeps, n_units)) >= unit_dropout
    common_ms = rng.normal(0.0, jitter_ms, (n_sweeps, 1))
    own_ms = (
        rng.normal(0.0, jitter_ms / 3.0, (n_sweeps, n_units)) if units_jitter else np.zeros((n_sweeps, 1))
    )
    if n_sweeps and not may_all_fail and not answered.any():
        answered[lucky] = True
    strongest = int(np.argmax(np.abs(response.units).max(axis=1)))
    fires[:, strongest] = True  # an answer in which no unit fires would be none
    delays_ms = common_ms + own_ms - common_ms[answered].mean() if answered.any() else common_ms + own_ms
    return Firing(weights=size * fires * answered[:, None], delays_ms=delays_ms, answered=answered)


def render_response(
    response: Response, firing: Firing, time_ms: np.ndarray, offsets_ms: np.ndarray
) -> np.ndarray:
    """Sweeps of a response of nominal peak-to-peak amplitude 1, shape (n_sweeps, n_samples).

    Parameters
    ----------
    offsets_ms : np.ndarray, shape (n_sweeps,)
        When each stimulus came on the sweeps' own time axis: 0, or less than a sample beside it.
    """
    return weighted_sum(response.units, firing.weights, firing.delays_ms + offsets_ms[:, None], time_ms)


def exact_sweeps(response: Response, firing: Firing) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free sweeps of a response on a grid of 50 kHz from its stimulus, and that grid (ms)."""
    exact_ms = np.arange(0.0, response.latency_ms + 45.0, 0.02)
    return render_response(response, firing, exact_ms, np.zeros(firing.answered.size)), exact_ms
