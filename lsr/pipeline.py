"""From a recording to its report: the steps in order.

Conventions
-----------
Each step is in a place of its own; this file only hands their nouns on: recording, stimuli, sweeps,
detections, findings, report. Samples are read block by block, so memory is bounded by the block.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lsr.anatomy import Relation
from lsr.detection.detect import detect, unusable
from lsr.detection.detection import Detection, MWave
from lsr.detection.m_wave import detect_m_wave
from lsr.findings.blocks import Block, form_blocks
from lsr.findings.find import Judged, find_findings
from lsr.findings.findings import BlockFinding, Findings
from lsr.findings.pairs import Pair, Site, find_pairs, find_sites, name_branch
from lsr.recording import Problem, Recording
from lsr.settings import Settings
from lsr.stages import Stage, find_stages, read_events
from lsr.stimuli import StimulusSet, find_stimuli
from lsr.sweeps import Cut, Sweeps, cut_sweeps, plan_cut

if TYPE_CHECKING:
    from lsr.report.report import Report

_POOLED_STIMULI = 400  # at most so many, evenly spaced, are judged together over a whole pair
_SLOWEST_HZ = 2000.0


def analyze(
    recording: Recording | str | os.PathLike[str],
    settings: Settings | None = None,
    *,
    events: str | Path | None = None,
    with_sweeps: bool = False,
    created: datetime | None = None,
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
    created : datetime | None
        When the report was made; None leaves it out, so that equal input gives an equal report.

    Returns
    -------
    Report

    Raises
    ------
    RecordingError
        The file cannot be read.
    NoStimuli, NoMuscle, EventsError
        Nothing tells when it was stimulated, or which muscles it shows; or the events cannot be read.
    """
    if not isinstance(recording, Recording):
        from lsr.io.registry import read_recording

        with read_recording(recording) as opened:
            return analyze(opened, settings, events=events, with_sweeps=with_sweeps, created=created)
    from lsr.report.report import build_report

    chosen = settings or Settings()
    recording.start_sha256()  # of gigabytes it takes seconds, so it runs beside the analysis
    noted = () if events is None else read_events(events, recording.start or recording.start_clock)
    stages = find_stages(recording, chosen.course, noted)
    findings = find(recording, chosen, stages)
    return build_report(recording, findings, chosen, with_sweeps=with_sweeps, created=created)


def find(recording: Recording, settings: Settings, stages: Sequence[Stage] = ()) -> Findings:
    """Find stimuli, cut sweeps, judge every pair, and join what they show."""
    sites = find_sites(recording, settings)
    sets: list[StimulusSet] = []
    judged: list[Judged] = []
    problems: list[Problem] = []
    for stimuli in find_stimuli(recording, settings):
        cut = plan_cut(recording, stimuli, settings.sweeps, needed_ms=settings.detection.search_window_ms[1])
        pooled = cut_sweeps(recording, stimuli, cut, _evenly(cut), [site.channel for site in sites])
        m_waves = {site.channel: _m_wave(pooled.get(site.channel), settings) for site in sites}
        named, odd = name_branch(stimuli, sites, m_waves)
        problems += odd
        sets.append(named)
        judged += _judge_set(
            recording, named, cut, pooled, find_pairs(named, sites), m_waves, stages, settings
        )
    return find_findings(judged, sets, settings, problems)


def _evenly(cut: Cut) -> np.ndarray:
    kept = np.flatnonzero(cut.kept)
    if kept.size <= _POOLED_STIMULI:
        return kept
    spaced = np.linspace(0, kept.size - 1, _POOLED_STIMULI).round().astype(int)
    chosen: np.ndarray = kept[spaced]
    return chosen


def _m_wave(sweeps: Sweeps | None, settings: Settings) -> MWave:
    if sweeps is None:
        return MWave.absent()
    return detect_m_wave(sweeps.emg_uv, sweeps.time_ms, settings.detection)


def _judge_set(
    recording: Recording,
    stimuli: StimulusSet,
    cut: Cut,
    pooled: dict[int, Sweeps],
    pairs: Sequence[Pair],
    m_waves: dict[int, MWave],
    stages: Sequence[Stage],
    settings: Settings,
) -> list[Judged]:
    """Judge every pair of a stimulus set, pooled and block by block."""
    direct = _direct_site(pairs, m_waves)
    blocks = form_blocks(stimuli, stages, settings.course.block_stimuli)
    kept = int(cut.kept.sum())
    opening = blocks[0].stage
    first = np.concatenate([block.stimuli for block in blocks if block.stage == opening])
    opened = np.intersect1d(first, _evenly(cut)) if any(block.stage != opening for block in blocks) else None
    whole = {pair.site.channel: _detect(pair, pooled, direct, m_waves, settings) for pair in pairs}
    early: dict[int, Detection] = {}
    if opened is not None:
        part = {channel: _subset(sweeps, opened) for channel, sweeps in pooled.items()}
        early = {pair.site.channel: _detect(pair, part, direct, m_waves, settings) for pair in pairs}
    by_block: dict[int, list[BlockFinding]] = {pair.site.channel: [] for pair in pairs}
    for block in blocks:
        if len(blocks) == 1 and kept == len(_evenly(cut)):
            found, rows = whole, np.flatnonzero(cut.kept)
            waves = m_waves
        else:
            channels = [pair.site.channel for pair in pairs]
            sweeps = cut_sweeps(recording, stimuli, cut, block.stimuli, channels)
            rows = block.stimuli[cut.kept[block.stimuli]]
            waves = {pair.site.channel: _m_wave(sweeps.get(pair.site.channel), settings)
                     for pair in pairs if pair.relation is Relation.DIRECT}  # fmt: skip
            found = {pair.site.channel: _detect(pair, sweeps, direct, waves, settings) for pair in pairs}
        for pair in pairs:
            wave = waves.get(direct.channel) if direct and pair.relation is not Relation.DIRECT else None
            by_block[pair.site.channel].append(
                _block_finding(block, rows, found[pair.site.channel], wave or found[pair.site.channel].m_wave)
            )
    return [
        Judged(
            stimuli=stimuli,
            pair=pair,
            pooled=whole[pair.site.channel],
            first_stage=early.get(pair.site.channel),
            blocks=tuple(by_block[pair.site.channel]),
            m_wave=m_waves[pair.site.channel] if pair.relation is Relation.DIRECT else
            (m_waves[direct.channel] if direct else None),
            n_too_close=int((~cut.kept).sum()),
        )
        for pair in pairs
    ]  # fmt: skip


def _direct_site(pairs: Sequence[Pair], m_waves: dict[int, MWave]) -> Site | None:
    """The direct muscle with the largest M wave."""
    direct = [pair.site for pair in pairs if pair.relation is Relation.DIRECT]
    return max(direct, key=lambda site: m_waves[site.channel].amplitude_uv or 0.0, default=None)


def _subset(sweeps: Sweeps, stimuli: np.ndarray) -> Sweeps:
    rows = np.isin(sweeps.stimuli, stimuli)
    return Sweeps(
        channel=sweeps.channel,
        emg_uv=sweeps.emg_uv[rows],
        time_ms=sweeps.time_ms,
        stimuli=sweeps.stimuli[rows],
    )


def _detect(
    pair: Pair,
    sweeps: dict[int, Sweeps],
    direct: Site | None,
    m_waves: dict[int, MWave],
    settings: Settings,
) -> Detection:
    own = sweeps.get(pair.site.channel)
    if own is None or own.emg_uv.shape[0] == 0:
        return unusable("touches_gap", 0)
    if own.channel.rate_hz < _SLOWEST_HZ:
        return unusable("rate_too_low", own.emg_uv.shape[0])
    if pair.relation is Relation.DIRECT:
        return unusable("direct_muscle", own.emg_uv.shape[0], m_wave=m_waves[pair.site.channel])
    source = sweeps.get(direct.channel) if direct else None
    return detect(own.emg_uv, own.time_ms, _on_axis(source, own), settings)


def _on_axis(source: Sweeps | None, own: Sweeps) -> np.ndarray | None:
    """The direct muscle's sweeps at the times of another channel's samples."""
    if source is None or source.emg_uv.shape[0] != own.emg_uv.shape[0]:
        return None
    if source.time_ms.size == own.time_ms.size and np.allclose(source.time_ms, own.time_ms):
        return source.emg_uv
    return np.stack([np.interp(own.time_ms, source.time_ms, sweep) for sweep in source.emg_uv])


def _block_finding(
    block: Block, rows: np.ndarray, detection: Detection, m_wave: MWave | None
) -> BlockFinding:
    return BlockFinding(
        start_s=block.start_s,
        end_s=block.end_s,
        stage=block.stage,
        stimuli=tuple(int(row) for row in rows),
        detection=detection,
        m_wave=m_wave,
    )
