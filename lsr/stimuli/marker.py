"""Markers: what tells of one pulse, before stimuli are sorted into sets.

Conventions
-----------
Times are seconds since the recording's start. A table is one ``[[stimulation]]`` table of the settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lsr.recording import Problem
from lsr.settings import StimulationSettings
from lsr.stimuli.stimulus import StimulusSource
from lsr.stimuli.texts import StimulusText

SAME_PULSE_S = 0.3e-3  # marks closer than this are one pulse told twice
LONGEST_PULSE_GAP_S = 7e-3  # pulses of a train are 0.5-7 ms apart (Yamashita 2002)
AT_ONE_LAG_MS = 0.3  # artifacts within this of one lag from their markers have it in common
WORTH_MOVING_MS = 1.0  # a lag up to this is within what latencies repeat to (4-10 % of 10 ms)


@dataclass(frozen=True, slots=True)
class Marker:
    """One mark that tells of a pulse."""

    time_s: float
    told: StimulusText
    table: int  # which table it belongs to
    record: int | None = None  # the data record that holds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Markers:
    """Everything that one source tells, in the order of time."""

    source: StimulusSource
    precision_ms: float  # how exact the times are: +- this
    markers: tuple[Marker, ...]
    trigger_channel: str | None = None  # its label, where one tells
    n_outside_window: int = 0  # left out because of the settings' `window_s`
    problems: tuple[Problem, ...] = ()


def matches(text: str, pattern: str) -> bool:
    """Tell whether a text matches a shell pattern, capitals or not."""
    return fnmatchcase(text.strip().lower(), pattern.strip().lower())


def table_at(time_s: float, tables: Sequence[StimulationSettings], allowed: Sequence[int]) -> int | None:
    """The first allowed table that speaks of this part of the recording."""
    for index in allowed:
        window_s = tables[index].window_s
        if window_s is None or window_s[0] <= time_s < window_s[1]:
            return index
    return None
