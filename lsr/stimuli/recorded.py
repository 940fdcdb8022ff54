"""One data record per sweep: the record's start tells when it was stimulated, where nothing else does.

Conventions
-----------
Times are seconds since the recording's start.
"""

from __future__ import annotations

from collections.abc import Sequence

from lsr.recording import Recording
from lsr.settings import StimulationSettings
from lsr.stimuli.annotated import find_n_averaged
from lsr.stimuli.marker import Marker, Markers, table_at
from lsr.stimuli.stimulus import StimulusSource
from lsr.stimuli.sweep_files import holds_sweeps
from lsr.stimuli.texts import StimulusText


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
