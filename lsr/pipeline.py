"""From a recording to its report: the steps in order.

Conventions
-----------
Each step is in a place of its own; this file only hands their nouns on: recording, stimuli, sweeps,
detections, findings, report. Samples are read block by block, so memory is bounded by the block.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lsr.anatomy import Relation
from lsr.findings.course import doubt_early
from lsr.findings.find import Judged, find_findings
from lsr.findings.findings import Findings
from lsr.findings.pairs import (
    find_missing_channels,
    find_pairs,
    find_side_problems,
    find_sites,
    name_branch,
)
from lsr.findings.turns import find_turns
from lsr.judge import Material, judge_set, m_wave_in, read_directs
from lsr.progress import Progress, untold
from lsr.recording import Problem, Recording
from lsr.settings import Settings, given_settings
from lsr.spontaneous.watch import find_spontaneous
from lsr.stages import Stage, check_events, check_stages, find_stages, read_events
from lsr.stimuli import StimulusSet, Unmarked, find_stimuli, find_unmarked
from lsr.sweeps import find_beyond_range, plan_cut
from lsr.threads import one_thread
from lsr.traces import find_traces

if TYPE_CHECKING:
    from lsr.report.report import Report


@one_thread()
def analyze(
    recording: Recording | str | os.PathLike[str],
    settings: Settings | None = None,
    *,
    events: str | Path | None = None,
    with_sweeps: bool = False,
    with_traces: bool = False,
    created: datetime | None = None,
    progress: Progress = untold,
) -> Report:
    """Find the lateral spread responses of a recording.

    Parameters
    ----------
    recording : Recording | str | os.PathLike[str]
        A recording, or the path of one.
    settings : Settings | None
        Defaults when None.
    events : str | Path | None
        CSV with the stages of an operation; None: the annotations tell them.
    with_sweeps : bool
        Also report every stimulus time and every sweep.
    with_traces : bool
        Also keep what HTML and figures draw: sweeps and averages of every pair.
    created : datetime | None
        When the report was made; None leaves it out, so that equal input gives an equal report.
    progress : Progress
        Called with the step, how much of it is done, and of how much (0: not known); for long recordings.

    Returns
    -------
    Report

    Raises
    ------
    RecordingError
        The file cannot be read.
    NoStimuli, NoMuscle, EventsError
        Nothing tells when it was stimulated, or which muscles it shows; or the events cannot be read.
    SettingsError
        Settings that are none, or that do not fit the recording.
    """
    chosen = given_settings(settings)
    if not isinstance(recording, Recording):
        from lsr.io.registry import read_recording

        with read_recording(recording) as opened:
            return analyze(
                opened,
                chosen,
                events=events,
                with_sweeps=with_sweeps,
                with_traces=with_traces,
                created=created,
                progress=progress,
            )
    from lsr.report.report import build_report

    recording.start_sha256()  # of gigabytes it takes seconds, so it runs beside the analysis
    noted = () if events is None else read_events(events, recording.start or recording.start_clock)
    odd = () if events is None else check_events(events, noted, recording, chosen.course)
    stages = find_stages(recording, chosen.course, noted)
    findings = find(recording, chosen, stages, progress)
    findings = replace(findings, problems=(*odd, *check_stages(stages), *findings.problems))
    if with_traces:
        progress("keeping traces", 0, 0)
    traces = find_traces(recording, findings, chosen, stages=stages, events=noted) if with_traces else None
    return build_report(recording, findings, chosen, with_sweeps=with_sweeps, traces=traces, created=created)


def find(
    recording: Recording, settings: Settings, stages: Sequence[Stage] = (), progress: Progress = untold
) -> Findings:
    """Find stimuli, cut sweeps, judge every pair, and join what they show.

    Parameters
    ----------
    recording : Recording
    settings : Settings
    stages : sequence of Stage
        As `find_stages` finds them.
    progress : Progress
        As for `analyze`.

    Returns
    -------
    Findings

    Raises
    ------
    NoStimuli, NoMuscle, UnknownUnit, UnreadableSamples
    """
    sites = find_sites(recording, settings)
    channels = [site.channel for site in sites]
    sets: list[StimulusSet] = []
    judged: list[Judged] = []
    problems = [*find_missing_channels(recording, settings)]
    beyond: dict[int, Problem] = {}
    progress("finding stimuli", 0, 0)
    for stimuli in find_stimuli(recording, settings):
        cut = plan_cut(recording, stimuli, settings.sweeps, search_ms=settings.detection.search_window_ms)
        material = Material(recording=recording, stimuli=stimuli, cut=cut, settings=settings)
        pooled = material.sweeps(material.some(), channels)
        read = read_directs(pooled, channels, settings)
        m_waves = {channel: m_wave_in(read, channel) for channel in channels}
        named, odd = name_branch(stimuli, sites, m_waves, find_turns(sites, read))
        problems += [*odd, *find_side_problems(named, sites, m_waves)]
        beyond = find_beyond_range(pooled) | beyond
        sets.append(named)
        pairs = find_pairs(named, sites)
        judged += judge_set(replace(material, stimuli=named), pairs, pooled, read, stages, progress)
    evoked = [(one.stimuli, one.pair.site.channel) for one in judged if one.is_proof]
    is_direct = any(one.pair.relation is Relation.DIRECT for one in judged)
    unmarked = find_unmarked(recording, sets, evoked, settings) if is_direct else Unmarked()
    problems += [*beyond.values(), *unmarked.problems]
    findings = find_findings(judged, sets, settings, problems, stages=stages, unmarked=unmarked)
    told = tuple(doubt_early(pair, stages) for pair in findings.pairs)
    findings = replace(findings, pairs=told)
    if unmarked.problems:  # what these stimuli evoke would pass for spasms
        return findings
    progress("looking between the stimuli", 0, 0)
    return replace(findings, spontaneous=find_spontaneous(recording, sites, sets, stages))
