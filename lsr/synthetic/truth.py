"""Truth: what is true in something drawn?

Conventions
-----------
Latencies are milliseconds from the stimulus and mark where a noise-free response starts (5 % of its peak);
amplitudes are peak to peak, in microvolts; times are seconds since the recording's start. None: there is
nothing of that kind. As JSON, objects keep the order of their fields and numbers are rounded, so that equal
drawings give equal bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

GENERATOR_VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepTruth:
    """What is true in one sweep."""

    present: bool
    latency_ms: float | None
    amplitude_uv: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepsTruth:
    """What is true in the sweeps of one muscle."""

    present: bool
    onset_ms: float | None  # of the mean response over the answered sweeps
    amplitude_uv: float | None  # of that mean
    persistence: float  # share of sweeps that were answered
    morphology: str | None
    sweeps: tuple[SweepTruth, ...]
    m_wave_onset_ms: float | None  # in the direct muscle
    m_wave_uv: float
    noise_uv: float
    snr: float
    nuisances: tuple[str, ...]
    family: str
    kinds: dict[str, str]  # of units, tail, crosstalk and noise
    seed: int
