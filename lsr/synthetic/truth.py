"""Truth: what is true in something drawn?

Conventions
-----------
Latencies are milliseconds from the stimulus and mark where a noise-free response starts (5 % of its peak);
amplitudes are peak to peak, in microvolts; times are seconds since the recording's start. None: there is
nothing of that kind. As JSON, objects keep the order of their fields and numbers are rounded, so that equal
drawings give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lsr.synthetic.waveforms import start_ms
from lsr.whole_files import written_whole

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


def sweep_truths(exact_uv: np.ndarray, exact_ms: np.ndarray, answered: np.ndarray) -> tuple[SweepTruth, ...]:
    """Truth of each noise-free sweep: answered or not, its own latency and amplitude."""
    return tuple(
        SweepTruth(present=True, latency_ms=start_ms(row_uv, exact_ms), amplitude_uv=float(np.ptp(row_uv)))
        if answers
        else SweepTruth(present=False, latency_ms=None, amplitude_uv=None)
        for row_uv, answers in zip(exact_uv, answered, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTruth:
    """What is true of one pair in the stimuli judged together: up to 20 of one stage."""

    stage: str | None
    start_s: float  # of its first stimulus
    end_s: float  # of its last stimulus
    n_stimuli: int
    present: bool
    onset_latency_ms: float | None
    amplitude_uv: float | None  # of the mean over answered stimuli
    persistence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTruth:
    """What is true of one stimulated branch and one channel; a direct muscle has an M wave and no LSR."""

    stimulation: str  # StimulationTruth.id
    side: str
    branch: str
    muscle: str
    channel: str  # label
    relation: str  # target | ambiguous | direct | unmapped
    present: bool  # an LSR in any block
    onset_latency_ms: float | None
    amplitude_uv: float | None
    persistence: float | None  # over all stimuli
    morphology: str | None
    stimulus_threshold_ma: float | None  # lowest that evoked it; None where intensities do not vary
    late_onset_latency_ms: float | None  # of an afterdischarge
    m_wave_onset_latency_ms: float | None  # direct muscles
    m_wave_amplitude_uv: float | None
    crosstalk_uv: float | None  # peak to peak of the M wave's copy in this channel
    course: str | None  # operations
    amplitude_change_percent: float | None  # last block against first
    disappeared_at: Mapping[str, Any] | None  # {time_s, stage} of the first block without it
    blocks: tuple[BlockTruth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulationTruth:
    """Every stimulus given to one branch, marked in the file or not."""

    id: str
    side: str
    branch: str
    text: str | None  # of the first annotation
    times_s: tuple[float, ...]
    intensity_ma: tuple[float, ...] | None
    missed_markers: tuple[int, ...]  # which of the stimuli have no marker
    spurious_markers_s: tuple[float, ...]  # markers without a stimulus


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingTruth:
    """What is true in a recording."""

    name: str
    scenario: str
    description: str
    format: str  # EDF | EDF+C | EDF+D
    stimuli_marked_by: str  # annotation | trigger_channel | record | none
    rate_hz: float
    stimulation: tuple[StimulationTruth, ...]
    stages: tuple[Mapping[str, Any], ...]  # {time_s, text, stage}
    pairs: tuple[PairTruth, ...]
    residual_lsr: bool | None
    nuisances: tuple[str, ...]
    noise_uv: Mapping[str, float]  # channel: standard deviation
    family: str
    seed: int
    generator_version: str = field(default=GENERATOR_VERSION)

    def to_json(self) -> str:
        """Text of the truth file."""
        return json.dumps(_rounded(asdict(self)), indent=1, ensure_ascii=False) + "\n"

    def write(self, path: Path) -> None:
        """Write the truth file."""
        with written_whole(path) as partial:
            partial.write_text(self.to_json(), encoding="utf-8", newline="\n")


def _rounded(value: Any) -> Any:
    """The same tree with numbers at a precision that no drawing exceeds."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value
