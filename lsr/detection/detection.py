"""What the sweeps of one muscle in one block show: the nouns that detection returns.

Conventions
-----------
Latencies are milliseconds from the stimulus, amplitudes microvolts. A measure that does not apply is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

# Reasons of what is not told as present, and stands out too much to be absent.
NEARLY_PRESENT = ("borderline", "sharp_phases")


class Presence(StrEnum):
    """The three answers; `ABSENT` is a clinical statement, so doubt is `INDETERMINATE`."""

    PRESENT = "present"
    ABSENT = "absent"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class LateResponse:
    """A response in the late window (afterdischarge, late component), reported apart."""

    presence: Presence
    p_value: float | None
    onset_latency_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MWave:
    """The direct response of a muscle supplied by the stimulated branch."""

    presence: Presence
    amplitude_uv: float | None
    onset_latency_ms: float | None
    peak_latency_ms: float | None
    late_onset_ms: float | None = None  # where none was found: of what the muscle answers after the window
    is_clipped: bool = False  # it reaches the amplifier's limit: the amplitude is a lower bound

    @classmethod
    def absent(cls, *, late_onset_ms: float | None = None) -> MWave:
        """No M wave was found."""
        return cls(
            presence=Presence.ABSENT,
            amplitude_uv=None,
            onset_latency_ms=None,
            peak_latency_ms=None,
            late_onset_ms=late_onset_ms,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFinding:
    """What one sweep shows; `used` False: left out, with the reason."""

    used: bool
    reason: str | None
    present: bool | None
    latency_ms: float | None
    amplitude_uv: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whitened:
    """The average of a block, seen so that noise and everything that is no response are alike at all times.

    In single precision, half of what detection works with: some ten thousand numbers a block.
    """

    time_ms: np.ndarray  # (n_samples,)
    root: np.ndarray  # (n_samples, n_samples) float32: whitens noise and nuisances
    average: np.ndarray  # (n_samples,) float32: whitened
    deviation: float  # of what is left; above 1 where the noise is not well known

    def weigh(self, wave_uv: np.ndarray) -> tuple[float, float]:
        """How much of a known response the average holds, and its standard deviation.

        A response whose waveform is known stands out of noise, tails and crosstalk at half the size of one
        that has to be looked for (a matched filter: Kay 1998, ch. 4).

        Parameters
        ----------
        wave_uv : np.ndarray, shape (n_samples,)

        Returns
        -------
        tuple of float
            In units of the wave; (0, inf) for a wave of zeros.
        """
        white = self.root @ wave_uv
        energy = float(white @ white)
        if energy <= 0:
            return 0.0, np.inf
        return float(white @ self.average) / energy, self.deviation / float(np.sqrt(energy))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What the sweeps of one muscle in one block show."""

    presence: Presence
    reason: str | None  # why indeterminate: a code of docs/method.md, else None
    p_value: float | None
    score: float  # greater: more surely present
    onset_latency_ms: float | None
    onset_latency_ci_ms: tuple[float, float] | None
    peak_latency_ms: float | None
    amplitude_uv: float | None  # peak to peak
    amplitude_ci_uv: tuple[float, float] | None
    baseline_to_peak_uv: float | None
    area_uv_ms: float | None
    duration_ms: float | None
    n_phases: int | None
    morphology: str | None  # monophasic | polyphasic
    persistence: float | None
    persistence_ci: tuple[float, float] | None
    latency_jitter_ms: float | None
    n_stimuli_used: int
    n_stimuli_rejected: int
    rejected: dict[str, int]  # reason: count
    noise_uv: float | None  # standard deviation of one sweep's noise
    detection_limit_uv: float | None  # peak to peak of a response seen with the stated power
    m_wave: MWave | None  # of the direct muscle, where it was given
    late_response: LateResponse | None
    begins_late: bool = False  # not present, but what stands out begins after the search window: a late LSR?
    sweeps: tuple[SweepFinding, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()  # (code, message)
    evidence: tuple[tuple[str, str], ...] = ()  # (step, what it found), in order: why the verdict came out
    time_ms: np.ndarray | None = field(default=None, compare=False, repr=False)
    average_uv: np.ndarray | None = field(default=None, compare=False, repr=False)  # cleaned
    whitened: Whitened | None = field(default=None, compare=False, repr=False)

    def unmeasured(self) -> Detection:
        """The same without the measures of a response: what was measured may be none."""
        nothing: dict[str, Any] = dict.fromkeys(_OF_RESPONSE)
        return replace(self, **nothing)


_OF_RESPONSE = (
    *("onset_latency_ms", "onset_latency_ci_ms", "peak_latency_ms", "amplitude_uv", "amplitude_ci_uv"),
    *("baseline_to_peak_uv", "area_uv_ms", "duration_ms", "n_phases", "morphology"),
    *("persistence", "persistence_ci", "latency_jitter_ms"),
)
