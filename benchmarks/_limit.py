"""How much could be seen by somebody who knows the waveform and the noise?

Conventions
-----------
d' is the length of the mean response after whitening, in standard deviations of the average's noise: what
a matched filter for the true waveform at its true place reaches (Van Trees 1968). Nuisances are left out:
this is a bound, not an aim. The filter measured beside the detectors knows the waveform but not when it
starts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from _cases import Case, draw_noise_alone, draw_response_alone

DETECTABLE = 5.0  # d' from which a response counts as detectable
_ORDER = 16
_SHIFT_MS = 0.05
_WINDOW_MS = (4.0, 35.0)
_ONSETS_MS = (5.5, 14.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a matched filter makes of a case."""

    d_prime: float  # of the true response; 0 where there is none
    score: float  # largest output over all onsets, for one drawing of the noise
    onset_ms: float  # where it was


def matched_filter(case: Case) -> Limit:
    """Run the filter for a case's own mean response over noise of its colour, nuisances left out."""
    response_uv, time_ms, onset_ms = draw_response_alone(case)
    predictor, deviation = _prediction(draw_noise_alone(case))
    keep = (time_ms >= _WINDOW_MS[0]) & (time_ms <= _WINDOW_MS[1])
    onsets_ms = np.arange(_ONSETS_MS[0], _ONSETS_MS[1] + _SHIFT_MS / 2, _SHIFT_MS)
    shifts_ms = np.append(onsets_ms - onset_ms, 0.0)
    moved = np.stack([np.interp(time_ms - shift, time_ms, response_uv) for shift in shifts_ms])
    white = np.stack([np.convolve(row, predictor)[: time_ms.size][keep] for row in moved])
    white *= np.sqrt(case.n_sweeps) / deviation
    lengths = np.linalg.norm(white, axis=1)
    d_prime = float(lengths[-1]) if case.present else 0.0
    noise = np.random.default_rng([case.seed, 1]).standard_normal(white.shape[1])
    data = noise + white[-1] if case.present else noise
    output = white[:-1] @ data / lengths[:-1]
    best = int(np.argmax(output))
    return Limit(d_prime=d_prime, score=float(output[best]), onset_ms=float(onsets_ms[best]))


def _prediction(noise_uv: np.ndarray) -> tuple[np.ndarray, float]:
    """Autoregressive prediction error filter of the noise and the error's deviation (Yule-Walker)."""
    from scipy.linalg import solve_toeplitz

    n = noise_uv.shape[1]
    centred = noise_uv - noise_uv.mean()
    covariance = np.array(
        [np.mean(centred[:, lag:] * centred[:, : n - lag]) * (n - lag) / n for lag in range(_ORDER + 1)]
    )
    covariance[0] *= 1.0 + 1e-4
    weights = solve_toeplitz(covariance[:-1], covariance[1:])
    error = covariance[0] - weights @ covariance[1:]
    return np.concatenate([[1.0], -weights]), float(np.sqrt(error))
