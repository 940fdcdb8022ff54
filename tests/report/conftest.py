"""Findings made by hand, so that what a report says of them is known."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.detection.detection import Detection, LateResponse, MWave, Presence, SweepFinding
from lsr.findings.findings import BlockFinding, Course, Disappearance, Findings, PairFinding, PairSweep
from lsr.recording import Problem, Recording
from lsr.settings import Settings
from lsr.stimuli import BranchSource, Stimulus, StimulusSet, StimulusSource

M_WAVE = MWave(
    presence=Presence.PRESENT,
    amplitude_uv=1234.5678,
    onset_latency_ms=3.456,
    peak_latency_ms=4.5,
)

PRESENT = Detection(
    presence=Presence.PRESENT,
    reason=None,
    p_value=0.000123456,
    score=12.3456789,
    onset_latency_ms=9.80123,
    onset_latency_ci_ms=(9.5, 10.1),
    peak_latency_ms=11.2,
    amplitude_uv=230.1234,
    amplitude_ci_uv=(200.0, 260.0),
    baseline_to_peak_uv=120.0,
    area_uv_ms=400.0,
    duration_ms=6.0,
    n_phases=3,
    morphology="monophasic",
    persistence=0.96,
    persistence_ci=(0.9, 0.99),
    latency_jitter_ms=0.2,
    n_stimuli_used=40,
    n_stimuli_rejected=2,
    rejected={"burst": 2},
    noise_uv=5.0,
    detection_limit_uv=14.0,
    m_wave=M_WAVE,
    late_response=LateResponse(presence=Presence.ABSENT, p_value=0.5, onset_latency_ms=None),
    warnings=(("few_sweeps", "Few sweeps."),),
    evidence=(("presence", "the answer stands out of the null"),),
)

_NO_RESPONSE = {
    "onset_latency_ms": None,
    "onset_latency_ci_ms": None,
    "peak_latency_ms": None,
    "amplitude_uv": None,
    "amplitude_ci_uv": None,
    "baseline_to_peak_uv": None,
    "area_uv_ms": None,
    "duration_ms": None,
    "n_phases": None,
    "morphology": None,
    "persistence": None,
    "persistence_ci": None,
    "latency_jitter_ms": None,
}
ABSENT = replace(PRESENT, presence=Presence.ABSENT, p_value=0.4, score=0.1, **_NO_RESPONSE)
INDETERMINATE = replace(ABSENT, presence=Presence.INDETERMINATE, reason="too_noisy", noise_uv=float("nan"))

PAIR = PairFinding(
    stimulation="S1",
    branch=Branch.ZYGOMATIC,
    muscle=Muscle.MENTALIS,
    side=Side.RIGHT,
    channel="R Ment",
    relation=Relation.TARGET,
    detection=PRESENT,
    m_wave=M_WAVE,
    stimulus_threshold_ma=None,
    p_value_adjusted=0.0003,
    blocks=(),
    course=None,
    amplitude_change_percent=None,
    disappeared_at=None,
    sweeps=(
        PairSweep(
            stimulus=2,
            time_s=1.5,
            stage="baseline",
            finding=SweepFinding(used=True, reason=None, present=True, latency_ms=9.8, amplitude_uv=200.0),
        ),
    ),
)

STIMULI = StimulusSet(
    id="S1",
    side=Side.RIGHT,
    branch=Branch.ZYGOMATIC,
    branch_source=BranchSource.ANNOTATION,
    source=StimulusSource.ANNOTATION,
    precision_ms=0.05,
    text="Stim R Zyg",
    stimuli=tuple(Stimulus(time_s=1.0 + k / 3, intensity_ma=12.0 + k) for k in range(3)),
    n_left_out={"no_artifact": 1},
)


@pytest.fixture
def recording():
    with Recording.from_arrays(
        [np.zeros(5000)] * 2,
        rates_hz=1000,
        labels=["R Ment", "R O.Oculi"],
        name="case.edf",
        format="EDF+C",
        start=datetime(2024, 5, 6, 7, 8, 9),
        problems=[Problem(code="odd_header", message="The header is odd.")],
    ) as made:
        yield made


@pytest.fixture
def settings():
    return Settings()


@pytest.fixture
def pair():
    return PAIR


@pytest.fixture
def direct_pair():
    return replace(
        PAIR, muscle=Muscle.ORBICULARIS_OCULI, channel="R O.Oculi", relation=Relation.DIRECT, m_wave=M_WAVE
    )


@pytest.fixture
def absent_pair():
    return replace(PAIR, detection=ABSENT)


@pytest.fixture
def indeterminate_pair():
    return replace(PAIR, detection=INDETERMINATE)


@pytest.fixture
def operation_pair():
    """An LSR that vanishes at 00:31:20."""
    stages = [("baseline", PRESENT)] * 3 + [("decompression", PRESENT)] + [("decompression", ABSENT)] * 2
    blocks = tuple(
        BlockFinding(
            start_s=1580 + 60.0 * k,
            end_s=1635 + 60.0 * k,
            stage=stage,
            stimuli=(k,),
            detection=replace(shown, onset_latency_ms=shown.onset_latency_ms and 9.5 + k / 10),
            m_wave=M_WAVE,
        )
        for k, (stage, shown) in enumerate(stages)
    )
    return replace(
        PAIR,
        blocks=blocks,
        course=Course.DISAPPEARED,
        amplitude_change_percent=-100.0,
        disappeared_at=Disappearance(time_s=1880.2, stage="decompression"),
    )


@pytest.fixture
def make_findings():
    def make(*pairs, residual_lsr=None, stimulation=(STIMULI,), problems=()):
        return Findings(
            stimulation=stimulation, pairs=pairs, residual_lsr=residual_lsr, problems=tuple(problems)
        )

    return make
