"""Stimuli: when each electrical pulse was given, on which branch, how strong, and how that is known.

Conventions
-----------
Times are seconds since the recording's start. Stimuli of a set are sorted in time. What tells of them is
asked in this order: the settings, annotations, a trigger channel, one data record per sweep, and the stimulus
artifact itself. Until they are sorted into sets, the marks found are `Marker`s.
"""

from lsr.stimuli.find import find_stimuli
from lsr.stimuli.stimulus import BranchSource, Stimulus, StimulusSet, StimulusSource
from lsr.stimuli.unmarked import Unmarked, find_unmarked

__all__ = [
    "BranchSource",
    "Stimulus",
    "StimulusSet",
    "StimulusSource",
    "Unmarked",
    "find_stimuli",
    "find_unmarked",
]
