"""How large, how long and of what shape is the response?

Conventions
-----------
Measures are medians over responses drawn from their posterior, so noise adds nothing to them. EMG in
microvolts, time in milliseconds from the stimulus.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsr.detection.onset import ONSET_SHARE, Draws
from lsr.intervals import CONFIDENCE, DEVIATIONS

_PHASE_SHARE = 0.1  # a deflection this large, relative to peak to peak, is a phase
_N_COUNTED = 25  # draws whose phases are counted
_POLYPHASIC = 5  # more than four phases: the convention for motor unit potentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Size and shape of a response."""

    peak_latency_ms: float
    amplitude_uv: float
    amplitude_ci_uv: tuple[float, float]
    baseline_to_peak_uv: float
    area_uv_ms: float
    duration_ms: float
    n_phases: int
    morphology: str


def measure(draws: Draws) -> Measures:
    """Size and shape of the drawn responses."""
    waves = draws.waves_uv
    height = np.abs(waves)
    peak = height.argmax(axis=1)
    peak_to_peak = np.ptp(waves, axis=1)
    above = height > ONSET_SHARE * height.max(axis=1, keepdims=True)
    last = waves.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1)
    tails = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
    phases = int(np.median([count_phases(wave) for wave in waves[:: max(1, len(waves) // _N_COUNTED)]]))
    low, high = np.quantile(peak_to_peak, tails)
    return Measures(
        peak_latency_ms=float(np.median(draws.start_ms + peak * draws.step_ms)),
        amplitude_uv=float(np.median(peak_to_peak)),
        amplitude_ci_uv=(float(low), float(high)),
        baseline_to_peak_uv=float(np.median(height.max(axis=1))),
        area_uv_ms=float(np.median(height.sum(axis=1) * draws.step_ms)),
        duration_ms=float(np.median(draws.start_ms + last * draws.step_ms)) - draws.onset(),
        n_phases=phases,
        morphology="polyphasic" if phases >= _POLYPHASIC else "monophasic",
    )


def widen_interval(size: Measures, relative_sizes: np.ndarray) -> tuple[float, float]:
    """Interval of the amplitude that also holds how much the sweeps differ in size.

    Parameters
    ----------
    size : Measures
        Its interval holds the noise alone.
    relative_sizes : np.ndarray, shape (n_sweeps,)
        Size of every sweep's response, of the mean response.
    """
    low, high = size.amplitude_ci_uv
    if relative_sizes.size < 2:
        return low, high
    share = float(relative_sizes.std(ddof=1)) / np.sqrt(relative_sizes.size)
    varies = DEVIATIONS * share * size.amplitude_uv
    below, above = np.hypot(size.amplitude_uv - low, varies), np.hypot(high - size.amplitude_uv, varies)
    return max(0.0, size.amplitude_uv - float(below)), size.amplitude_uv + float(above)


def count_phases(wave_uv: np.ndarray) -> int:
    """Deflections to alternating sides, each at least a tenth of peak to peak.

    Examples
    --------
    >>> count_phases(np.sin(np.linspace(0, 2 * np.pi, 100)))
    2
    """
    large = np.abs(wave_uv) >= _PHASE_SHARE * np.ptp(wave_uv)
    sides = np.sign(wave_uv[large])
    return int(1 + np.count_nonzero(np.diff(sides))) if sides.size else 0
