"""Scenarios: which situations of the clinic and the operating theatre can be drawn by name?

Conventions
-----------
A scenario fixes the situation (montage, format, stimulation, what becomes of the LSR); the seed draws the
numbers within it. Latencies follow the published ones: orbicularis oculi 9.0 +- 1.09 ms, mentalis
9.76 +- 1.1 ms (Lee 1992), direct M wave 3.8 +- 0.49 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lsr.anatomy import Branch, Muscle, Relation, Side, relation_of
from lsr.synthetic.amplifier import Amplifier
from lsr.synthetic.edf_writer import EdfText, quantise, write_continuous, write_discontinuous
from lsr.synthetic.recording import (
    ChannelPlan,
    DrawnRecording,
    RecordingPlan,
    ResponsePlan,
    StagePlan,
    StimulationPlan,
    draw_recording,
    marker_text,
)
from lsr.synthetic.streams import stream
from lsr.whole_files import written_whole

_LATENCY_MS = {
    Muscle.ORBICULARIS_OCULI: (9.0, 1.09),
    Muscle.FRONTALIS: (9.4, 1.0),
    Muscle.ORBICULARIS_ORIS: (10.0, 1.0),
}
_OTHER_LATENCY_MS = (9.76, 1.1)
_FIRST_STIMULUS_S = 0.9  # EDF+ has the first data record start within the first second
_STAGE_TEXTS = (
    ("baseline", "Baseline"),
    ("opening", "Dura opening"),
    ("arachnoid_dissection", "Arachnoid dissection"),
    ("decompression", "Decompression: teflon placed"),
    ("closing", "Closing"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a drawn recording is stored."""

    file_format: str  # EDF | EDF+C | EDF+D
    marked_by: str  # annotation | trigger_channel | record | none
    unit: str = "uV"
    step_uv: float = 0.1
    record_s: float = 0.5
    trigger_label: str = "DC1"
    toml: str | None = None  # a configuration to be written beside it
    events: bool = False  # the stages as an events file beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Montage:
    """Labels of one study: muscles, and how this laboratory writes them."""

    side: Side
    labels: dict[Muscle, str] = field(default_factory=dict)


def _channels(montage: _Montage, rng: np.random.Generator, hum_uv: float = 0.0) -> tuple[ChannelPlan, ...]:
    """Channels of a montage, 3-7 uV of noise each."""
    return tuple(
        ChannelPlan(
            label=label,
            muscle=muscle,
            side=montage.side,
            noise_uv=float(rng.uniform(3.0, 7.0)),
            spike_uv=float(rng.uniform(600.0, 2500.0)),
            tail_uv=float(rng.uniform(20.0, 80.0)),
            hum_uv=hum_uv,
        )
        for muscle, label in montage.labels.items()
    )


def _responses(
    channels: Sequence[ChannelPlan],
    stimulation: Sequence[StimulationPlan],
    rng: np.random.Generator,
    *,
    with_lsr: Sequence[Muscle],
    scales: dict[Muscle, np.ndarray] | None = None,
    threshold_ma: float | None = None,
    late: bool = False,
) -> tuple[ResponsePlan, ...]:
    """M waves where the branch supplies the muscle, their copies elsewhere, LSRs in `with_lsr`."""
    plans = []
    for number, one in enumerate(stimulation):
        for index, channel in enumerate(channels):
            relation = relation_of(one.branch, channel.muscle)
            mean_ms, sd_ms = _LATENCY_MS.get(channel.muscle, _OTHER_LATENCY_MS)
            drawn = {
                "m_wave_uv": float(rng.uniform(900.0, 2200.0)),
                "crosstalk_uv": float(rng.uniform(15.0, 40.0)),
                "lsr_uv": float(rng.uniform(120.0, 350.0)),
                "lsr_latency_ms": float(np.clip(rng.normal(mean_ms, sd_ms), 7.6, 12.3)),
                "persistence": float(rng.uniform(0.85, 1.0)),
                "jitter_ms": float(rng.uniform(0.08, 0.25)),
                "late_uv": float(rng.uniform(60.0, 150.0)),
            }
            if relation is Relation.AMBIGUOUS:
                drawn["crosstalk_uv"] *= 4.0
            zero = {
                "m_wave_uv": relation is not Relation.DIRECT,
                "crosstalk_uv": relation is Relation.DIRECT,
                "lsr_uv": relation is Relation.DIRECT or channel.muscle not in with_lsr,
                "late_uv": not late or relation is not Relation.TARGET,
            }
            drawn |= {name: 0.0 for name, is_zero in zero.items() if is_zero}
            plans.append(
                ResponsePlan(
                    stimulation=number,
                    channel=index,
                    morphology=str(rng.choice(["monophasic", "polyphasic"])),
                    threshold_ma=threshold_ma,
                    lsr_scale=(scales or {}).get(channel.muscle),
                    **drawn,
                )
            )
    return tuple(plans)


def _times(rng: np.random.Generator, n_stimuli: int, *, start_s: float, hz: float) -> np.ndarray:
    """Stimuli at about `hz`, not quite regular, between samples, in microseconds."""
    gaps_s = rng.uniform(0.97, 1.03, n_stimuli) / hz
    return np.asarray(np.round(start_s + np.cumsum(gaps_s) - gaps_s[0], 6))


def _one_stretch(times_s: np.ndarray) -> np.ndarray:
    """One stretch from second 0 to the full second that leaves at least 0.7 s after the last stimulus."""
    return np.array([[0.0, np.ceil(float(times_s.max()) + 0.7)]])


def _stretch_per_sweep(
    rng: np.random.Generator, times_s: np.ndarray, rate_hz: float, *, before_ms: float, record_ms: float
) -> tuple[np.ndarray, np.ndarray]:
    """One stretch per stimulus, and the stimuli moved to where the trigger put the sweep's zero.

    The converter runs freely: a stimulus lies up to half a sample beside the sample called zero.
    """
    starts_s = np.round(times_s - before_ms / 1000.0, 4)
    times_s = np.round(starts_s + before_ms / 1000.0 + rng.uniform(-0.5, 0.5, times_s.size) / rate_hz, 6)
    return np.column_stack([starts_s, starts_s + record_ms / 1000.0]), times_s


# --- studies in the clinic --------------------------------------------------------------------------


def _clinic(
    seed: int, *, name: str, montage: _Montage, branch: Branch, text: str | None, with_lsr: Sequence[Muscle]
) -> RecordingPlan:
    """One side, one branch, 40 stimuli at about 4 Hz, 10 kHz, 2 s of rest before."""
    rng = stream(seed, "plan")
    times_s = _times(rng, 40, start_s=2.0, hz=3.7)
    intensity_ma = np.full(times_s.size, round(float(rng.uniform(11.0, 19.0)), 1))
    stimulation = (
        StimulationPlan(
            side=montage.side,
            branch=branch,
            times_s=times_s,
            text=text,
            intensity_ma=intensity_ma if text is not None and "{ma}" in text else None,
        ),
    )
    channels = _channels(montage, rng, hum_uv=1.5)
    return RecordingPlan(
        scenario=name,
        description=SCENARIOS[name],
        rate_hz=10_000.0,
        stretches_s=_one_stretch(times_s),
        channels=channels,
        stimulation=stimulation,
        responses=_responses(channels, stimulation, rng, with_lsr=with_lsr),
    )


def _clinic_with_lsr(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.RIGHT,
        labels={
            Muscle.ORBICULARIS_OCULI: "R O.Oculi",
            Muscle.NASALIS: "R Nasalis",
            Muscle.MENTALIS: "R Mentalis",
        },
    )
    plan = _clinic(
        seed,
        name="clinic_with_lsr",
        montage=montage,
        branch=Branch.ZYGOMATIC,
        text="Stimulus right zygomatic 0.2ms x {ma}mA",
        with_lsr=[Muscle.MENTALIS],
    )
    return plan, Layout(file_format="EDF+C", marked_by="annotation")


def _clinic_without_lsr(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.LEFT,
        labels={
            Muscle.MENTALIS: "MENT-L",
            Muscle.ORBICULARIS_OCULI: "OOC-L",
            Muscle.ORBICULARIS_ORIS: "ORB ORIS-L",
        },
    )
    plan = _clinic(
        seed,
        name="clinic_without_lsr",
        montage=montage,
        branch=Branch.MARGINAL_MANDIBULAR,
        text="Stim L MM {ma} mA",
        with_lsr=[],
    )
    return replace(plan, family="sharp"), Layout(file_format="EDF+C", marked_by="annotation")


def _triggered_sweeps(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.LEFT,
        labels={
            Muscle.ORBICULARIS_OCULI: "EMG L_Orb_Oculi",
            Muscle.FRONTALIS: "EMG L_Frontalis",
            Muscle.MENTALIS: "EMG L_Mentalis",
        },
    )
    plan = _clinic(
        seed,
        name="triggered_sweeps",
        montage=montage,
        branch=Branch.ZYGOMATIC,
        text="Stimulus left zygomatic 0.2ms x {ma}mA",
        with_lsr=[Muscle.MENTALIS],
    )
    rng = stream(seed, "sweeps")
    stretches_s, times_s = _stretch_per_sweep(
        rng, plan.stimulation[0].times_s - 1.5, 20_000.0, before_ms=20.0, record_ms=100.0
    )
    plan = replace(
        plan,
        rate_hz=20_000.0,
        stretches_s=stretches_s,
        stimulation=(replace(plan.stimulation[0], times_s=times_s),),
        family="irregular",
    )
    return plan, Layout(file_format="EDF+D", marked_by="annotation", unit="mV", record_s=0.1)


def _trigger_channel(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.RIGHT,
        labels={
            Muscle.ORBICULARIS_OCULI: "Orb Oc R",
            Muscle.FRONTALIS: "Front R",
            Muscle.MENTALIS: "Ment R",
        },
    )
    plan = _clinic(
        seed,
        name="trigger_channel",
        montage=montage,
        branch=Branch.ZYGOMATIC,
        text=None,
        with_lsr=[Muscle.MENTALIS],
    )
    plan = replace(plan, family="ringing", mains_hz=60.0, rate_hz=8_000.0)
    return plan, Layout(file_format="EDF", marked_by="trigger_channel")


def _artifact_only(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.LEFT,
        labels={
            Muscle.MENTALIS: "L Mentalis",
            Muscle.ORBICULARIS_ORIS: "L Orb. oris",
            Muscle.ORBICULARIS_OCULI: "L Orb. oculi",
        },
    )
    plan = _clinic(
        seed,
        name="artifact_only",
        montage=montage,
        branch=Branch.MARGINAL_MANDIBULAR,
        text=None,
        with_lsr=[Muscle.ORBICULARIS_OCULI],
    )
    channels = tuple(replace(channel, spike_uv=2800.0) for channel in plan.channels)
    return replace(plan, channels=channels), Layout(file_format="EDF", marked_by="none")


def _both_directions(seed: int) -> tuple[RecordingPlan, Layout]:
    rng = stream(seed, "plan")
    montage = _Montage(
        side=Side.RIGHT,
        labels={
            Muscle.FRONTALIS: "R FRONT",
            Muscle.ORBICULARIS_OCULI: "R OOc",
            Muscle.MENTALIS: "R MENT",
        },
    )
    first_s = _times(rng, 40, start_s=1.5, hz=4.3)
    second_s = _times(rng, 40, start_s=float(first_s[-1]) + 1.5, hz=4.3)
    stimulation = tuple(
        StimulationPlan(
            side=Side.RIGHT,
            branch=branch,
            times_s=times_s,
            text=text,
            intensity_ma=np.full(times_s.size, round(float(rng.uniform(10.0, 16.0)), 1)),
        )
        for branch, times_s, text in (
            (Branch.ZYGOMATIC, first_s, "Stim R ZYG {ma} mA"),
            (Branch.MARGINAL_MANDIBULAR, second_s, "Stim R MM {ma} mA"),
        )
    )
    channels = _channels(montage, rng, hum_uv=2.0)
    plan = RecordingPlan(
        scenario="both_directions",
        description=SCENARIOS["both_directions"],
        rate_hz=8_000.0,
        stretches_s=_one_stretch(second_s),
        channels=channels,
        stimulation=stimulation,
        responses=_responses(
            channels, stimulation, rng, with_lsr=[Muscle.MENTALIS, Muscle.ORBICULARIS_OCULI]
        ),
        family="sharp",
        amplifier=Amplifier(low_pass_hz=3000.0),
    )
    return plan, Layout(file_format="EDF+C", marked_by="annotation")


def _configured_labels(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.LEFT,
        labels={
            Muscle.ORBICULARIS_OCULI: "Ch1",
            Muscle.NASALIS: "Ch2",
            Muscle.MENTALIS: "Ch3",
            Muscle.PLATYSMA: "Ch4",
        },
    )
    plan = _clinic(
        seed,
        name="configured_labels",
        montage=montage,
        branch=Branch.ZYGOMATIC,
        text="StimA",
        with_lsr=[Muscle.MENTALIS],
    )
    lines = ["# What the file does not say: its texts are codes, its labels numbers.", "[stimulation]"]
    lines += ['side = "left"', 'branch = "zygomatic"', 'annotation = "StimA"', "", "[channels]"]
    lines += [
        f'"{label}" = {{ muscle = "{muscle.value}", side = "left" }}'
        for muscle, label in montage.labels.items()
    ]
    layout = Layout(file_format="EDF+C", marked_by="annotation", toml="\n".join(lines) + "\n")
    return replace(plan, family="irregular", rate_hz=8_000.0), layout


def _intensity_ramp(seed: int) -> tuple[RecordingPlan, Layout]:
    rng = stream(seed, "plan")
    montage = _Montage(
        side=Side.RIGHT,
        labels={
            Muscle.FRONTALIS: "Frontalis re",
            Muscle.ORBICULARIS_OCULI: "Oculi re",
            Muscle.MENTALIS: "Mentalis re",
        },
    )
    levels_ma = np.array([2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0])
    intensity_ma = np.repeat(levels_ma, 10)
    drawn_s = _times(rng, intensity_ma.size, start_s=1.0, hz=1.1)
    stretches_s, times_s = _stretch_per_sweep(rng, drawn_s, 10_000.0, before_ms=10.0, record_ms=100.0)
    stimulation = (
        StimulationPlan(
            side=Side.RIGHT,
            branch=Branch.TEMPORAL,
            times_s=times_s,
            text="Stim right temporal 0.2 ms {ma} mA",
            intensity_ma=intensity_ma,
            m_wave_threshold_ma=3.0,
        ),
    )
    channels = _channels(montage, rng)
    threshold_ma = float(rng.choice([5.0, 7.0, 9.0]))
    plan = RecordingPlan(
        scenario="intensity_ramp",
        description=SCENARIOS["intensity_ramp"],
        rate_hz=10_000.0,
        stretches_s=stretches_s,
        channels=channels,
        stimulation=stimulation,
        responses=_responses(
            channels, stimulation, rng, with_lsr=[Muscle.MENTALIS], threshold_ma=threshold_ma, late=True
        ),
        family="sharp",
    )
    return plan, Layout(file_format="EDF+D", marked_by="annotation", record_s=0.1)


def _restless_patient(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.RIGHT,
        labels={
            Muscle.ORBICULARIS_OCULI: "EMG R_Orb_Oculi",
            Muscle.NASALIS: "EMG R_Nasalis",
            Muscle.MENTALIS: "EMG R_Mentalis",
        },
    )
    plan = _clinic(
        seed,
        name="restless_patient",
        montage=montage,
        branch=Branch.ZYGOMATIC,
        text="Stimulus right zygomatic 0.2ms x {ma}mA",
        with_lsr=[Muscle.MENTALIS],
    )
    rng = stream(seed, "restless")
    stimulation = plan.stimulation[0]
    spurious_s = np.round(stimulation.times_s[[9, 27]] + rng.uniform(0.13, 0.18, 2), 6)
    channels = tuple(
        replace(
            channel,
            hum_uv=float(rng.uniform(4.0, 9.0)),
            ecg_uv=float(rng.uniform(20.0, 60.0)),
            drift_uv=30.0,
            burst_uv=float(rng.uniform(40.0, 90.0)),
        )
        for channel in plan.channels
    )
    restless = replace(
        stimulation,
        alternating=True,
        missed=(5, 18, 33),
        spurious_s=tuple(float(time_s) for time_s in spurious_s),
    )
    plan = replace(
        plan,
        channels=channels,
        stimulation=(restless,),
        n_bursts=12,
        family="ringing",
        amplifier=Amplifier(rail_uv=1800.0),
    )
    return plan, Layout(file_format="EDF+C", marked_by="annotation")


# --- operations -------------------------------------------------------------------------------------


def _operation(
    seed: int,
    *,
    name: str,
    montage: _Montage,
    branch: Branch,
    text: str,
    scales: dict[Muscle, Sequence[float]],
    stage_s: float,
) -> RecordingPlan:
    """Five stages of two blocks each, 20 stimuli a block; `scales` is the LSR's size in each of the ten."""
    rng = stream(seed, "plan")
    blocks_s = [
        _times(rng, 20, start_s=_FIRST_STIMULUS_S + stage_s * (stage + share), hz=4.6)
        for stage in range(len(_STAGE_TEXTS))
        for share in ((0.15, 0.6) if stage else (0.0, 0.5))  # what is recorded starts with a stimulus
    ]
    times_s = np.concatenate(blocks_s)
    stimulation = (
        StimulationPlan(
            side=montage.side,
            branch=branch,
            times_s=times_s,
            text=text,
            intensity_ma=np.full(times_s.size, 15.0) if "{ma}" in text else None,
        ),
    )
    channels = _channels(montage, rng, hum_uv=1.0)
    sizes = {muscle: np.repeat(np.asarray(scale, dtype=float), 20) for muscle, scale in scales.items()}
    return RecordingPlan(
        scenario=name,
        description=SCENARIOS[name],
        rate_hz=10_000.0,
        stretches_s=_one_stretch(times_s),
        channels=channels,
        stimulation=stimulation,
        responses=_responses(channels, stimulation, rng, with_lsr=list(scales), scales=sizes),
        stages=tuple(
            StagePlan(time_s=_FIRST_STIMULUS_S - 0.01 + stage_s * number, text=words, stage=stage)
            for number, (stage, words) in enumerate(_STAGE_TEXTS)
        ),
    )


def _by_sweep(plan: RecordingPlan, seed: int, *, before_ms: float, record_ms: float) -> RecordingPlan:
    """Return the same operation, stored as one stretch per stimulus."""
    stretches_s, times_s = _stretch_per_sweep(
        stream(seed, "sweeps"),
        plan.stimulation[0].times_s,
        plan.rate_hz,
        before_ms=before_ms,
        record_ms=record_ms,
    )
    return replace(
        plan, stretches_s=stretches_s, stimulation=(replace(plan.stimulation[0], times_s=times_s),)
    )


def _with_pauses(plan: RecordingPlan, rate_hz: float, record_s: float) -> RecordingPlan:
    """Return the same operation, recorded at `rate_hz` only while there is stimulation."""
    times_s = plan.stimulation[0].times_s
    runs = np.split(times_s, np.flatnonzero(np.diff(times_s) > 3.0) + 1)
    stretches_s = []
    for run in runs:
        start_s = max(0.0, float(np.floor(run[0])) - 1.0)
        n_records = np.ceil((run[-1] + 0.5 - start_s) / record_s)
        stretches_s.append((start_s, start_s + record_s * n_records))
    return replace(plan, rate_hz=rate_hz, stretches_s=np.array(stretches_s))


def _operation_vanishes(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.RIGHT,
        labels={
            Muscle.ORBICULARIS_OCULI: "R O.Oculi",
            Muscle.ORBICULARIS_ORIS: "R O.Oris",
            Muscle.MENTALIS: "R Mentalis",
        },
    )
    plan = _operation(
        seed,
        name="operation_vanishes",
        montage=montage,
        branch=Branch.ZYGOMATIC,
        text="Stimulus right zygomatic 0.2ms x {ma}mA",
        scales={Muscle.MENTALIS: [1.0, 1.0, 1.0, 0.95, 0.8, 0.6, 0.0, 0.0, 0.0, 0.0]},
        stage_s=600.0,
    )
    plan = _by_sweep(plan, seed, before_ms=20.0, record_ms=80.0)
    return plan, Layout(file_format="EDF+D", marked_by="annotation", record_s=0.08, events=True)


def _operation_persists(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.LEFT,
        labels={
            Muscle.MENTALIS: "L MENT",
            Muscle.PLATYSMA: "L PLAT",
            Muscle.ORBICULARIS_OCULI: "L ORB OC",
        },
    )
    plan = _operation(
        seed,
        name="operation_persists",
        montage=montage,
        branch=Branch.MARGINAL_MANDIBULAR,
        text="Stim L marginal mandibular {ma} mA",
        scales={Muscle.ORBICULARIS_OCULI: [1.0, 1.0, 1.05, 1.0, 0.95, 0.95, 0.9, 0.9, 0.9, 0.85]},
        stage_s=420.0,
    )
    plan = replace(
        _with_pauses(plan, 5_000.0, 0.5), family="irregular", amplifier=Amplifier(low_pass_hz=2000.0)
    )
    return plan, Layout(file_format="EDF+D", marked_by="annotation", record_s=0.5)


def _operation_returns(seed: int) -> tuple[RecordingPlan, Layout]:
    montage = _Montage(
        side=Side.LEFT,
        labels={
            Muscle.FRONTALIS: "EMG L_Frontalis",
            Muscle.ORBICULARIS_OCULI: "EMG L_Orb_Oculi",
            Muscle.MENTALIS: "EMG L_Mentalis",
        },
    )
    plan = _operation(
        seed,
        name="operation_returns",
        montage=montage,
        branch=Branch.TEMPORAL,
        text="Stim left temporal {ma} mA",
        scales={Muscle.MENTALIS: [1.0, 1.0, 1.0, 0.9, 0.9, 0.8, 0.0, 0.0, 0.6, 0.7]},
        stage_s=500.0,
    )
    plan = replace(_by_sweep(plan, seed, before_ms=20.0, record_ms=80.0), family="sharp")
    return plan, Layout(file_format="EDF+D", marked_by="annotation", record_s=0.08)


SCENARIOS: dict[str, str] = {
    "clinic_with_lsr": "clinic study, right zygomatic branch, LSR in mentalis; EDF+C with annotations",
    "clinic_without_lsr": "clinic study, left marginal mandibular branch, no LSR; EDF+C with annotations",
    "triggered_sweeps": "one data record per sweep in mV, left zygomatic branch, LSR in mentalis; EDF+D",
    "trigger_channel": "stimuli on a trigger channel, right side, LSR in mentalis; plain EDF",
    "artifact_only": "nothing but the artifact tells the stimuli, left side, LSR in orbicularis oculi; EDF",
    "both_directions": "zygomatic, then marginal mandibular branch, LSR in both directions; EDF+C",
    "configured_labels": "labels Ch1-Ch4 and a coded text, told by a configuration; LSR in mentalis; EDF+C",
    "intensity_ramp": "2-18 mA, temporal branch, LSR and afterdischarge above a threshold; EDF+D",
    "restless_patient": "spasm bursts, hum, ECG, drift, clipped artifact, missed and spurious markers; EDF+C",
    "operation_vanishes": "five stages, LSR in mentalis gone from decompression on; EDF+D by sweep",
    "operation_persists": "five stages, LSR in orbicularis oculi stays; EDF+D with pauses",
    "operation_returns": "five stages, LSR in mentalis gone at decompression, back at closing; EDF+D",
}

_PLANS: dict[str, Callable[[int], tuple[RecordingPlan, Layout]]] = {
    "clinic_with_lsr": _clinic_with_lsr,
    "clinic_without_lsr": _clinic_without_lsr,
    "triggered_sweeps": _triggered_sweeps,
    "trigger_channel": _trigger_channel,
    "artifact_only": _artifact_only,
    "both_directions": _both_directions,
    "configured_labels": _configured_labels,
    "intensity_ramp": _intensity_ramp,
    "restless_patient": _restless_patient,
    "operation_vanishes": _operation_vanishes,
    "operation_persists": _operation_persists,
    "operation_returns": _operation_returns,
}


# --- writing ----------------------------------------------------------------------------------------


def draw_scenario(name: str, *, seed: int) -> tuple[DrawnRecording, Layout]:
    """Draw the scenario called `name`.

    Raises
    ------
    ValueError
        A name that is none of `SCENARIOS`.
    """
    if name not in _PLANS:
        raise ValueError(f"unknown scenario {name!r}; known: {', '.join(SCENARIOS)}")
    plan, layout = _PLANS[name](seed)
    return draw_recording(plan, seed=seed), layout


def write_scenario(name: str, directory: str | Path, seed: int = 0, count: int = 1) -> list[Path]:
    """Write `count` recordings of a scenario with their truth, the k-th drawn from ``seed + k``.

    Parameters
    ----------
    name : str
        One of `SCENARIOS`.
    directory : str | Path
        Where they go; made if it is not there. Files are called NAME.edf, or NAME_000.edf and so on when
        there are several; NAME.truth.json stands beside each, and NAME.toml or NAME.events.csv where the
        recording needs a configuration or has an events file.

    Returns
    -------
    list[Path]
        The recordings.

    Raises
    ------
    ValueError
        A name that is none of `SCENARIOS`, or a count below 1.
    """
    if count < 1:
        raise ValueError(f"at least one recording has to be drawn, found count {count}")
    folder = Path(directory)
    paths = []
    for number in range(count):
        drawn, layout = draw_scenario(name, seed=seed + number)
        stem = name if count == 1 else f"{name}_{number:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        paths.append(_write(drawn, layout, folder, stem))
    return paths


def _write(drawn: DrawnRecording, layout: Layout, folder: Path, stem: str) -> Path:
    path = folder / f"{stem}.edf"
    plan = drawn.plan
    prefilter = f"HP:{plan.amplifier.high_pass_hz:g}Hz LP:{plan.amplifier.low_pass_hz:g}Hz"
    channels = [
        quantise(emg_uv, label=channel.label, unit=layout.unit, step_uv=layout.step_uv, prefilter=prefilter)
        for emg_uv, channel in zip(drawn.emg_uv, plan.channels, strict=True)
    ]
    texts = _texts(plan, layout)
    if layout.file_format == "EDF+D":
        starts_s = np.concatenate(
            [
                start + layout.record_s * np.arange(round((stop - start) / layout.record_s))
                for start, stop in plan.stretches_s
            ]
        )
        write_discontinuous(path, channels, record_starts_s=starts_s, record_s=layout.record_s, texts=texts)
    else:
        if layout.marked_by == "trigger_channel":
            trigger_uv = _trigger_uv(plan, drawn.emg_uv.shape[1])
            channels.append(quantise(trigger_uv, label=layout.trigger_label, unit="mV", step_uv=200.0))
        write_continuous(path, channels, rate_hz=plan.rate_hz, texts=texts, record_s=layout.record_s)
    truth = drawn.truth(name=path.name, file_format=layout.file_format, marked_by=layout.marked_by)
    truth.write(folder / f"{stem}.truth.json")
    _write_beside(plan, layout, folder, stem)
    return path


def _write_beside(plan: RecordingPlan, layout: Layout, folder: Path, stem: str) -> None:
    """Write the configuration and the events file that a recording comes with."""
    lines = ["time_s,text", *(f"{stage.time_s:g},{stage.text}" for stage in plan.stages)]
    beside = {"toml": layout.toml, "events.csv": "\n".join(lines) + "\n" if layout.events else None}
    for ending, text in beside.items():
        if text is not None:
            with written_whole(folder / f"{stem}.{ending}") as partial:
                partial.write_text(text, encoding="utf-8", newline="\n")


def _texts(plan: RecordingPlan, layout: Layout) -> list[EdfText]:
    """Annotations in the order of time: markers, those that mark nothing too, and stages."""
    texts = [EdfText(time_s=stage.time_s, text=stage.text) for stage in plan.stages]
    if layout.marked_by == "annotation":
        for one in plan.stimulation:
            for stimulus, time_s in enumerate(one.times_s):
                text = marker_text(one, stimulus)
                if text is not None and stimulus not in one.missed:
                    texts.append(EdfText(time_s=float(time_s), text=text))
            last = marker_text(one, one.times_s.size - 1)
            texts += [EdfText(time_s=time_s, text=last) for time_s in one.spurious_s if last is not None]
    return sorted(texts, key=lambda text: text.time_s)


def _trigger_uv(plan: RecordingPlan, n_samples: int) -> np.ndarray:
    """Trigger pulses of 5 V and 2 ms, from the first sample after each stimulus on, on a little noise."""
    pulses_uv = 2000.0 * stream(0, "trigger", plan.scenario).standard_normal(n_samples)
    n_high = round(0.002 * plan.rate_hz)
    for one in plan.stimulation:
        first = np.ceil(one.times_s * plan.rate_hz).astype(int)
        pulses_uv[(first[:, None] + np.arange(n_high)[None, :]).ravel()] += 5e6
    return pulses_uv
