"""One data record per sweep: the record's start tells when it was stimulated, where nothing else does.

Conventions
-----------
Times are seconds since the recording's start. Sweeps of an EDF+D file last half a second at most and have
gaps between them; a continuous recording that was paused now and then is none of these.
"""

from __future__ import annotations

from collections.abc import Sequence

from lsr.recording import Recording
from lsr.settings import StimulationSettings
from lsr.stimuli.annotated import find_n_averaged
from lsr.stimuli.marker import Marker, Markers, table_at
from lsr.stimuli.stimulus import StimulusSource
from lsr.stimuli.texts import StimulusText

_LONGEST_SWEEP_S = 0.5  # evoked sweeps last 20-100 ms; records of a second are a continuous recording's


def holds_sweeps(recording: Recording) -> bool:
    """Tell whether each data record is a sweep of its own."""
    starts, length = recording.record_times_s, recording.record_duration_s
    if starts is None or len(starts) == 0 or length is None or not 0 < length <= _LONGEST_SWEEP_S:
        return False
    if len(starts) == 1:
        return recording.format.endswith("+D")
    return len(recording.segments) >= 0.5 * len(starts)


def find_recorded(
    recording: Recording, tables: Sequence[StimulationSettings], allowed: Sequence[int]
) -> Markers:
    """Take the start of every data record for a stimulus; nothing where records are no sweeps."""
    markers, n_outside_window = [], 0
    if holds_sweeps(recording) and recording.record_times_s is not None:
        averaged = find_n_averaged(recording)
        for record, time_s in enumerate(recording.record_times_s.tolist()):
            table = table_at(time_s, tables, allowed)
            if table is None:
                n_outside_window += 1
            else:
                markers.append(Marker(time_s, StimulusText(n_averaged=averaged.get(record)), table, record))
    quickest_hz = max((channel.rate_hz for channel in recording.channels), default=1000.0)
    return Markers(
        source=StimulusSource.RECORD,
        precision_ms=500.0 / quickest_hz,
        markers=tuple(markers),
        n_outside_window=n_outside_window,
    )


def holds_averages(recording: Recording) -> bool:
    """Tell by its name whether a file is the average of another: RA.edf beside R.edf (EDF+, 2.3)."""
    path = recording.path
    if path is None or not path.stem.endswith("A") or not holds_sweeps(recording):
        return False
    return path.with_name(path.stem[:-1] + path.suffix).is_file()
