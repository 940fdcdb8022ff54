"""What a report holds: the models whose fields are the names that users and scripts rely on.

Conventions
-----------
Times are seconds since the recording's start, latencies milliseconds from the stimulus, amplitudes
microvolts. A measure that does not apply is None (null), never 0 and never NaN. Numbers are rounded here,
once, so that every rendering shows the same and equal input gives equal bytes. No field holds anything
that a header says about the patient.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr

import lsr
from lsr.anatomy import Branch, Muscle, Relation, Side
from lsr.detection.detection import Detection, MWave, Presence
from lsr.findings.findings import BlockFinding, Course, Findings, PairFinding, PairSweep, Spontaneous
from lsr.recording import Channel, Problem, Recording
from lsr.settings import Settings
from lsr.stimuli import BranchSource, StimulusSet, StimulusSource
from lsr.stimuli.texts import reads_as_event
from lsr.traces import Traces

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SCHEMA_VERSION = "1"
NOTICE = "For review by a qualified neurophysiologist; research use. No diagnosis, no prognosis."
MULTIPLICITY = "Holm over the recording's target and ambiguous pairs"


def _none_unless_finite(value: Any) -> float | None:
    """Nothing, and nothing but a finite number, counts; numpy's numbers become plain ones."""
    return float(value) if value is not None and math.isfinite(value) else None


def _none_unless_both_finite(ends: Any) -> tuple[float, float] | None:
    if ends is None or not all(map(math.isfinite, ends)):
        return None
    low, high = ends
    return float(low), float(high)


def _rounded(decimals: int) -> AfterValidator:
    return AfterValidator(lambda value: None if value is None else round(value, decimals) + 0.0)


def _both_rounded(decimals: int) -> AfterValidator:
    return AfterValidator(
        lambda ends: None if ends is None else (round(ends[0], decimals), round(ends[1], decimals))
    )


def _significant(digits: int) -> AfterValidator:
    return AfterValidator(lambda value: None if value is None else float(f"{value:.{digits}g}"))


_FINITE = BeforeValidator(_none_unless_finite)
_BOTH_FINITE = BeforeValidator(_none_unless_both_finite)

Seconds = Annotated[float, _FINITE, _rounded(6), Field(description="s since the recording's start")]
Milliseconds = Annotated[
    float | None, _FINITE, _rounded(2), Field(description="ms; latencies from the stimulus")
]
Microvolts = Annotated[float | None, _FINITE, _rounded(2), Field(description="uV")]
MicrovoltMilliseconds = Annotated[float | None, _FINITE, _rounded(2), Field(description="uV ms")]
Milliamperes = Annotated[float | None, _FINITE, _rounded(3), Field(description="mA")]
Percent = Annotated[float | None, _FINITE, _rounded(1), Field(description="percent")]
Share = Annotated[float | None, _FINITE, _rounded(4), Field(description="share of stimuli, 0 to 1")]
PValue = Annotated[float | None, _FINITE, _significant(4), Field(description="probability under the null")]
Score = Annotated[float | None, _FINITE, _significant(6), Field(description="greater: more surely present")]
MillisecondsInterval = Annotated[
    tuple[float, float] | None, _BOTH_FINITE, _both_rounded(2), Field(description="95 % interval, ms")
]
MicrovoltInterval = Annotated[
    tuple[float, float] | None, _BOTH_FINITE, _both_rounded(2), Field(description="95 % interval, uV")
]
ShareInterval = Annotated[
    tuple[float, float] | None, _BOTH_FINITE, _both_rounded(4), Field(description="95 % interval, 0 to 1")
]
MilliampereInterval = Annotated[
    tuple[float, float] | None, _BOTH_FINITE, _both_rounded(3), Field(description="95 % interval, mA")
]
PercentInterval = Annotated[
    tuple[float, float] | None, _BOTH_FINITE, _both_rounded(1), Field(description="95 % interval, percent")
]
Ratio = Annotated[float | None, _FINITE, _rounded(4)]
Rate = Annotated[float | None, _FINITE, _rounded(2)]
MilliampereRange = Annotated[
    tuple[float, float] | None, _BOTH_FINITE, _both_rounded(3), Field(description="lowest and highest, mA")
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


def _only_if_given() -> Any:
    """Mark a field that is left out of every rendering unless it was asked for."""
    return Field(default=None, exclude_if=lambda value: value is None)


class Note(_Part):
    """A warning or a problem: a stable code and one plain sentence."""

    code: str
    message: str


class EvidenceReport(_Part):
    """One step of the reasoning behind a presence, and what it found."""

    step: str
    found: str


class ChannelReport(_Part):
    """One signal of the recording, and what it is taken for."""

    label: str
    rate_hz: float
    unit: str
    muscle: Muscle | None
    side: Side | None


class RecordingReport(_Part):
    """The file."""

    name: str
    sha256: str
    format: str
    start: str | None
    duration_s: Seconds  # recorded, gaps not counted
    end_s: Seconds  # of the last segment
    n_segments: int
    channels: list[ChannelReport]


class StimulationReport(_Part):
    """One set of stimuli: same branch, same side, same text."""

    id: str
    side: Side | None
    branch: Branch | None
    branch_source: BranchSource | None
    source: StimulusSource
    precision_ms: float
    text: str | None
    trigger_channel: str | None  # label of the channel that tells of them
    n_stimuli: int  # averages, where these were recorded
    n_averaged: tuple[int, int] | None  # fewest and most sweeps in an average; None: none, or untold
    n_left_out: dict[str, int]
    intensity_ma: MilliampereRange
    times_s: list[Seconds] | None = _only_if_given()


class MWaveReport(_Part):
    """The direct response, which proves that the stimulus worked."""

    presence: Presence
    amplitude_uv: Microvolts
    onset_latency_ms: Milliseconds
    peak_latency_ms: Milliseconds


class LateResponseReport(_Part):
    """A response in the late window, reported apart."""

    presence: Presence
    onset_latency_ms: Milliseconds
    p_value: PValue


class SweepReport(_Part):
    """What one sweep shows, and after which stimulus of the set, counted from 0."""

    stimulus: int
    time_s: Seconds
    stage: str | None
    used: bool
    reason: str | None
    present: bool | None
    latency_ms: Milliseconds
    amplitude_uv: Microvolts


class DisappearanceReport(_Part):
    """When an LSR was gone: start of the first block without it, and when it was last seen before."""

    time_s: Seconds
    stage: str | None
    last_seen_s: Seconds | None
    last_seen_stage: str | None


class RecruitmentReport(_Part):
    """What stimuli of one intensity evoke."""

    intensity_ma: Milliamperes
    n_stimuli: int
    persistence: Share
    amplitude_uv: Microvolts
    m_wave_uv: Microvolts


class NerveConductionReport(_Part):
    """The M wave of a direct muscle; differences are this side less, or over, the other."""

    stimulation: str
    branch: Branch | None
    muscle: Muscle | None
    side: Side | None
    channel: str
    onset_latency_ms: Milliseconds
    amplitude_uv: Microvolts
    n_stimuli: int
    latency_difference_ms: Milliseconds
    amplitude_ratio: Ratio


class MuscleActivityReport(_Part):
    """Bursts of a muscle between the stimuli, in a stage or (stage null) in all of the recording."""

    channel: str
    muscle: Muscle | None
    side: Side | None
    stage: str | None
    observed_s: Seconds
    n_bursts: int
    bursts_per_min: Rate
    duration_ms: Milliseconds
    active_share: Ratio
    discharge_hz: Rate


class SynkinesisReport(_Part):
    """Bursts that two muscles share more often than by chance, in a stage or (stage null) in all of it."""

    channels: tuple[str, str]
    muscles: tuple[Muscle | None, Muscle | None]
    stage: str | None
    n_shared: int
    shared_per_min: Rate
    share: Ratio
    share_by_chance: Ratio
    lag_ms: Milliseconds
    lag_quartiles_ms: Annotated[
        tuple[float, float] | None, _BOTH_FINITE, _both_rounded(2), Field(description="quartiles, ms")
    ]


class ActivityTrendReport(_Part):
    """Spontaneous activity of a muscle in a stretch of time."""

    channel: str
    start_s: Seconds
    end_s: Seconds
    observed_s: Seconds
    n_bursts: int
    bursts_per_min: Rate
    active_share: Ratio


class SynkinesisTrendReport(_Part):
    """Bursts that two muscles share in a stretch of time."""

    channels: tuple[str, str]
    start_s: Seconds
    end_s: Seconds
    n_shared: int
    shared_per_min: Rate


class SpontaneousReport(_Part):
    """What the muscles do between the stimuli."""

    activity: list[MuscleActivityReport]
    synkinesis: list[SynkinesisReport]
    trend: list[ActivityTrendReport]
    synkinesis_trend: list[SynkinesisTrendReport]
    n_spikes: int
    n_heartbeats: int


class Measures(_Part):
    """What the sweeps of a pair, or of one of its blocks, show."""

    presence: Presence
    reason: str | None
    p_value: PValue
    score: Score
    onset_latency_ms: Milliseconds
    onset_latency_ci_ms: MillisecondsInterval
    peak_latency_ms: Milliseconds
    amplitude_uv: Microvolts
    amplitude_ci_uv: MicrovoltInterval
    baseline_to_peak_uv: Microvolts
    area_uv_ms: MicrovoltMilliseconds
    duration_ms: Milliseconds
    n_phases: int | None
    morphology: Literal["monophasic", "polyphasic"] | None
    persistence: Share
    persistence_ci: ShareInterval
    latency_jitter_ms: Milliseconds
    n_stimuli_used: int
    n_stimuli_rejected: int
    rejected: dict[str, int]
    noise_uv: Microvolts
    detection_limit_uv: Microvolts
    m_wave: MWaveReport | None
    late_response: LateResponseReport | None


class BlockReport(Measures):
    """One block of stimuli of a pair."""

    start_s: Seconds
    end_s: Seconds
    stage: str | None
    intensity_ma: Milliamperes
    presence_in_course: Presence | None  # with the operation as its own control; None: no operation
    warnings: list[Note]


class PairReport(Measures):
    """One pair: a stimulated branch and a recorded muscle."""

    stimulation: str
    branch: Branch | None
    muscle: Muscle | None
    side: Side | None
    channel: str
    relation: Relation
    p_value_adjusted: PValue
    stimulus_threshold_ma: Milliamperes
    stimulus_threshold_ci_ma: MilliampereInterval
    m_wave_threshold_ma: Milliamperes
    m_wave_threshold_ci_ma: MilliampereInterval
    course: Course | None
    amplitude_change_percent: Percent
    amplitude_change_ci_percent: PercentInterval
    baseline_block: int | None  # which of blocks, from 0
    measured_stage: str | None  # the stage whose response the measures describe; None: no single one
    n_stimuli_measured: int | None  # of how many of n_stimuli_used; None: of all of them
    disappeared_at: DisappearanceReport | None
    recruitment: list[RecruitmentReport]
    blocks: list[BlockReport]
    warnings: list[Note]
    evidence: list[EvidenceReport]
    sweeps: list[SweepReport] | None = _only_if_given()


class Report(_Part):
    """Findings with where they came from; for review by a qualified neurophysiologist."""

    schema_version: str
    lsr_version: str
    notice: str
    settings: dict[str, Any]
    created: str | None = _only_if_given()
    recording: RecordingReport
    stimulation: list[StimulationReport]
    multiplicity: str
    pairs: list[PairReport]
    residual_lsr: bool | None
    nerve_conduction: list[NerveConductionReport]
    spontaneous: SpontaneousReport | None
    problems: list[Note]

    _traces: Traces | None = PrivateAttr(default=None)

    @property
    def traces(self) -> Traces | None:
        """What is drawn beside the numbers; None unless `with_traces` was asked for."""
        return self._traces

    def to_dict(self) -> dict[str, Any]:
        """Render as plain dicts, lists, numbers and texts, with the names that `lsr schema` prints."""
        return self.model_dump(mode="json")

    def to_frame(self) -> pd.DataFrame:
        """Render as a table: one row per pair, the columns of the CSV."""
        from lsr.report.as_table import as_frame

        return as_frame([self])

    def to_html(self) -> str:
        """Render as one page that needs nothing else; traces are drawn where they were kept."""
        from lsr.report.as_html import as_html

        return as_html(self)

    def plot_trend(self) -> Figure:
        """Draw amplitude, latency, persistence and M wave over time, as a figure of matplotlib."""
        from lsr.report.figures import draw_trend

        return draw_trend(self)

    def _repr_html_(self) -> str:
        from lsr.report.as_html import summary_as_html

        return summary_as_html(self)


def report_schema() -> dict[str, Any]:
    """Return the JSON Schema of a report."""
    return Report.model_json_schema(mode="serialization")


def build_report(
    recording: Recording,
    findings: Findings,
    settings: Settings,
    *,
    with_sweeps: bool = False,
    traces: Traces | None = None,
    created: datetime | None = None,
) -> Report:
    """Put findings and where they came from into a report.

    Parameters
    ----------
    recording : Recording
        Where the findings come from.
    findings : Findings
        All pairs of the recording.
    settings : Settings
        What the findings were made with.
    with_sweeps : bool
        Also report every stimulus time and every sweep.
    traces : Traces | None
        What HTML and figures draw.
    created : datetime | None
        When; None leaves it out, so that equal input gives an equal report.

    Returns
    -------
    Report
    """
    problems = (
        *recording.problems,
        *(problem for stimuli in findings.stimulation for problem in stimuli.problems),
        *findings.problems,
    )
    report = Report(
        schema_version=SCHEMA_VERSION,
        lsr_version=lsr.__version__,
        notice=NOTICE,
        settings=settings.model_dump(mode="json"),
        created=created.isoformat(timespec="seconds") if created else None,
        recording=_recording_report(recording, settings),
        stimulation=[stimulation_report(one, with_sweeps=with_sweeps) for one in findings.stimulation],
        multiplicity=MULTIPLICITY,
        pairs=[_pair_report(pair, with_sweeps=with_sweeps) for pair in findings.pairs],
        residual_lsr=findings.residual_lsr,
        nerve_conduction=[
            NerveConductionReport(**_copied(one, NerveConductionReport.model_fields))
            for one in findings.nerve_conduction
        ],
        spontaneous=_spontaneous_report(findings.spontaneous),
        problems=notes(problems),
    )
    report._traces = traces
    return report


def notes(problems: Iterable[Problem]) -> list[Note]:
    """Turn problems into notes, each once, in their order."""
    return [Note(code=one.code, message=one.message) for one in dict.fromkeys(problems)]


def _recording_report(recording: Recording, settings: Settings) -> RecordingReport:
    return RecordingReport(
        name=recording.name,
        sha256=recording.sha256,
        format=recording.format,
        start=recording.start.isoformat() if recording.start else None,
        duration_s=recording.duration_s,
        end_s=recording.end_s,
        n_segments=len(recording.segments),
        channels=[channel_report(channel, settings) for channel in recording.channels],
    )


def channel_report(channel: Channel, settings: Settings) -> ChannelReport:
    """Tell what a channel is taken for: what the settings say, else its label."""
    named = settings.channels.get(channel.label)
    return ChannelReport(
        label=channel.label,
        rate_hz=round(channel.rate_hz, 6),
        unit=channel.unit,
        muscle=(named and named.muscle) or channel.muscle,
        side=(named and named.side) or channel.side,
    )


def stimulation_report(stimuli: StimulusSet, *, with_sweeps: bool) -> StimulationReport:
    """Sum up one set of stimuli."""
    intensities = [one.intensity_ma for one in stimuli.stimuli if one.intensity_ma is not None]
    averaged = [one.n_averaged for one in stimuli.stimuli if one.n_averaged]
    return StimulationReport(
        id=stimuli.id,
        side=stimuli.side,
        branch=stimuli.branch,
        branch_source=stimuli.branch_source,
        source=stimuli.source,
        precision_ms=round(stimuli.precision_ms, 4),
        # A text of other than the field's words may name a person; a channel's code does not.
        text=stimuli.text
        if stimuli.text and (stimuli.trigger_channel or reads_as_event(stimuli.text))
        else None,
        trigger_channel=stimuli.trigger_channel,
        n_stimuli=len(stimuli.stimuli),
        n_averaged=(min(averaged), max(averaged)) if averaged else None,
        n_left_out=stimuli.n_left_out,
        intensity_ma=(min(intensities), max(intensities)) if intensities else None,
        times_s=[one.time_s for one in stimuli.stimuli] if with_sweeps else None,
    )


def _pair_report(pair: PairFinding, *, with_sweeps: bool) -> PairReport:
    warnings = (*_own_warnings(pair.detection), *pair.warnings)
    return PairReport(
        **_measures(pair.detection, pair.m_wave),
        stimulation=pair.stimulation,
        branch=pair.branch,
        muscle=pair.muscle,
        side=pair.side,
        channel=pair.channel,
        relation=pair.relation,
        p_value_adjusted=pair.p_value_adjusted,
        stimulus_threshold_ma=pair.stimulus_threshold_ma,
        stimulus_threshold_ci_ma=pair.stimulus_threshold_ci_ma,
        m_wave_threshold_ma=pair.m_wave_threshold.intensity_ma if pair.m_wave_threshold else None,
        m_wave_threshold_ci_ma=pair.m_wave_threshold.interval_ma if pair.m_wave_threshold else None,
        course=pair.course,
        amplitude_change_percent=pair.amplitude_change_percent,
        amplitude_change_ci_percent=pair.amplitude_change_ci_percent,
        baseline_block=pair.baseline_block,
        measured_stage=pair.measured_stage,
        n_stimuli_measured=pair.n_stimuli_measured,
        disappeared_at=_copied(pair.disappeared_at, DisappearanceReport.model_fields),
        recruitment=[_copied(level, RecruitmentReport.model_fields) for level in pair.recruitment],
        blocks=[
            _block_report(block, in_course)
            for block, in_course in zip(pair.blocks, _in_course(pair), strict=True)
        ],
        warnings=notes(warnings),
        evidence=[EvidenceReport(step=step, found=found) for step, found in pair.detection.evidence],
        sweeps=[_sweep_report(sweep) for sweep in pair.sweeps] if with_sweeps else None,
    )


def _spontaneous_report(found: Spontaneous | None) -> SpontaneousReport | None:
    if found is None:
        return None
    return SpontaneousReport(
        activity=[_copied(one, MuscleActivityReport.model_fields) for one in found.activity],
        synkinesis=[_copied(one, SynkinesisReport.model_fields) for one in found.synkinesis],
        trend=[_copied(one, ActivityTrendReport.model_fields) for one in found.trend],
        synkinesis_trend=[_copied(one, SynkinesisTrendReport.model_fields) for one in found.synkinesis_trend],
        n_spikes=found.n_spikes,
        n_heartbeats=found.n_heartbeats,
    )


def _in_course(pair: PairFinding) -> list[Presence | None]:
    """What the operation, as its own control, tells of each block."""
    told = {True: Presence.PRESENT, False: Presence.ABSENT, None: Presence.INDETERMINATE}
    return [told[one] for one in pair.there] or [None] * len(pair.blocks)


def _block_report(block: BlockFinding, in_course: Presence | None) -> BlockReport:
    return BlockReport(
        **_measures(block.detection, block.m_wave),
        start_s=block.start_s,
        end_s=block.end_s,
        stage=block.stage,
        intensity_ma=block.intensity_ma,
        presence_in_course=in_course,
        warnings=notes(_own_warnings(block.detection)),
    )


def _own_warnings(detection: Detection) -> list[Problem]:
    return [Problem(code=code, message=message) for code, message in detection.warnings]


_COPIED = tuple(name for name in Measures.model_fields if name not in ("m_wave", "late_response"))


def _measures(detection: Detection, m_wave: MWave | None) -> dict[str, Any]:
    """Copy what pairs and blocks have in common; the M wave is that of the pair where it has one."""
    return {
        **_copied(detection, _COPIED),
        "m_wave": _copied(m_wave or detection.m_wave, MWaveReport.model_fields),
        "late_response": _copied(detection.late_response, LateResponseReport.model_fields),
    }


def _copied(noun: Any, names: Iterable[str]) -> Any:
    return None if noun is None else {name: getattr(noun, name) for name in names}


def _sweep_report(sweep: PairSweep) -> SweepReport:
    shown = _copied(sweep.finding, ("used", "reason", "present", "latency_ms", "amplitude_uv"))
    return SweepReport(stimulus=sweep.stimulus, time_s=sweep.time_s, stage=sweep.stage, **shown)
