"""Find the stimuli of a recording: which source tells of them, and who asks next when it is silent.

Conventions
-----------
Times are seconds since the recording's start. The settings come first, then annotations, a trigger channel,
one data record per sweep, and the stimulus artifact at the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsr.errors import NoStimuli
from lsr.recording import Channel, Problem, Recording
from lsr.settings import Settings, StimulationSettings
from lsr.stimuli.annotated import find_annotated
from lsr.stimuli.marker import Markers, matches
from lsr.stimuli.paired import NOT_PAIRED
from lsr.stimuli.recorded import find_recorded
from lsr.stimuli.searched import find_artifacts
from lsr.stimuli.sets import build_sets
from lsr.stimuli.stimulus import StimulusSet, StimulusSource
from lsr.stimuli.sweep_files import holds_sweeps
from lsr.stimuli.texts import quoted, reads_as_event, words_of
from lsr.stimuli.triggered import find_triggered, named_channel, trigger_channels
from lsr.stimuli.twice import without_told_twice

_COUNTS_DIFFER = 0.02  # share of stimuli by which two sources may differ without a word
_AUXILIARY_PULSES = 5  # a direct-current input is taken for a trigger from so many pulses on
_PLAUSIBLE_INTERVAL_S = (0.05, 20.0)  # between stimuli: 0.5-5 Hz is usual


def find_stimuli(recording: Recording, settings: Settings) -> tuple[StimulusSet, ...]:
    """Find when each stimulus was given, on which branch, how strong, and how that is known.

    Parameters
    ----------
    recording : Recording
    settings : Settings
        `Settings.stimulation` says what the file does not; `Settings.channels` may leave channels out;
        `DetectionSettings.search_window_ms` has to lie within the data after every stimulus.

    Returns
    -------
    tuple[StimulusSet, ...]
        In the order of their first stimuli, none empty. A set without a branch is for the caller to infer.

    Raises
    ------
    NoStimuli
        Nothing in the recording tells when it was stimulated, or it holds no data.
    """
    if not recording.segments:
        raise NoStimuli(f"{recording.name}: holds no data, only a header; copy it again from the monitor")
    tables = settings.stimulation or (StimulationSettings(),)
    found, problems = _ask_sources(recording, settings, tables)
    if not any(source.markers for source in found):
        raise NoStimuli(_nothing_found(recording, settings, tables, found))
    sets = [one for source in found for one in build_sets(recording, settings, source)]
    kept = sorted((one for one in sets if one.stimuli), key=lambda one: one.stimuli[0].time_s)
    if not kept:
        raise NoStimuli(_all_left_out(recording, settings, sets))
    problems += [said for one in sets if not one.stimuli for said in (*one.problems, _set_left_out(one))]
    kept, twice = without_told_twice(kept)
    problems += twice
    problems += [*_records_without_stimulus(recording, kept), *_tables_without_stimuli(tables, found)]
    kept[0] = replace(kept[0], problems=(*problems, *kept[0].problems))
    return tuple(replace(one, id=f"S{number}") for number, one in enumerate(kept, start=1))


def _ask_sources(
    recording: Recording, settings: Settings, tables: Sequence[StimulationSettings]
) -> tuple[list[Markers], list[Problem]]:
    """Ask each source in turn; later ones only where the earlier are silent."""
    found, problems = [], []
    by_channel: dict[str, list[int]] = {}
    others, artifacts = [], []
    for index, table in enumerate(tables):
        if table.source:
            artifacts.append(index)
        elif table.trigger_channel and not _is_annotated(recording, table):
            by_channel.setdefault(table.trigger_channel, []).append(index)
        else:
            others.append(index)
    for label, allowed in by_channel.items():
        channel = named_channel(recording, label, [tables[index].annotation for index in allowed])
        found.append(find_triggered(recording, channel, tables, allowed, settings))
        if not found[-1].markers:
            problems.append(_silent_channel(channel))
    if artifacts:
        found.append(find_artifacts(recording, settings, tables, artifacts))
    if not others:
        return found, problems
    annotated = find_annotated(recording, tables)
    found.append(annotated)
    if annotated.markers:
        return found, problems + _compare_with_triggers(recording, settings, tables, others, annotated)
    if any(tables[index].annotation for index in others):
        return found, problems  # the user has said which annotations, so nothing else will do
    triggered, silent = _ask_trigger_channels(recording, settings, tables, others)
    problems += silent
    for markers in (triggered, find_recorded(recording, tables, others)):
        if markers is not None and markers.markers:
            return [*found, markers], problems
    found.append(find_artifacts(recording, settings, tables, others))
    return found, problems


def _is_annotated(recording: Recording, table: StimulationSettings) -> bool:
    """Whether a table has annotations of its own: a trigger channel that it names too is asked where not."""
    pattern = table.annotation
    return pattern is not None and any(matches(one.text, pattern) for one in recording.annotations)


def _ask_trigger_channels(
    recording: Recording, settings: Settings, tables: Sequence[StimulationSettings], allowed: Sequence[int]
) -> tuple[Markers | None, list[Problem]]:
    """Pulses of the first channel that has any: a trigger by name, or a DC input with a series."""
    named, auxiliary = trigger_channels(recording)
    problems: list[Problem] = []
    for channel in named:
        markers = find_triggered(recording, channel, tables, allowed, settings)
        if markers.markers:
            return markers, problems
        problems.append(_silent_channel(channel))
    for channel in auxiliary:
        markers = find_triggered(recording, channel, tables, allowed, settings)
        times = [marker.time_s for marker in markers.markers]
        if len(times) >= _AUXILIARY_PULSES:
            interval_s = float(np.median(np.diff(times)))
            if _PLAUSIBLE_INTERVAL_S[0] <= interval_s <= _PLAUSIBLE_INTERVAL_S[1]:
                return markers, problems
    return None, problems


def _silent_channel(channel: Channel) -> Problem:
    message = f"channel {channel.label!r} should carry triggers but shows no pulse"
    return Problem(code="trigger_channel_flat", message=message)


def _compare_with_triggers(
    recording: Recording,
    settings: Settings,
    tables: Sequence[StimulationSettings],
    allowed: Sequence[int],
    annotated: Markers,
) -> list[Problem]:
    """Say so where a trigger channel counts other than the annotations, which stand."""
    problems = []
    for channel in trigger_channels(recording)[0]:
        n_edges = len(find_triggered(recording, channel, tables, allowed, settings).markers)
        n_annotated = len(annotated.markers)
        if n_edges and abs(n_edges - n_annotated) > _COUNTS_DIFFER * max(n_edges, n_annotated):
            message = (
                f"{n_annotated} annotations report stimuli, but the trigger channel {channel.label!r} shows "
                f"{n_edges} pulses; the annotations are used; if the pulses are the stimuli, say in the "
                f'configuration: [stimulation] trigger_channel = "{channel.label}"'
            )
            problems.append(Problem(code="trigger_count_differs", message=message))
    return problems


def _records_without_stimulus(recording: Recording, sets: Sequence[StimulusSet]) -> list[Problem]:
    """Say how many sweeps of a file of sweeps have no stimulus."""
    starts, length = recording.record_times_s, recording.record_duration_s
    if starts is None or length is None or not holds_sweeps(recording):
        return []
    times = np.array([stimulus.time_s for one in sets for stimulus in one.stimuli])
    with_stimulus = np.unique(np.searchsorted(starts, times + length / 2, side="right") - 1)
    n_without = len(starts) - len(with_stimulus)
    if n_without <= 0:
        return []
    message = f"{n_without} of {len(starts)} sweeps have no stimulus and are not used"
    return [Problem(code="sweeps_without_stimulus", message=message)]


def _tables_without_stimuli(tables: Sequence[StimulationSettings], found: Sequence[Markers]) -> list[Problem]:
    """Say which tables of the settings nothing belongs to: what is theirs may count as that of another."""
    taken = {marker.table for source in found for marker in source.markers}
    named = []
    for index, table in enumerate(tables):
        if index not in taken and not table.trigger_channel:  # a silent channel is told as such
            stated = [f"{name} = {value}" for name, value in table.model_dump(mode="json").items() if value]
            named.append(f"number {index + 1} ({', '.join(stated)})")
    if not named:
        return []
    message = (
        f"of the [[stimulation]] tables of the settings, no stimulus belongs to {' and '.join(named)}: none "
        "is in this recording, or a table before it takes them; window_s or annotation tells them apart"
    )
    return [Problem(code="stimulation_not_there", message=message)]


def _set_left_out(one: StimulusSet) -> Problem:
    reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in one.n_left_out.items())
    text = quoted(one.text, of_channel=one.trigger_channel is not None)
    return Problem(code="stimulus_set_left_out", message=f"no stimulus {text} can be used: {reasons}")


def _nothing_found(
    recording: Recording, settings: Settings, tables: Sequence[StimulationSettings], found: Sequence[Markers]
) -> str:
    """What was looked at, and the way out; free texts may hold names, so only known words are quoted."""
    outside = next((source for source in found if source.n_outside_window), None)
    if outside is not None:
        return _all_outside(recording, tables, outside)
    counts = Counter(annotation.text.strip() for annotation in recording.annotations)
    counts.pop("", None)
    words = words_of(settings.course.stages)
    quotable = [text for text, _ in counts.most_common() if reads_as_event(text, words)]
    quoted = ", ".join(repr(text[:30]) for text in quotable[:3])
    patterns = [table.annotation for table in tables if table.annotation]
    channels = [
        table.trigger_channel
        for table in tables
        if table.trigger_channel and not _is_annotated(recording, table)
    ]
    examples = f" (found {quoted}, …)" if quoted else ""
    said = []
    if not all(table.source for table in tables):
        said.append(f"none of {counts.total()} annotations {_wanted(patterns)}{examples}")
    if channels:
        said.append(f"the trigger channel {', '.join(map(repr, channels))} shows no pulse")
    if said and any(source.source is StimulusSource.ARTIFACT for source in found):
        said.append("no trigger channel carries pulses, and records are no sweeps")
    if any(source.source is StimulusSource.ARTIFACT for source in found):
        said.append("no stimulus artifact recurs")
    if any(problem.code == "truncated" for problem in recording.problems):
        said.append("the file is cut off, and they may be in what is missing: copy it again from the monitor")
    labels = ", ".join(repr(channel.label) for channel in recording.channels[:8])
    return (
        f"{recording.name}: nothing tells when it was stimulated: {'; '.join(said)}; "
        f"channels: {labels or 'none'}. "
        'Say in the configuration what does: [stimulation] with annotation = "…" or trigger_channel = "…"'
    )


def _all_outside(recording: Recording, tables: Sequence[StimulationSettings], outside: Markers) -> str:
    """Stimuli are told, but not where the settings look; later sources would count the same ones again."""
    windows = " and ".join(str(list(table.window_s)) for table in tables if table.window_s)
    return (
        f"{recording.name}: all {outside.n_outside_window} stimuli lie outside window_s of the settings, "
        f"{windows}; they are told by {outside.source.replace('_', ' ')}, and the recording ends at "
        f"{recording.end_s:g} s: correct window_s, or leave it out"
    )


def _wanted(patterns: Sequence[str]) -> str:
    if patterns:
        return "matches " + " or ".join(map(repr, patterns))
    return "reads as a stimulus"


def _all_left_out(recording: Recording, settings: Settings, sets: Sequence[StimulusSet]) -> str:
    reasons: Counter[str] = Counter()
    for one in sets:
        reasons.update(one.n_left_out)
    counted = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in reasons.items())
    if not_paired := [said for one in sets for said in one.problems if said.code == NOT_PAIRED]:
        return f"{recording.name}: no stimulus can be used ({counted}): {not_paired[0].message}"
    end_ms = settings.detection.search_window_ms[1]
    return (
        f"{recording.name}: no stimulus can be used ({counted}); each has to lie in the data with at least "
        f"{end_ms:g} ms (detection.search_window_ms) after it: check the annotation times or that setting"
    )
