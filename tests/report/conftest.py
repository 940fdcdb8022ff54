"""Findings made by hand, so that what a report says of them is known."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.detection.detection import Detection, LateResponse, MWave, Presence, SweepFinding
from lsr.findings.conduction import find_nerve_conduction
from lsr.findings.findings import (
    ActivityTrend,
    BlockFinding,
    Course,
    Disappearance,
    Findings,
    MuscleActivity,
    NerveConduction,
    PairFinding,
    PairSweep,
    RecruitmentLevel,
    Spontaneous,
    Synkinesis,
    SynkinesisTrend,
)
from lsr.recording import Problem, Recording
from lsr.report.report import build_report
from lsr.settings import Settings
from lsr.stages import Event, Stage
from lsr.stimuli import BranchSource, Stimulus, StimulusSet, StimulusSource
from lsr.sweeps import Cut
from lsr.traces import PairTraces, Traces, _axis_ms

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


@pytest.fixture
def make_traces():
    """Draw traces for pairs: a wave of 100 uV at 10 ms wherever a block is answered, in noise of 5 uV."""

    def make(*pairs, sweeps_per_block=5, stages=(), events=()):
        rng = np.random.default_rng(1)
        time_ms = np.round(np.arange(-5, 60.01, 0.5), 4)
        wave = 100 * np.sin(np.clip((time_ms - 10) / 4, 0, 1) * 2 * np.pi)
        made = []
        for pair in pairs:
            answered = [block.detection.presence is Presence.PRESENT for block in pair.blocks]
            blocks = np.repeat(np.arange(len(pair.blocks)), sweeps_per_block)
            noise = rng.normal(0, 5, (blocks.size, time_ms.size))
            sweeps = noise + np.array([answered[block] * wave for block in blocks]).reshape(noise.shape)
            averages = sweeps.reshape(len(pair.blocks), sweeps_per_block, time_ms.size).mean(axis=1)
            made.append(
                PairTraces(
                    time_ms=time_ms,
                    sweeps_uv=sweeps.astype(np.float32),
                    times_s=np.array([pair.blocks[block].start_s + 1 for block in blocks]),
                    blocks=blocks,
                    onsets_ms=np.array([10.0 if answered[block] else np.nan for block in blocks]),
                    n_not_shown=0,
                    averages_uv=averages,
                    baseline_block=0 if pair.blocks else None,
                    last_block=len(pair.blocks) - 1 if pair.blocks else None,
                )
            )
        return Traces(pairs=tuple(made), stages=tuple(stages), events=tuple(events))

    return make


STAGES = (
    Stage(name="baseline", start_s=1580, end_s=1750),
    Stage(name="decompression", start_s=1750, end_s=1950),
)
EVENTS = (Event(time_s=1600, text="Skin incision"), Event(time_s=1750, text="Teflon placed"))


@pytest.fixture
def operation_report(
    recording, settings, make_findings, make_traces, operation_pair, direct_pair, indeterminate_pair
):
    """A report of an operation: an LSR that vanishes, one that cannot be told, and the direct muscle."""
    doubtful = replace(indeterminate_pair, blocks=operation_pair.blocks[4:], muscle=Muscle.PLATYSMA)
    direct = replace(direct_pair, blocks=operation_pair.blocks)
    levels = tuple(
        RecruitmentLevel(intensity_ma=ma, n_stimuli=10, persistence=share, amplitude_uv=uv, m_wave_uv=wave)
        for ma, share, uv, wave in ((5, 0.0, 0.0, 0.0), (8, 0.5, 60.0, 700.0), (12, 1.0, 200.0, 1200.0))
    )
    pairs = (direct, replace(operation_pair, recruitment=levels), doubtful)
    traces = make_traces(*pairs, stages=STAGES, events=EVENTS)
    findings = make_findings(*pairs, residual_lsr=False)
    return build_report(recording, findings, settings, traces=traces)


@pytest.fixture
def largest_report(recording, settings, make_findings, make_traces, operation_pair):
    """A thousand sweeps of each of four pairs."""
    blocks = tuple(
        replace(operation_pair.blocks[k % 6], start_s=60.0 * k, end_s=60.0 * k + 55) for k in range(50)
    )
    pairs = [replace(operation_pair, blocks=blocks, channel=f"Ment {k}") for k in range(4)]
    traces = make_traces(*pairs, sweeps_per_block=20)
    coarse = _axis_ms(Cut(before_s=0.05, after_s=0.1, kept=np.ones(1000, bool)), n_sweeps=4000)
    lowered = tuple(
        replace(
            one,
            time_ms=coarse,
            sweeps_uv=one.sweeps_uv[:, : coarse.size],
            averages_uv=one.averages_uv[:, : coarse.size],
        )
        for one in traces.pairs
    )
    return build_report(recording, make_findings(*pairs), settings, traces=replace(traces, pairs=lowered))


def draw_spontaneous(sites, stages):
    """Bursts of two muscles: sites are (channel, muscle, counts), stages (name, start, shared bursts)."""
    (first, one, _), (second, other, _) = sites
    channels, muscles = (first, second), (one, other)
    return Spontaneous(
        activity=tuple(
            MuscleActivity(
                channel=channel,
                muscle=muscle,
                side=Side.RIGHT,
                stage=stage,
                observed_s=60.0,
                n_bursts=n,
                bursts_per_min=float(n),
                duration_ms=80.0,
                active_share=0.03,
                discharge_hz=150.0,
            )
            for channel, muscle, counts in sites
            for (stage, _, _), n in zip(stages, counts, strict=True)
        ),
        synkinesis=tuple(
            Synkinesis(
                channels=channels,
                muscles=muscles,
                stage=stage,
                n_shared=n,
                shared_per_min=float(n),
                share=n / 20,
                share_by_chance=0.03,
                lag_ms=6.0,
                lag_quartiles_ms=(5.0, 7.0),
            )
            for stage, _, n in stages
        ),
        trend=tuple(
            ActivityTrend(
                channel=channel,
                start_s=start_s,
                end_s=start_s + 60,
                observed_s=60.0,
                n_bursts=n,
                bursts_per_min=float(n),
                active_share=0.03,
            )
            for channel, _, counts in sites
            for (_, start_s, _), n in zip(stages, counts, strict=True)
        ),
        synkinesis_trend=tuple(
            SynkinesisTrend(
                channels=channels, start_s=start_s, end_s=start_s + 60, n_shared=n, shared_per_min=float(n)
            )
            for _, start_s, n in stages
        ),
        n_spikes=1,
        n_heartbeats=0,
    )


@pytest.fixture
def restless_report(recording, settings, make_findings, make_traces, operation_pair, direct_pair):
    """Two muscles that fire together between the stimuli, less after decompression."""
    sites = (("R Ment", Muscle.MENTALIS, (24, 20)), ("R O.Oculi", Muscle.ORBICULARIS_OCULI, (22, 14)))
    stages = (("baseline", 1600.0, 20), ("decompression", 1800.0, 12))
    spontaneous = draw_spontaneous(sites, stages)
    pairs = (operation_pair, replace(direct_pair, blocks=operation_pair.blocks))
    findings = replace(
        make_findings(*pairs, residual_lsr=False),
        spontaneous=spontaneous,
        nerve_conduction=find_nerve_conduction(pairs),
    )
    traces = make_traces(*pairs, stages=STAGES, events=EVENTS)
    return build_report(recording, findings, settings, traces=traces)


def hostile_report(texts, operation_pair, make_findings, make_traces, settings):
    """Build a report whose every text field holds one of the texts, with as many pairs as texts."""
    pairs, sets = [], []
    stimulation = make_findings().stimulation[0]
    for number, text in enumerate(texts):
        detection = replace(
            operation_pair.detection,
            rejected={text: 2},
            warnings=((text, text),),
            reason=text,
            evidence=((text, text),),
        )
        blocks = tuple(
            replace(
                block, stage=text, detection=replace(block.detection, reason=text, warnings=((text, text),))
            )
            for block in operation_pair.blocks[:2]
        )
        sets.append(replace(stimulation, id=f"S{number}", text=text, n_left_out={text: 1}))
        pairs.append(
            replace(
                operation_pair,
                stimulation=f"S{number}",
                muscle=None,
                relation=Relation.UNMAPPED,
                channel=text,
                detection=detection,
                blocks=blocks,
                warnings=(Problem(code=text, message=text),),
            )
        )
    traces = make_traces(
        *pairs,
        sweeps_per_block=2,
        stages=[Stage(name=text, start_s=1580 + k, end_s=1581 + k) for k, text in enumerate(texts)],
        events=[Event(time_s=1580 + k, text=text) for k, text in enumerate(texts)],
    )
    findings = make_findings(
        *pairs, stimulation=tuple(sets), problems=[Problem(code=t, message=t) for t in texts]
    )
    sites = tuple((text, None, (24, 20)) for text in (texts[0], texts[-1]))
    conduction = tuple(
        NerveConduction(
            stimulation="S0",
            branch=None,
            muscle=None,
            side=None,
            channel=text,
            onset_latency_ms=3.5,
            amplitude_uv=1000.0,
            n_stimuli=5,
        )
        for text in texts
    )
    findings = replace(
        findings,
        spontaneous=draw_spontaneous(sites, ((texts[0], 1600.0, 20), (texts[-1], 1800.0, 12))),
        nerve_conduction=conduction,
    )
    told = settings.model_copy(
        update={
            "channels": {
                t: Settings.from_dict({"channels": {"a": {"side": "left"}}}).channels["a"] for t in texts
            }
        }
    )
    with Recording.from_arrays(
        [np.zeros(500)] * len(texts),
        rates_hz=1000,
        labels=texts,
        units=texts,
        name=texts[-1],
        format=texts[0],
    ) as recording:
        return build_report(recording, findings, told, traces=traces)


@pytest.fixture
def hostile(operation_pair, make_findings, make_traces, settings):
    return lambda *texts: hostile_report(texts, operation_pair, make_findings, make_traces, settings)
