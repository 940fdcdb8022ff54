"""How are formats other than EDF read, and how does a recording become mne's? The one place that knows mne.

Conventions
-----------
mne keeps volts; here voltages are microvolts. mne is imported when it is needed, never before. mne does not
read EDF here: it joins what gaps part, and reads wrong samples where rates differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lsr.errors import MalformedRecording, UnknownFormat
from lsr.recording import Annotation, Channel, Problem, Recording, Segment

if TYPE_CHECKING:
    import mne

    from lsr.stimuli import StimulusSet

_GAP = "BAD_ACQ_SKIP"  # mne's own word for samples that were never taken


def read_with_mne(path: Path) -> Recording:
    """Read a file of another format through mne."""
    raise UnknownFormat(f"{path.name}: no adapter reads this format; export it as EDF+")


def raw_from_recording(recording: Recording, channels: Sequence[int] | None) -> mne.io.RawArray:
    """Turn a recording into an `mne.io.Raw`; see `Recording.to_mne`."""
    raise NotImplementedError
