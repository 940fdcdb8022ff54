"""Is each data record of a file a sweep of its own, and is it an average?

Conventions
-----------
Sweeps of an EDF+D file last half a second at most and have gaps between them; a continuous recording that was
paused now and then is none of these.
"""

from __future__ import annotations

from lsr.recording import Recording

_LONGEST_SWEEP_S = 0.5  # evoked sweeps last 20-100 ms; records of a second are a continuous recording's


def holds_sweeps(recording: Recording) -> bool:
    """Tell whether each data record is a sweep of its own."""
    starts, length = recording.record_times_s, recording.record_duration_s
    if starts is None or len(starts) == 0 or length is None or not 0 < length <= _LONGEST_SWEEP_S:
        return False
    if len(starts) == 1:
        return recording.format.endswith("+D")
    return len(recording.segments) >= 0.5 * len(starts)


def holds_averages(recording: Recording) -> bool:
    """Tell by its name whether a file is the average of another: RA.edf beside R.edf (EDF+, 2.3)."""
    path = recording.path
    if path is None or not path.stem.endswith("A") or not holds_sweeps(recording):
        return False
    return path.with_name(path.stem[:-1] + path.suffix).is_file()
