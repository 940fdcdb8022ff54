"""Annotated stimuli: which annotations report a pulse, and what the others add to it.

Conventions
-----------
Times are seconds since the recording's start. An XML note describes the stimulus marked at its own time, or,
where records are sweeps, that of its record; it is the mark where there is no other. "stimulus_V=0.3" is a
note where plain "stimulus" marks exist, else a mark.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsr.recording import Problem, Recording
from lsr.settings import StimulationSettings
from lsr.stimuli.marker import SAME_PULSE_S, Marker, Markers, matches, table_at
from lsr.stimuli.stimulus import StimulusSource
from lsr.stimuli.sweep_files import holds_sweeps
from lsr.stimuli.texts import StimulusText, fill_in, read_stimulus_text, reads_as_pulse


def find_annotated(recording: Recording, tables: Sequence[StimulationSettings]) -> Markers:
    """Find the annotations that report pulses.

    Parameters
    ----------
    recording : Recording
    tables : Sequence[StimulationSettings]
        The settings' stimulus sets; those with another source of their own take no annotations.
    """
    allowed: dict[str, tuple[int, ...]] = {}  # text: the tables it may belong to
    markers, notes, n_outside_window = [], [], 0
    for annotation in recording.annotations:
        text = annotation.text
        if text not in allowed:
            allowed[text] = _tables_of(text, tables)
        if not allowed[text]:
            told = read_stimulus_text(text)
            if told.is_xml and (told.intensity_ma is not None or told.pulse_width_ms is not None):
                notes.append(Marker(annotation.time_s, told, 0, annotation.record))
            continue
        table = table_at(annotation.time_s, tables, allowed[text])
        if table is None:
            n_outside_window += 1
        else:
            markers.append(Marker(annotation.time_s, read_stimulus_text(text), table, annotation.record))
    markers, problems = _counted_from_start(_without_parameter_notes(markers), recording)
    markers = _with_xml_notes(sorted(markers, key=_time_s), notes, by_record=holds_sweeps(recording))
    markers = _with_counters_read(markers)
    averaged = find_n_averaged(recording)
    return Markers(
        source=StimulusSource.ANNOTATION,
        precision_ms=_precision_ms([marker.time_s for marker in markers], recording),
        markers=tuple(_with_averages(markers, averaged) if averaged else markers),
        n_outside_window=n_outside_window,
        problems=problems,
    )


def find_n_averaged(recording: Recording) -> dict[int, int]:
    """How many sweeps each data record averages, where an annotation in it says so."""
    found = {}
    for annotation in recording.annotations:
        if annotation.record is not None and annotation.text:
            n_averaged = read_stimulus_text(annotation.text).n_averaged
            if n_averaged is not None:
                found[annotation.record] = n_averaged
    return found


def _tables_of(text: str, tables: Sequence[StimulationSettings]) -> tuple[int, ...]:
    """Tables a text may belong to: those whose pattern it matches, else those without one, for a pulse."""
    named = tuple(i for i, table in enumerate(tables) if table.annotation and matches(text, table.annotation))
    if named or not reads_as_pulse(text):
        return named
    own = [table.annotation or table.trigger_channel or table.source for table in tables]
    return tuple(i for i, other in enumerate(own) if not other)


def _without_parameter_notes(markers: list[Marker]) -> list[Marker]:
    """Leave out parameter notes of kinds that have plain marks as well."""
    plain = {(marker.table, marker.told.kind) for marker in markers if not marker.told.is_note}
    return [
        marker
        for marker in markers
        if not marker.told.is_note or (marker.table, marker.told.kind) not in plain
    ]


def _counted_from_start(
    markers: list[Marker], recording: Recording
) -> tuple[list[Marker], tuple[Problem, ...]]:
    """Put right the times of writers that count from the start of each record instead of the recording's.

    Done only where nearly all marks in later records lie before their own record, and inside it so counted.
    """
    starts, length = recording.record_times_s, recording.record_duration_s
    if starts is None or not length or not recording.format.endswith("+D"):
        return markers, ()
    later = [m.record is not None and starts[m.record] > starts[0] + length for m in markers]
    relative = [is_later and 0 <= m.time_s < length for m, is_later in zip(markers, later, strict=True)]
    if sum(relative) < max(2, 0.8 * sum(later)):
        return markers, ()
    moved = [
        replace(marker, time_s=float(starts[marker.record]) + marker.time_s)
        if is_relative and marker.record is not None
        else marker
        for marker, is_relative in zip(markers, relative, strict=True)
    ]
    message = f"the times of {sum(relative)} stimulus annotations count from the start of their data record"
    return moved, (Problem(code="annotation_times_relative", message=message),)


def _with_xml_notes(markers: list[Marker], notes: list[Marker], *, by_record: bool) -> list[Marker]:
    """Let XML notes fill in what the marks that they describe leave open; such a note is no second mark.

    Parameters
    ----------
    markers : list[Marker]
        Some may be notes that speak of a stimulus, and are marks where nothing else marks it.
    notes : list[Marker]
        Notes that can only fill in.
    by_record : bool
        Records are sweeps: a note describes the stimulus of its record, whatever its own time.
    """
    if not notes and not any(marker.told.is_xml for marker in markers):
        return markers
    filled = [marker for marker in markers if not marker.told.is_xml]
    speaking = [marker for marker in markers if marker.told.is_xml]
    alone = [note for note in speaking if not _fill_in_marks(filled, note, by_record=by_record)]
    joined = sorted(filled + alone, key=_time_s)
    for note in notes:
        _fill_in_marks(joined, note, by_record=by_record)
    return joined


def _fill_in_marks(marks: list[Marker], note: Marker, *, by_record: bool) -> bool:
    """Fill in the marks, sorted by time, that a note describes; False where there is none."""
    begin = bisect_left(marks, note.time_s - SAME_PULSE_S, key=_time_s)
    end = bisect_right(marks, note.time_s + SAME_PULSE_S, key=_time_s)
    described = list(range(begin, end))
    if not described and by_record and note.record is not None:
        described = [k for k, mark in enumerate(marks) if mark.record == note.record]
    for k in described:
        marks[k] = replace(marks[k], told=fill_in(marks[k].told, note.told))
    return bool(described)


def _time_s(marker: Marker) -> float:
    return marker.time_s


def _with_counters_read(markers: list[Marker]) -> list[Marker]:
    """Take numbers at the end of texts for kinds ("Stim 1", "Stim 2"), unless they merely count."""
    counters: dict[str, Counter[str]] = {}
    for marker in markers:
        if marker.told.counter is not None:
            counters.setdefault(marker.told.kind, Counter())[marker.told.counter] += 1
    kinds = {kind for kind, seen in counters.items() if 1 < len(seen) <= seen.total() // 3}
    if not kinds:
        return markers
    numbered: dict[StimulusText, StimulusText] = {}
    for told in {marker.told for marker in markers if marker.told.kind in kinds and marker.told.counter}:
        numbered[told] = replace(told, text=f"{told.text} {told.counter}", kind=f"{told.kind} {told.counter}")
    return [replace(marker, told=numbered.get(marker.told, marker.told)) for marker in markers]


def _with_averages(markers: list[Marker], averaged: dict[int, int]) -> list[Marker]:
    """Carry over how many sweeps a record averages to the stimulus of that record."""
    carried = []
    for marker in markers:
        n_averaged = None if marker.record is None else averaged.get(marker.record)
        if n_averaged is None or marker.told.n_averaged is not None:
            carried.append(marker)
        else:
            carried.append(replace(marker, told=replace(marker.told, n_averaged=n_averaged)))
    return carried


def _precision_ms(times_s: Sequence[float], recording: Recording) -> float:
    """Half the last decimal place that the times use, at worst a millisecond's, at best half a sample.

    Times on a coarser grid are a regular stimulus rate rather than coarse times.
    """
    quickest_hz = max((channel.rate_hz for channel in recording.channels), default=1000.0)
    half_sample_ms = 500.0 / quickest_hz
    times = np.asarray(times_s)
    for decimals in range(3, 7):
        scaled = times * 10.0**decimals
        if len(times) and np.all(np.abs(scaled - np.rint(scaled)) < 1e-3):
            return max(half_sample_ms, 500.0 / 10.0**decimals)
    return half_sample_ms
