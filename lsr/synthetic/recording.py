"""Synthetic recordings: what would a whole file hold, and what is true in it?

Conventions
-----------
A plan says what is recorded; drawing it gives the samples of every channel, in microvolts, stretch by
stretch (gaps lie between stretches), and the truth. Times are seconds since the recording's start. Evoked
parts are drawn sweep by sweep around the true time of each stimulus, which falls between samples; noise,
hum, ECG and spasm bursts run on by themselves, the last two at the same times in every channel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lsr.anatomy import Branch, Muscle, Relation, Side, relation_of
from lsr.synthetic.amplifier import Amplifier
from lsr.synthetic.families import Family, family_of
from lsr.synthetic.nuisances import (
    Evoked,
    burst_envelope,
    draw_artifact,
    draw_burst_times,
    draw_crosstalk,
    draw_drift,
    draw_ecg,
    draw_hum,
    draw_noise,
)
from lsr.synthetic.responses import (
    Firing,
    Response,
    draw_firing,
    draw_late_response,
    draw_lateral_spread,
    draw_m_wave,
    exact_sweeps,
    render_response,
)
from lsr.synthetic.streams import stream
from lsr.synthetic.truth import BlockTruth, PairTruth, RecordingTruth, StimulationTruth
from lsr.synthetic.waveforms import start_ms, weighted_sum

EVOKED_MS = 105.0  # how long after a stimulus anything it evoked is drawn
BLOCK_STIMULI = 20
REDUCED_BELOW = 0.5  # last against first amplitude: where this generator calls a course "reduced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """One EMG channel."""

    label: str
    muscle: Muscle
    side: Side
    noise_uv: float = 5.0
    spike_uv: float = 1500.0  # stimulus artifact
    tail_uv: float = 0.0  # its tail, 2 ms after the stimulus
    hum_uv: float = 0.0  # root mean square
    ecg_uv: float = 0.0  # R wave
    drift_uv: float = 0.0  # root mean square
    burst_uv: float = 0.0  # standard deviation within a spasm burst


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulationPlan:
    """The stimuli of one branch."""

    side: Side
    branch: Branch
    times_s: np.ndarray  # (n_stimuli,)
    text: str | None = None  # of their annotations; {ma} stands for the intensity
    intensity_ma: np.ndarray | None = None  # (n_stimuli,)
    missed: tuple[int, ...] = ()  # stimuli without a marker
    spurious_s: tuple[float, ...] = ()  # markers without a stimulus
    m_wave_threshold_ma: float = 3.0
    alternating: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePlan:
    """What one channel shows after the stimuli of one branch; sizes 0: nothing of that kind."""

    stimulation: int  # which of the plan's
    channel: int
    m_wave_uv: float = 0.0
    crosstalk_uv: float = 0.0
    lsr_uv: float = 0.0
    lsr_latency_ms: float = 10.0
    lsr_scale: np.ndarray | None = None  # (n_stimuli,) size over an operation; None: always 1
    morphology: str = "polyphasic"
    persistence: float = 0.95
    jitter_ms: float = 0.15
    amplitude_cv: float = 0.25
    threshold_ma: float | None = None  # of the LSR
    late_uv: float = 0.0
    late_latency_ms: float = 32.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """A stage of surgery, from its annotation to the next one's."""

    time_s: float
    text: str
    stage: str  # the word `Settings.course.stages` knows


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPlan:
    """Everything that is decided before a recording is drawn."""

    scenario: str
    description: str
    rate_hz: float
    stretches_s: np.ndarray  # (n_stretches, 2): start and stop of what is recorded
    channels: tuple[ChannelPlan, ...]
    stimulation: tuple[StimulationPlan, ...]
    responses: tuple[ResponsePlan, ...]
    stages: tuple[StagePlan, ...] = ()
    family: str = "smooth"
    mains_hz: float = 50.0
    n_bursts: int = 0
    amplifier: Amplifier = field(default_factory=Amplifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRecording:
    """A recording as it left the amplifier, before a converter and a file."""

    plan: RecordingPlan
    emg_uv: np.ndarray  # (n_channels, n_samples), the stretches behind each other
    first_sample: np.ndarray  # (n_stretches + 1,): where each begins in `emg_uv`, and the end
    pairs: tuple[PairTruth, ...]
    seed: int

    def truth(self, *, name: str, file_format: str, marked_by: str) -> RecordingTruth:
        """Truth of the recording in a file of this name and format."""
        plan = self.plan
        lsr_pairs = [pair for pair in self.pairs if pair.relation != Relation.DIRECT]
        residual = any(pair.blocks[-1].present for pair in lsr_pairs) if plan.stages else None
        return RecordingTruth(
            name=name,
            scenario=plan.scenario,
            description=plan.description,
            format=file_format,
            stimuli_marked_by=marked_by,
            rate_hz=plan.rate_hz,
            stimulation=tuple(
                _stimulation_truth(f"S{number}", one) for number, one in enumerate(plan.stimulation, start=1)
            ),
            stages=tuple({"time_s": s.time_s, "text": s.text, "stage": s.stage} for s in plan.stages),
            pairs=self.pairs,
            residual_lsr=residual,
            nuisances=nuisances_of(plan),
            noise_uv={channel.label: channel.noise_uv for channel in plan.channels},
            family=plan.family,
            seed=self.seed,
        )


def marker_text(stimulation: StimulationPlan, stimulus: int) -> str | None:
    """Annotation text of one stimulus."""
    if stimulation.text is None:
        return None
    if stimulation.intensity_ma is None:
        return stimulation.text
    return stimulation.text.format(ma=f"{stimulation.intensity_ma[stimulus]:.4g}")


def nuisances_of(plan: RecordingPlan) -> tuple[str, ...]:
    """Names of what else is in the recording."""
    channels, stimulation = plan.channels, plan.stimulation
    there = {
        "tail": any(channel.tail_uv for channel in channels),
        "hum": any(channel.hum_uv for channel in channels),
        "ecg": any(channel.ecg_uv for channel in channels),
        "drift": any(channel.drift_uv for channel in channels),
        "bursts": plan.n_bursts > 0,
        "crosstalk": any(response.crosstalk_uv for response in plan.responses),
        "late": any(response.late_uv for response in plan.responses),
        "alternating": any(one.alternating for one in stimulation),
        "saturation": plan.amplifier.rail_uv is not None,
        "missed_markers": any(one.missed for one in stimulation),
        "spurious_markers": any(one.spurious_s for one in stimulation),
    }
    return tuple(name for name, is_there in there.items() if is_there)


def draw_recording(plan: RecordingPlan, *, seed: int) -> DrawnRecording:
    """Draw the samples of a planned recording, and what is true in it."""
    family = family_of(plan.family, stream(seed, "family"))
    counts = np.round((plan.stretches_s[:, 1] - plan.stretches_s[:, 0]) * plan.rate_hz).astype(int)
    first_sample = np.concatenate([[0], np.cumsum(counts)])
    clock_s = np.concatenate(
        [start + np.arange(n) / plan.rate_hz for start, n in zip(plan.stretches_s[:, 0], counts, strict=True)]
    )
    emg_uv = np.stack(
        [_draw_running(plan, family, index, clock_s, seed) for index in range(len(plan.channels))]
    )
    pairs: list[PairTruth] = []
    for number, stimulation in enumerate(plan.stimulation):
        anchors, offsets_ms = _anchors(plan, stimulation, first_sample)
        m_wave = _draw_m_wave(plan, family, number, seed)
        for channel in range(len(plan.channels)):
            evoked_uv, pair = _draw_evoked(plan, family, (number, channel), m_wave, offsets_ms, seed)
            _add_sweeps(emg_uv[channel], evoked_uv, anchors, first_sample)
            if pair is not None:
                pairs.append(pair)
    return DrawnRecording(
        plan=plan,
        emg_uv=plan.amplifier.clip(emg_uv),
        first_sample=first_sample,
        pairs=tuple(pairs),
        seed=seed,
    )


def _draw_running(
    plan: RecordingPlan, family: Family, index: int, clock_s: np.ndarray, seed: int
) -> np.ndarray:
    """Noise, hum, ECG, drift and spasm bursts of one channel."""
    channel = plan.channels[index]
    shape = (1, clock_s.size)

    def noise(name: str) -> np.ndarray:
        rng = stream(seed, name, index)
        amplifier = plan.amplifier.at_rate(plan.rate_hz)
        rows = draw_noise(rng, shape, plan.rate_hz, kind=family.noise, amplifier=amplifier)
        return np.asarray(rows[0])

    running_uv = channel.noise_uv * noise("noise")
    if channel.hum_uv:
        running_uv += channel.hum_uv * draw_hum(stream(seed, "hum", index), clock_s, mains_hz=plan.mains_hz)
    if channel.ecg_uv:
        running_uv += channel.ecg_uv * draw_ecg(stream(seed, "ecg"), clock_s)
    if channel.drift_uv:
        running_uv += channel.drift_uv * draw_drift(stream(seed, "drift", index), clock_s)
    if plan.n_bursts and channel.burst_uv:
        rng = stream(seed, "bursts")
        at_s = draw_burst_times(rng, 0.0, 1.0, plan.n_bursts)
        # Drawn along what is recorded, so that gaps take none of them.
        at_s[:, 0] = clock_s[(at_s[:, 0] * (clock_s.size - 1)).astype(int)]
        running_uv += channel.burst_uv * burst_envelope(at_s, clock_s) * noise("burst")
    return np.asarray(running_uv)


def _anchors(
    plan: RecordingPlan, stimulation: StimulationPlan, first_sample: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sample nearest to each stimulus (-1: in a gap) and how much later the stimulus is (ms)."""
    starts_s = plan.stretches_s[:, 0]
    stretch = np.searchsorted(starts_s, stimulation.times_s, side="right") - 1
    within = (stimulation.times_s - starts_s[stretch]) * plan.rate_hz
    nearest = np.round(within).astype(int)
    anchors = first_sample[stretch] + nearest
    outside = (stretch < 0) | (anchors >= first_sample[stretch + 1])
    return np.where(outside, -1, anchors), (within - nearest) * 1000.0 / plan.rate_hz


def _add_sweeps(
    track_uv: np.ndarray, sweeps_uv: np.ndarray, anchors: np.ndarray, first_sample: np.ndarray
) -> None:
    """Add sweeps to a channel where their stimuli are, each up to the end of its stretch."""
    ends = first_sample[np.searchsorted(first_sample, anchors, side="right").clip(1, first_sample.size - 1)]
    for sweep_uv, anchor, end in zip(sweeps_uv, anchors, ends, strict=True):
        if anchor >= 0:
            stop = min(anchor + sweep_uv.size, int(end))
            track_uv[anchor:stop] += sweep_uv[: stop - anchor]


def _recruited(stimulation: StimulationPlan, threshold_ma: float | None) -> np.ndarray:
    """Share of the full size that each stimulus evokes, shape (n_stimuli,): 0 below the threshold."""
    if stimulation.intensity_ma is None or threshold_ma is None:
        return np.ones(stimulation.times_s.size)
    above_ma = stimulation.intensity_ma - threshold_ma
    return np.asarray(np.where(above_ma >= 0, 1.0 - 0.5 * np.exp(-above_ma / 2.0), 0.0))


def _draw_m_wave(plan: RecordingPlan, family: Family, number: int, seed: int) -> tuple[Response, Firing]:
    """M wave of one stimulation: what the direct muscle shows, and the others pick up."""
    stimulation = plan.stimulation[number]
    rng = stream(seed, "m_wave", number)
    amplifier = plan.amplifier.at_rate(plan.rate_hz)
    latency_ms = float(np.clip(rng.normal(3.8, 0.49), 2.6, 4.9))  # 3.8 +- 0.49: facial M wave
    m_wave = draw_m_wave(rng, latency_ms=latency_ms, shape=family.units, amplifier=amplifier)
    firing = draw_firing(
        rng,
        m_wave,
        stimulation.times_s.size,
        jitter_ms=0.02,
        amplitude_cv=0.04,
        unit_dropout=0.01,
        units_jitter=False,
    )
    weights = firing.weights * _recruited(stimulation, stimulation.m_wave_threshold_ma)[:, None]
    return m_wave, Firing(weights=weights, delays_ms=firing.delays_ms, answered=weights.any(axis=1))


def _draw_evoked(
    plan: RecordingPlan,
    family: Family,
    place: tuple[int, int],
    m_wave: tuple[Response, Firing],
    offsets_ms: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, PairTruth | None]:
    """Everything one stimulation evokes in one channel, shape (n_stimuli, n_samples), and its truth."""
    number, index = place
    stimulation, channel = plan.stimulation[number], plan.channels[index]
    amplifier = plan.amplifier.at_rate(plan.rate_hz)
    time_ms = np.arange(0.0, EVOKED_MS, 1000.0 / plan.rate_hz)
    artifact = draw_artifact(
        stream(seed, "artifact", *place),
        stimulation.times_s.size,
        spike_uv=channel.spike_uv,
        tail_uv=channel.tail_uv,
        tail=family.tail,
        alternating=stimulation.alternating,
    )
    evoked_uv = weighted_sum(amplifier.filter(artifact.waves), artifact.weights, offsets_ms[:, None], time_ms)
    if stimulation.side != channel.side:
        return evoked_uv, None
    response = next(
        (one for one in plan.responses if (one.stimulation, one.channel) == place),
        ResponsePlan(stimulation=number, channel=index),
    )
    if response.m_wave_uv:
        evoked_uv += response.m_wave_uv * render_response(*m_wave, time_ms, offsets_ms)
    if response.crosstalk_uv:
        copy = _copy(m_wave, family, stream(seed, "crosstalk", *place))
        evoked_uv += response.crosstalk_uv * weighted_sum(
            copy.waves, copy.weights, offsets_ms[:, None], time_ms
        )
    if response.late_uv:
        late, late_firing = _draw_late(plan, family, response, stream(seed, "late", *place))
        evoked_uv += response.late_uv * render_response(late, late_firing, time_ms, offsets_ms)
    lsr, firing = _draw_lsr(plan, family, response, stream(seed, "response", *place))
    if response.lsr_uv:
        evoked_uv += response.lsr_uv * render_response(lsr, firing, time_ms, offsets_ms)
    return evoked_uv, _pair_truth(plan, response, m_wave, lsr, firing)


def _copy(m_wave: tuple[Response, Firing], family: Family, rng: np.random.Generator) -> Evoked:
    return draw_crosstalk(rng, m_wave[0].units, m_wave[1].weights, family.crosstalk)


def _draw_lsr(
    plan: RecordingPlan, family: Family, response: ResponsePlan, rng: np.random.Generator
) -> tuple[Response, Firing]:
    """LSR of one pair and its firing; weights carry the operation's course and the intensity."""
    stimulation = plan.stimulation[response.stimulation]
    lsr = draw_lateral_spread(
        rng,
        latency_ms=response.lsr_latency_ms,
        shape=family.units,
        amplifier=plan.amplifier.at_rate(plan.rate_hz),
        morphology=response.morphology,
    )
    firing = draw_firing(
        rng,
        lsr,
        stimulation.times_s.size,
        persistence=response.persistence,
        jitter_ms=response.jitter_ms,
        amplitude_cv=response.amplitude_cv,
    )
    scale = _recruited(stimulation, response.threshold_ma)
    if response.lsr_scale is not None:
        scale = scale * response.lsr_scale
    weights = firing.weights * scale[:, None] * (response.lsr_uv > 0)
    return lsr, Firing(weights=weights, delays_ms=firing.delays_ms, answered=weights.any(axis=1))


def _draw_late(
    plan: RecordingPlan, family: Family, response: ResponsePlan, rng: np.random.Generator
) -> tuple[Response, Firing]:
    late = draw_late_response(
        rng,
        latency_ms=response.late_latency_ms,
        shape=family.units,
        amplifier=plan.amplifier.at_rate(plan.rate_hz),
    )
    n_stimuli = plan.stimulation[response.stimulation].times_s.size
    firing = draw_firing(
        rng, late, n_stimuli, persistence=0.7, jitter_ms=2.0, amplitude_cv=0.5, unit_dropout=0.3
    )
    return late, firing


# --- truth ------------------------------------------------------------------------------------------


def _stimulation_truth(name: str, plan: StimulationPlan) -> StimulationTruth:
    return StimulationTruth(
        id=name,
        side=plan.side.value,
        branch=plan.branch.value,
        text=marker_text(plan, 0),
        times_s=tuple(float(time_s) for time_s in plan.times_s),
        intensity_ma=None if plan.intensity_ma is None else tuple(float(ma) for ma in plan.intensity_ma),
        missed_markers=plan.missed,
        spurious_markers_s=plan.spurious_s,
    )


def stage_of(stages: Sequence[StagePlan], time_s: float) -> str | None:
    """Stage a time falls into; None before the first."""
    reached = [stage.stage for stage in stages if stage.time_s <= time_s]
    return reached[-1] if reached else None


def _blocks(plan: RecordingPlan, times_s: np.ndarray) -> list[np.ndarray]:
    """Stimuli judged together: runs of one stage, cut into blocks of 20; a short rest joins the last."""
    stages = [stage_of(plan.stages, float(time_s)) for time_s in times_s]
    cuts = [k for k in range(1, times_s.size) if stages[k] != stages[k - 1]]
    blocks: list[np.ndarray] = []
    for run in np.split(np.arange(times_s.size), cuts):
        n_blocks = max(1, run.size // BLOCK_STIMULI)
        edges = [BLOCK_STIMULI * k for k in range(1, n_blocks)]
        blocks.extend(np.split(run, edges))
    return blocks


def _mean_truth(
    exact_uv: np.ndarray, exact_ms: np.ndarray, which: np.ndarray
) -> tuple[float | None, float | None]:
    """Onset and peak-to-peak amplitude of the mean of some noise-free sweeps; None where there are none."""
    if not which.any():
        return None, None
    mean_uv = exact_uv[which].mean(axis=0)
    return start_ms(mean_uv, exact_ms), float(np.ptp(mean_uv))


def _pair_truth(
    plan: RecordingPlan,
    response: ResponsePlan,
    m_wave: tuple[Response, Firing],
    lsr: Response,
    firing: Firing,
) -> PairTruth:
    stimulation, channel = plan.stimulation[response.stimulation], plan.channels[response.channel]
    exact_uv, exact_ms = exact_sweeps(lsr, firing) if firing.answered.any() else (np.empty(0), np.empty(0))
    onset_ms, amplitude_uv = _mean_truth(response.lsr_uv * exact_uv, exact_ms, firing.answered)
    blocks = _block_truths(plan, response, firing, response.lsr_uv * exact_uv, exact_ms)
    m_onset_ms, m_amplitude_uv = None, None
    if response.m_wave_uv:
        m_uv, m_ms = exact_sweeps(*m_wave)
        m_onset_ms, m_amplitude_uv = _mean_truth(response.m_wave_uv * m_uv, m_ms, m_wave[1].answered)
    present = bool(firing.answered.any())
    course, change_percent, gone = _course(blocks) if plan.stages and not response.m_wave_uv else (None,) * 3
    threshold_ma = None
    if present and stimulation.intensity_ma is not None and np.ptp(stimulation.intensity_ma) > 0:
        threshold_ma = float(stimulation.intensity_ma[firing.answered].min())
    return PairTruth(
        stimulation=f"S{response.stimulation + 1}",
        side=channel.side.value,
        branch=stimulation.branch.value,
        muscle=channel.muscle.value,
        channel=channel.label,
        relation=relation_of(stimulation.branch, channel.muscle).value,
        present=present,
        onset_latency_ms=onset_ms,
        amplitude_uv=amplitude_uv,
        persistence=float(firing.answered.mean()) if present else None,
        morphology=lsr.morphology if present else None,
        stimulus_threshold_ma=threshold_ma,
        late_onset_latency_ms=response.late_latency_ms if response.late_uv else None,
        m_wave_onset_latency_ms=m_onset_ms,
        m_wave_amplitude_uv=m_amplitude_uv,
        crosstalk_uv=response.crosstalk_uv or None,
        course=course,
        amplitude_change_percent=change_percent,
        disappeared_at=gone,
        blocks=blocks,
    )


def _block_truths(
    plan: RecordingPlan,
    response: ResponsePlan,
    firing: Firing,
    exact_uv: np.ndarray,
    exact_ms: np.ndarray,
) -> tuple[BlockTruth, ...]:
    times_s = plan.stimulation[response.stimulation].times_s
    truths = []
    for block in _blocks(plan, times_s):
        which = np.zeros(times_s.size, dtype=bool)
        which[block] = firing.answered[block]
        onset_ms, amplitude_uv = _mean_truth(exact_uv, exact_ms, which)
        truths.append(
            BlockTruth(
                stage=stage_of(plan.stages, float(times_s[block[0]])),
                start_s=float(times_s[block[0]]),
                end_s=float(times_s[block[-1]]),
                n_stimuli=int(block.size),
                present=bool(which.any()),
                onset_latency_ms=onset_ms,
                amplitude_uv=amplitude_uv,
                persistence=float(which[block].mean()),
            )
        )
    return tuple(truths)


def _course(
    blocks: tuple[BlockTruth, ...],
) -> tuple[str, float | None, dict[str, float | str | None] | None]:
    """Course of a pair, its change of amplitude (%), and where it disappeared for good or at first."""
    there = [block.present for block in blocks]
    if not any(one for one, block in zip(there, blocks, strict=True) if block.stage == "baseline"):
        return "not_detected_at_baseline", None, None
    first_uv, last_uv = blocks[0].amplitude_uv or 0.0, blocks[-1].amplitude_uv or 0.0
    change_percent = 100.0 * (last_uv - first_uv) / first_uv if first_uv else None
    if there[-1]:
        if not all(there):
            return "reappeared", change_percent, None
        return "reduced" if last_uv < REDUCED_BELOW * first_uv else "persisted", change_percent, None
    last = max(k for k, one in enumerate(there) if one)
    gone = blocks[last + 1]
    early = gone.stage in ("baseline", "opening", "arachnoid_dissection")
    word = "disappeared_before_decompression" if early else "disappeared"
    return word, change_percent, {"time_s": gone.start_s, "stage": gone.stage}
