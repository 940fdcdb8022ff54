"""Sets: markers of one kind become stimuli; doubtful ones are left out and counted.

Conventions
-----------
Times are seconds since the recording's start. A set shares side, branch, kind of text and table of the
settings. What the settings say of side and branch stands above what a text says; a problem tells where they
disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lsr.anatomy import Branch, Side
from lsr.recording import Problem, Recording
from lsr.settings import Settings, StimulationSettings
from lsr.stimuli.aligned import REACH_S, Alignment, align
from lsr.stimuli.artifacts import LOOK_AROUND_S, Artifacts, channels_for_artifacts, measure_artifacts
from lsr.stimuli.marker import (
    AT_ONE_LAG_MS,
    LONGEST_PULSE_GAP_S,
    SAME_PULSE_S,
    WORTH_MOVING_MS,
    Marker,
    Markers,
)
from lsr.stimuli.paired import FAR_S, Marks, pair
from lsr.stimuli.searched import find_series
from lsr.stimuli.stimulus import BranchSource, Stimulus, StimulusSet, StimulusSource
from lsr.stimuli.sweep_files import holds_averages
from lsr.stimuli.texts import StimulusText, fill_in, quoted

_LOOKED_AT, _SOME_SHARE = 60, 0.1  # markers; a clock that drifts has its artifacts within reach of some only
_FAR_SHARE = 0.5  # where nothing is near, artifacts within half an interval of most may be the markers' own
_MOST_HAVE_ARTIFACT = 0.8  # only then does a marker without one stand out
_COMPARABLE = 0.25  # an artifact below this share of its neighbours' is none of theirs
_PLAIN = 12.0  # times the noise: an artifact this large is not overlooked
_OFFSET_WORTH_TELLING_MS = 0.5

_Key = tuple[int, Side | None, Branch | None, str, bool]
_Align = Callable[[NDArray[np.float64]], Alignment | None]


def build_sets(recording: Recording, settings: Settings, found: Markers) -> list[StimulusSet]:
    """Sort the markers of one source into sets, by first appearance; sets may have come out empty.

    Parameters
    ----------
    recording : Recording
    settings : Settings
    found : Markers
        In the order of time.
    """
    markers, duplicates = _without_duplicates(found.markers)
    marks = _marks(markers, len(found.markers))
    groups: dict[_Key, list[Marker]] = {}
    all_averages = holds_averages(recording)
    for marker in markers:
        key = (*_key(marker)[:-1], all_averages or marker.told.is_average)
        groups.setdefault(key, []).append(marker)
    tables = settings.stimulation or (StimulationSettings(),)
    align_times = _aligner(recording, settings, marks)
    sets = []
    for key, group in groups.items():
        made = _build_set(recording, settings, tables[key[0]], found, group, align_times, is_average=key[-1])
        if key[-1] and (*key[:-1], False) in groups:
            made = replace(made, problems=(*made.problems, _beside_sweeps(len(group))))
        if duplicates[key]:
            made = replace(made, n_left_out={"duplicate": duplicates[key], **made.n_left_out})
        sets.append(made)
    if sets and found.n_outside_window:
        sets[0] = replace(
            sets[0], n_left_out={"outside_window": found.n_outside_window, **sets[0].n_left_out}
        )
    if sets and found.problems:
        sets[0] = replace(sets[0], problems=found.problems + sets[0].problems)
    return sets


def _key(marker: Marker) -> _Key:
    told = marker.told
    return marker.table, told.side, told.branch, told.kind, told.is_average


def _beside_sweeps(n_averages: int) -> Problem:
    message = (
        f"averages ({n_averages}) lie beside single sweeps of the same kind and are a set of their own; "
        "they may hold the same responses"
    )
    return Problem(code="averages_beside_sweeps", message=message)


def _without_duplicates(markers: Sequence[Marker]) -> tuple[list[Marker], Counter[_Key]]:
    """Make marks within 0.3 ms one: the mark that tells most stays, others fill in what it leaves open."""
    kept: list[Marker] = []
    duplicates: Counter[_Key] = Counter()
    for marker in markers:
        if not kept or marker.time_s - kept[-1].time_s > SAME_PULSE_S:
            kept.append(marker)
            continue
        more, less = sorted((marker, kept[-1]), key=lambda one: _tells(one.told), reverse=True)
        kept[-1] = replace(kept[-1], told=fill_in(more.told, less.told), table=more.table)
        duplicates[_key(kept[-1])] += 1
    return kept, duplicates


def _tells(told: StimulusText) -> int:
    details = (told.branch, told.side, told.intensity_ma, told.pulse_width_ms)
    return sum(detail is not None for detail in details)


def _marks(markers: Sequence[Marker], n_told: int) -> Marks:
    kinds: dict[tuple[_Key, float | None], int] = {}
    said = [kinds.setdefault((_key(one), one.told.intensity_ma), len(kinds)) for one in markers]
    times_s = np.array([marker.time_s for marker in markers])
    return Marks(times_s=times_s, kinds=np.array(said, dtype=np.int64), n_told=n_told)


def _aligner(recording: Recording, settings: Settings, marks: Marks) -> _Align:
    """Make what aligns markers; the whole recording is searched for artifacts at most once, for all sets."""
    channels = channels_for_artifacts(recording, settings)

    @cache
    def pulses() -> tuple[NDArray[np.float64], float]:
        series, precision_ms = find_series(recording, channels, longest_interval_s=np.inf)
        return np.sort(np.concatenate([np.empty(0), *series])), precision_ms

    def align_times(times_s: NDArray[np.float64]) -> Alignment | None:
        # The search reads all of the recording, which is long where stimuli are few: look at some first.
        some = np.linspace(0, len(times_s) - 1, min(len(times_s), _LOOKED_AT)).round().astype(int)
        if not channels:
            return None
        if not _show_spikes(recording, channels, times_s[some], REACH_S, _SOME_SHARE):
            far_s = min(FAR_S, float(np.median(np.diff(times_s))) / 2) if len(times_s) > 1 else 0.0
            if far_s <= REACH_S or not _show_spikes(recording, channels, times_s[some], far_s, _FAR_SHARE):
                return None
        searched = (recording, channels, times_s, *pulses())
        return align(*searched) or pair(*searched, marks)

    return align_times


def _show_spikes(
    recording: Recording, channels: Sequence[int], times_s: NDArray[np.float64], reach_s: float, share: float
) -> bool:
    """Tell whether anything sharp lies within reach of a share of the markers, as far as can be looked at."""
    seen = measure_artifacts(recording, channels, times_s, before_s=reach_s, after_s=reach_s)
    lags_ms = seen.lag_ms[seen.checked]
    if lags_ms.size == 0:
        return reach_s <= REACH_S
    return float(np.isfinite(lags_ms).mean()) >= share


def _build_set(
    recording: Recording,
    settings: Settings,
    table: StimulationSettings,
    found: Markers,
    group: list[Marker],
    align_times: _Align,
    *,
    is_average: bool,
) -> StimulusSet:
    told = group[0].told
    precision_ms, problems = found.precision_ms, list(_disagreements(table, told))
    stimuli, left_out, check = _use(recording, settings, found.source, group)
    if not check.on_time and found.source is not StimulusSource.ARTIFACT:
        alignment = align_times(np.array([marker.time_s for marker in group]))
        moved = alignment and _use(recording, settings, found.source, _moved(group, alignment))
        # Of two pulses near each other the wrong one may be taken: then the artifacts still lie elsewhere.
        if alignment and moved and (moved[2].on_time or moved[2].precision_ms is None):
            stimuli, left_out, check = moved
            precision_ms = alignment.precision_ms
            problems += alignment.problems
            if not np.isfinite(alignment.times_s).any():
                left_out["not_paired"] = alignment.n_without
            elif n_without := alignment.n_without + left_out.get("no_artifact", 0):
                left_out["no_artifact"] = n_without
    precision_ms = precision_ms if check.precision_ms is None else check.precision_ms
    problems += check.problems
    if is_average:
        source = StimulusSource.AVERAGE
        if not all(stimulus.n_averaged for stimulus in stimuli):
            message = "the file holds averages, but not all say of how many sweeps"
            problems.append(Problem(code="average_count_unknown", message=message))
    else:
        source = found.source
    return StimulusSet(
        id="",
        side=table.side or told.side,
        branch=table.branch or told.branch,
        branch_source=_branch_source(table, told),
        source=source,
        precision_ms=precision_ms,
        text=told.text or None,
        stimuli=tuple(stimuli),
        trigger_channel=found.trigger_channel,
        n_left_out=left_out,
        problems=tuple(problems),
    )


def _moved(group: list[Marker], alignment: Alignment) -> list[Marker]:
    pairs = zip(group, alignment.times_s.tolist(), strict=True)
    moved = [replace(marker, time_s=time_s) for marker, time_s in pairs if np.isfinite(time_s)]
    return sorted(moved, key=lambda marker: marker.time_s)


def _use(
    recording: Recording, settings: Settings, source: StimulusSource, group: list[Marker]
) -> tuple[list[Stimulus], dict[str, int], _Check]:
    """Make stimuli of the markers that can be used; how many cannot, by reason; what the artifacts say."""
    left_out: dict[str, int] = {}
    inside = _inside(recording, np.array([marker.time_s for marker in group]), settings)
    if not inside.all():
        left_out["outside_data"] = int((~inside).sum())
        group = [marker for marker, is_inside in zip(group, inside, strict=True) if is_inside]
    stimuli = _as_stimuli(group)
    if source is StimulusSource.ARTIFACT or not stimuli:
        return stimuli, left_out, _Check(doubtful=np.zeros(len(stimuli), dtype=bool))
    check = _check(recording, settings, stimuli)
    if check.doubtful.any():
        left_out["no_artifact"] = int(check.doubtful.sum())
    stimuli = [one for one, is_doubtful in zip(stimuli, check.doubtful, strict=True) if not is_doubtful]
    return stimuli, left_out, check


def _branch_source(table: StimulationSettings, told: StimulusText) -> BranchSource | None:
    if table.branch is not None:
        return BranchSource.SETTINGS
    return None if told.branch is None else BranchSource.ANNOTATION


def _disagreements(table: StimulationSettings, told: StimulusText) -> list[Problem]:
    found = []
    for what, said, text in (("side", table.side, told.side), ("branch", table.branch, told.branch)):
        if said is not None and text is not None and said is not text:
            message = (
                f"the settings say that the stimulated {what} is {said.replace('_', ' ')}, the annotations "
                f"({quoted(told.text)}) say {text.replace('_', ' ')}; the settings stand"
            )
            found.append(Problem(code=f"{what}_disagrees", message=message))
    return found


def _inside(recording: Recording, times_s: NDArray[np.float64], settings: Settings) -> NDArray[np.bool_]:
    """Tell which stimuli have all of the search window after them in one segment."""
    begin_s, end_s = (edge / 1e3 for edge in settings.detection.search_window_ms)
    starts = np.array([segment.start_s for segment in recording.segments])
    stops = np.array([segment.stop_s for segment in recording.segments])
    slowest_hz = min(
        (channel.rate_hz for channel in recording.channels if channel.is_voltage), default=1000.0
    )
    one_sample_s = 1.0 / max(slowest_hz, 1000.0)
    segment = np.searchsorted(starts, times_s + max(begin_s, 0.0) + 0.5 * one_sample_s) - 1
    inside: NDArray[np.bool_] = (segment >= 0) & (
        times_s + end_s <= stops[np.maximum(segment, 0)] + one_sample_s
    )
    return inside


def _as_stimuli(markers: Sequence[Marker]) -> list[Stimulus]:
    """Make markers stimuli; pulses up to 7 ms apart are one stimulus, a train."""
    trains: list[list[Marker]] = []
    for marker in markers:
        if trains and marker.time_s - trains[-1][-1].time_s <= LONGEST_PULSE_GAP_S:
            trains[-1].append(marker)
        else:
            trains.append([marker])
    return [
        Stimulus(
            time_s=float(train[0].time_s),
            intensity_ma=train[0].told.intensity_ma,
            pulse_width_ms=train[0].told.pulse_width_ms,
            train_ms=tuple(round(float(marker.time_s - train[0].time_s) * 1e3, 4) for marker in train),
            n_averaged=train[0].told.n_averaged,
        )
        for train in trains
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """What the stimulus artifacts say of the markers."""

    doubtful: NDArray[np.bool_]  # (n,): no artifact where the neighbours have one
    precision_ms: float | None = None  # None: too few artifacts to tell
    on_time: bool = False  # artifacts are at their markers
    problems: tuple[Problem, ...] = ()


def _check(recording: Recording, settings: Settings, stimuli: Sequence[Stimulus]) -> _Check:
    times_s = np.array([stimulus.time_s for stimulus in stimuli])
    channels = channels_for_artifacts(recording, settings)
    unchecked = _Check(doubtful=np.zeros(len(times_s), dtype=bool))
    if not channels:
        return unchecked
    before_s = next(
        (
            before_s
            for before_s in (LOOK_AROUND_S, 0.0)  # a sweep may begin with its stimulus
            if recording.windows_inside(times_s, before_s, LOOK_AROUND_S, channels).mean() >= 0.5
        ),
        None,
    )
    if before_s is None:
        return unchecked
    seen = measure_artifacts(recording, channels, times_s, before_s=before_s)
    lag_ms, precision_ms, problems = _offset(seen, recording.channels[channels[0]].rate_hz)
    intensities = np.array([np.nan if one.intensity_ma is None else one.intensity_ma for one in stimuli])
    doubtful = _doubtful(seen, lag_ms, intensities)
    on_time = precision_ms is not None and abs(lag_ms) <= WORTH_MOVING_MS
    return _Check(doubtful=doubtful, precision_ms=precision_ms, on_time=on_time, problems=problems)


def _offset(seen: Artifacts, rate_hz: float) -> tuple[float, float | None, tuple[Problem, ...]]:
    """How far, and how evenly, artifacts lie from their markers: lag, precision, and any problem."""
    lags = seen.lag_ms[np.isfinite(seen.lag_ms)]
    if len(lags) < 3 or len(lags) < 0.6 * seen.checked.sum():
        return 0.0, None, ()
    lag_ms = float(np.median(lags))
    if np.mean(np.abs(lags - lag_ms) <= AT_ONE_LAG_MS) < 0.8:
        return 0.0, None, ()
    scatter_ms = 2 * 1.4826 * float(np.median(np.abs(lags - lag_ms)))
    precision_ms = max(500.0 / rate_hz, scatter_ms)
    if abs(lag_ms) <= _OFFSET_WORTH_TELLING_MS:
        return lag_ms, precision_ms, ()
    message = (
        f"the stimulus artifact starts {abs(lag_ms):.1f} ms {'after' if lag_ms > 0 else 'before'} its marker "
        f"in {len(lags)} of {int(seen.checked.sum())} stimuli; latencies count from the marker"
    )
    if lag_ms > WORTH_MOVING_MS:
        message += ", since this may be no artifact, but a steep M wave or where the monitor ends to blank it"
    return lag_ms, precision_ms, (Problem(code="marker_offset", message=message),)


def _doubtful(seen: Artifacts, lag_ms: float, intensities_ma: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which markers lack the artifact that their neighbours have.

    The neighbours are the five markers with an artifact before and the five after; the weakest of them
    counts, so that a ramp or a step of the intensity is no lack. Where intensities are known, artifacts may
    shrink with them.
    """
    near = (seen.bins_ms >= lag_ms - 3.0) & (seen.bins_ms < lag_ms + 2.0)
    early = seen.bins_ms < lag_ms - 3.0
    doubtful = np.zeros(len(seen.checked), dtype=bool)
    if not early.any():
        return doubtful
    jumps = seen.jumps_uv[:, :, near].max(axis=-1)
    usual = np.median(jumps[seen.checked], axis=0)
    usual = np.where(usual > 0, usual, np.inf)
    sizes = np.median(jumps / usual, axis=1)
    noise = np.median(np.median(seen.jumps_uv[:, :, early], axis=-1) / usual, axis=1)
    has = np.abs(seen.lag_ms - lag_ms) <= AT_ONE_LAG_MS
    if has.sum() <= _MOST_HAVE_ARTIFACT * seen.checked.sum():
        return doubtful
    known = has & (intensities_ma > 0)
    slope = float(np.median(sizes[known] / intensities_ma[known])) if known.any() else np.nan
    with_artifact = np.flatnonzero(has)
    for index in np.flatnonzero(seen.checked & ~has & (sizes < 3 * noise)).tolist():
        place = int(np.searchsorted(with_artifact, index))
        expected = float(sizes[with_artifact[max(0, place - 5) : place + 5]].min())
        if np.isfinite(slope * intensities_ma[index]):
            expected = min(expected, slope * float(intensities_ma[index]))
        doubtful[index] = sizes[index] < _COMPARABLE * expected and expected > _PLAIN * noise[index]
    return doubtful
