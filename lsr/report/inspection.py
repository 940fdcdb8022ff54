"""What is in a file, before any analysis: channels and what they are taken for, stimuli, everything odd.

Conventions
-----------
Times are seconds since the recording's start. Nothing is judged, and nothing that a header says about the
patient is shown.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from lsr.anatomy import Relation
from lsr.errors import NoStimuli
from lsr.recording import Recording
from lsr.report.as_text import WIDTH, stimulation_line, table, wrapped
from lsr.report.report import (
    NOTICE,
    ChannelReport,
    Note,
    Seconds,
    StimulationReport,
    channel_report,
    notes,
    stimulation_report,
)
from lsr.report.wording import clock, counted, length, words
from lsr.settings import Settings, given_settings

_TEXTS_SHOWN = 20  # distinct annotation texts in the text rendering; JSON has all


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class InspectedChannel(ChannelReport):
    """One signal, with what tells how fine it is, and what it is if no muscle."""

    relation: Relation | None  # as the settings say
    is_trigger: bool  # by name, or because its pulses are the stimuli
    n_samples: int
    resolution_uv: float | None
    prefilter: str


class Gap(_Part):
    """A stretch that was not recorded."""

    start_s: Seconds
    stop_s: Seconds


class InspectedStage(_Part):
    """A stage of surgery, as annotations or events tell it."""

    name: str
    start_s: Seconds
    end_s: Seconds


class AnnotationCount(_Part):
    """How often the file says something, and when first."""

    text: str
    count: int
    first_s: Seconds


class Inspection(_Part):
    """What is in a file, before any analysis."""

    name: str
    sha256: str
    format: str
    start: str | None
    duration_s: Seconds  # recorded, gaps not counted
    end_s: Seconds  # of the last segment
    n_segments: int
    gaps: list[Gap]
    channels: list[InspectedChannel]
    stimulation: list[StimulationReport]
    no_stimuli: str | None  # why no stimuli were found
    stages: list[InspectedStage]
    annotations: list[AnnotationCount]
    problems: list[Note]
    notice: str

    def to_dict(self) -> dict[str, Any]:
        """Render as plain dicts, lists, numbers and texts."""
        return self.model_dump(mode="json")


def inspect(
    recording: Recording | str | os.PathLike[str],
    settings: Settings | None = None,
    *,
    events: str | os.PathLike[str] | None = None,
) -> Inspection:
    """Look at what a recording holds, without analysing it.

    Parameters
    ----------
    recording : Recording | str | os.PathLike[str]
        A recording, or the path of one.
    settings : Settings | None
        What the file does not say; defaults when None.
    events : str | os.PathLike[str] | None
        CSV with the stages of an operation; None: the annotations tell them.

    Raises
    ------
    EventsError
        The events cannot be read.
    SettingsError
        Settings that are none.
    RecordingError
        The file cannot be read. Missing stimuli are no error here: `Inspection.no_stimuli` says why.
    """
    chosen = given_settings(settings)
    if not isinstance(recording, Recording):
        from lsr.io.registry import read_recording

        with read_recording(recording) as opened:
            return inspect(opened, chosen, events=events)
    from lsr.findings.pairs import find_missing_channels, find_without_voltage
    from lsr.stages import check_events, check_stages, find_stages, read_events
    from lsr.stimuli import find_stimuli

    noted = () if events is None else read_events(Path(events), recording.start or recording.start_clock)
    stages = find_stages(recording, chosen.course, noted)
    odd = [*recording.problems, *find_missing_channels(recording, chosen)]
    odd += find_without_voltage(recording, chosen)
    odd += () if events is None else check_events(events, noted, recording, chosen.course)
    odd += check_stages(stages)
    no_stimuli = None
    try:
        stimulation = find_stimuli(recording, chosen)
    except NoStimuli as error:
        stimulation, no_stimuli = (), str(error)
    odd += (problem for one in stimulation for problem in one.problems)
    return Inspection(
        name=recording.name,
        sha256=recording.sha256,
        format=recording.format,
        start=recording.start.isoformat() if recording.start else None,
        duration_s=recording.duration_s,
        end_s=recording.end_s,
        n_segments=len(recording.segments),
        gaps=[Gap(start_s=one.stop_s, stop_s=two.start_s) for one, two in pairwise(recording.segments)],
        channels=_channels(recording, chosen, {one.trigger_channel for one in stimulation}),
        stimulation=[stimulation_report(one, with_sweeps=False) for one in stimulation],
        no_stimuli=no_stimuli,
        stages=[InspectedStage(name=one.name, start_s=one.start_s, end_s=one.end_s) for one in stages],
        annotations=_annotations(recording),
        problems=notes(odd),
        notice=NOTICE,
    )


def _channels(
    recording: Recording, settings: Settings, triggers: Container[str | None]
) -> list[InspectedChannel]:
    from lsr.stimuli.triggered import trigger_channels

    named, _ = trigger_channels(recording)
    said = settings.channels
    return [
        InspectedChannel(
            **channel_report(channel, settings).model_dump(),
            relation=said[channel.label].relation if channel.label in said else None,
            is_trigger=channel in named or channel.label in triggers,
            n_samples=channel.n_samples,
            resolution_uv=None if channel.resolution_uv is None else float(f"{channel.resolution_uv:.4g}"),
            prefilter=channel.prefilter,
        )
        for channel in recording.channels
    ]


def _annotations(recording: Recording) -> list[AnnotationCount]:
    """Count the texts of annotations, the most frequent first."""
    times: dict[str, list[float]] = {}
    for annotation in recording.annotations:
        times.setdefault(annotation.text, []).append(annotation.time_s)
    counts = [AnnotationCount(text=text, count=len(at), first_s=min(at)) for text, at in times.items()]
    return sorted(counts, key=lambda one: (-one.count, one.first_s))


def inspection_as_text(inspection: Inspection) -> str:
    """Render an inspection as text that fits a terminal, without a newline at its end."""
    parts = [
        _opening(inspection),
        _channel_table(inspection.channels),
        _stimulation(inspection),
        _stage_lines(inspection.stages),
        _annotation_lines(inspection.annotations),
        _problem_lines(inspection.problems),
        wrapped(inspection.notice),
    ]
    return "\n\n".join(part for part in parts if part)


def _opening(inspection: Inspection) -> str:
    title = f"{inspection.name}: {inspection.format}, {length(inspection.duration_s, inspection.end_s)}"
    lines = [wrapped(title, indent="  "), "=" * min(WIDTH, len(title))]
    if inspection.start:
        lines.append(f"started {inspection.start.replace('T', ' ')}")
    if inspection.gaps:
        lasting_s = sorted(gap.stop_s - gap.start_s for gap in inspection.gaps)
        lines.append(
            f"{counted(inspection.n_segments, 'segment')}, "
            f"{counted(len(inspection.gaps), 'gap')} of {lasting_s[0]:.3g} to {lasting_s[-1]:.3g} s"
        )
    return "\n".join(lines)


def _channel_table(channels: list[InspectedChannel]) -> str:
    rows = [
        [
            channel.label,
            f"{channel.rate_hz:g}",
            channel.unit or "none",
            "-" if channel.resolution_uv is None else f"{channel.resolution_uv:.3g}",
            channel.side or "?",
            _taken_for(channel),
        ]
        for channel in channels
    ]
    head = ["channel", "rate Hz", "unit", "step uV", "side", "taken for"]
    return table(head, rows, [-22, 9, -5, 8, -5, -21])


def _taken_for(channel: InspectedChannel) -> str:
    if channel.is_trigger and not channel.muscle:
        return "trigger"
    if channel.relation is Relation.IGNORE:
        return "nothing: ignored"
    if channel.muscle:
        return words(channel.muscle)
    return f"{channel.relation}, as set" if channel.relation else "? cannot be told"


def _stimulation(inspection: Inspection) -> str:
    if inspection.no_stimuli:
        return wrapped(f"No stimuli: {inspection.no_stimuli}", indent="  ")
    return "\n".join(["Stimuli:", *map(stimulation_line, inspection.stimulation)])


def _stage_lines(stages: list[InspectedStage]) -> str:
    lines = [f"- {words(one.name)}: {clock(one.start_s)} to {clock(one.end_s)}" for one in stages]
    return "\n".join(["Stages:", *lines] if lines else [])


def _annotation_lines(annotations: list[AnnotationCount]) -> str:
    if not annotations:
        return "No annotations."
    shown = [
        wrapped(f"- {one.count} x {one.text!r}, first at {clock(one.first_s)}", indent="  ")
        for one in annotations[:_TEXTS_SHOWN]
    ]
    more = len(annotations) - len(shown)
    return "\n".join(["Annotations:", *shown, *([f"- and {more} other texts (all in JSON)"] if more else [])])


def _problem_lines(problems: Iterable[Note]) -> str:
    lines = [wrapped(f"- {problem.message} [{problem.code}]", indent="  ") for problem in problems]
    return "\n".join(["Odd about the file:", *lines] if lines else ["Nothing odd about the file."])
