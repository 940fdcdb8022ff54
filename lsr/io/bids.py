"""How is a recording of an EMG-BIDS data set read: the file, and what its sidecars say of it?

Conventions
-----------
BIDS 1.11, `emg/`. Samples, their times and their calibration are those of the file; muscles, sides, kinds of
channels, units that the file leaves open, stimuli and stages are those of the sidecars. `docs/bids.md` tells
which column tells what.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lsr.io.bids_events import EventNames, read_annotations
from lsr.io.bids_files import read_json, read_rows
from lsr.io.bids_names import BidsRecording, find_sidecars
from lsr.io.labels import read_label
from lsr.io.units import microvolts_per
from lsr.recording import Annotation, Channel, Problem, Recording
from lsr.stimuli.texts import reads_as_event, reads_as_pulse

_COUNTS_DIFFER = 0.02  # share of stimuli by which events and annotations may differ without a word


def stated_units(found: BidsRecording) -> dict[str, str]:
    """Tell the unit of each channel, as channels.tsv states it."""
    return {row["name"]: row["units"] for row in _channel_rows(found) if "name" in row and "units" in row}


def add_sidecars(recording: Recording, found: BidsRecording) -> Recording:
    """Let the sidecars of a recording say what they know of it.

    Parameters
    ----------
    recording : Recording
        As read from the file alone; it is changed.
    found : BidsRecording

    Returns
    -------
    Recording
        The same one.

    Raises
    ------
    MalformedRecording
        A sidecar that cannot be read, or breaks its format.
    """
    rows = {row["name"]: row for row in _channel_rows(found) if "name" in row}
    about = read_json(find_sidecars(found, "emg", ".json"))
    problems: list[Problem] = []
    recording.channels = tuple(
        _told_by(channel, rows[channel.label], problems) if channel.label in rows else channel
        for channel in recording.channels
    )
    strangers = sorted(rows.keys() - {channel.label for channel in recording.channels})
    if strangers:
        message = f"channels.tsv names {', '.join(map(repr, strangers[:5]))}, which the file does not have"
        problems.append(Problem(code="bids_channel_missing", message=message))
    tables = find_sidecars(found, "events", ".tsv")
    if tables:
        columns = read_json(find_sidecars(found, "events", ".json"))
        parameters = about.get("ElectricalStimulationParameters")
        names = EventNames(columns=columns, parameters=parameters if isinstance(parameters, str) else "")
        events = _events_of(recording, tables[-1], names)
        gaps_closed = len(recording.segments) > 1 and about.get("RecordingType") == "continuous"
        recording.annotations, odd = _join(recording.annotations, events, gaps_closed=gaps_closed)
        problems += odd
    recording.problems += tuple(problems)
    return recording


def _channel_rows(found: BidsRecording) -> list[dict[str, str]]:
    tables = find_sidecars(found, "channels", ".tsv")
    return read_rows(tables[-1], ["name", "type", "units"]) if tables else []


def _told_by(channel: Channel, row: dict[str, str], problems: list[Problem]) -> Channel:
    """Let a row of channels.tsv say what a channel is."""
    label, kind = repr(channel.label), row.get("type", "EMG").upper()
    stated = microvolts_per(row.get("units", ""))
    own = microvolts_per(channel.unit)
    if stated and own and stated != own:
        message = (
            f"channel {label}: channels.tsv states {row['units']!r}, the file {channel.unit!r}; "
            "the file holds the samples and is followed"
        )
        problems.append(Problem(code="bids_units_differ", message=message))
    if kind == "TRIG":
        return replace(channel, muscle=None, side=None, is_trigger=True)
    target = row.get("target_muscle", "")
    if kind != "EMG" and not target:
        return replace(channel, muscle=None, side=None)
    if row.get("status", "").lower() == "bad":
        reason = row.get("status_description", "")
        why = f" ({reason})" if reads_as_event(reason) else ""  # other words may name a person
        message = f"channel {label}: channels.tsv marks it bad{why}; it is left out"
        problems.append(Problem(code="bids_channel_bad", message=message))
        return replace(channel, muscle=None, side=None)
    told = [read_label(target), read_label(row.get("description", ""))]
    muscle = next((one.muscle for one in told if one.muscle), None)
    side = next((one.side for one in told if one.side), None)
    if target and muscle is None:
        message = (
            f"channel {label}: target_muscle {target!r} of channels.tsv names no muscle that is known here"
        )
        problems.append(Problem(code="bids_muscle_unknown", message=message))
    if (muscle and channel.muscle not in (None, muscle)) or (side and channel.side not in (None, side)):
        message = (
            f"channel {label}: channels.tsv tells another muscle or side than its label, and is followed"
        )
        problems.append(Problem(code="bids_muscle_differs", message=message))
    return replace(channel, muscle=muscle or channel.muscle, side=side or channel.side)


def _events_of(recording: Recording, table: Path, names: EventNames) -> list[Annotation]:
    first_sample_s = recording.segments[0].start_s if recording.segments else 0.0
    rows = read_rows(table, ["onset", "duration"])
    events = read_annotations(rows, names, table, first_sample_s=first_sample_s)
    starts = [segment.start_s for segment in recording.segments]

    def lies_inside(time_s: float) -> bool:
        segment = bisect_right(starts, time_s) - 1
        return segment >= 0 and time_s < recording.segments[segment].stop_s

    return [replace(event, inside=lies_inside(event.time_s)) for event in events]


def _join(
    own: Sequence[Annotation], events: list[Annotation], *, gaps_closed: bool
) -> tuple[tuple[Annotation, ...], list[Problem]]:
    """Choose between the annotations of the file and the events beside it, where both tell of stimuli.

    Events stand above annotations, unless the sidecars take a recording with gaps for a continuous one: then
    their times count as though there were none, or end too early.
    """
    n_own = sum(reads_as_pulse(one.text) for one in own)
    n_events = sum(reads_as_pulse(one.text) for one in events)
    if not n_events or not n_own:
        # Each may know what the other does not; a text that both put at one time comes once.
        known = {(round(event.time_s, 3), event.text) for event in events}
        others = [one for one in own if (round(one.time_s, 3), one.text) not in known]
        return tuple(sorted([*events, *others], key=lambda one: one.time_s)), []
    if gaps_closed:
        message = (
            "emg.json calls this recording continuous, but it has gaps, so the times of events.tsv cannot be "
            f"trusted: the {n_own} stimuli of the file's own annotations are used, not its {n_events}"
        )
        return tuple(own), [Problem(code="bids_gaps_ignored", message=message)]
    problems = []
    if abs(n_own - n_events) > _COUNTS_DIFFER * max(n_own, n_events):
        message = (
            f"events.tsv tells {n_events} stimuli, the file's own annotations {n_own}; events.tsv is followed"
        )
        problems.append(Problem(code="bids_events_differ", message=message))
    return tuple(events), problems
