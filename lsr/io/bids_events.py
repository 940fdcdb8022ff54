"""Which texts do the events of a BIDS recording put at which times?

Conventions
-----------
Onsets count from the first sample, in seconds. The text of an event is that of its `trial_type`, else its
`value`, or what events.json says of these under `Levels`, whichever reads as a stimulus or a stage. What a
stimulus leaves open (side, branch, pulse width, current) is filled in from the other columns of its row, then
from `Levels`, then from `ElectricalStimulationParameters` of emg.json. A column `stage` opens a stage where
it changes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsr.errors import MalformedRecording
from lsr.io.bids_files import line_of
from lsr.recording import Annotation
from lsr.settings import DEFAULT_STAGES
from lsr.stages import stage_of
from lsr.stimuli.texts import StimulusText, fill_in, read_stimulus_text, reads_as_pulse

_TEXT_COLUMNS = ("trial_type", "value")
_OTHER_COLUMNS = frozenset(
    {
        "",
        "onset",
        "duration",
        "sample",
        "response_time",
        "stim_file",
        "channel",
        "HED",
        "stage",
        *_TEXT_COLUMNS,
    }
)
_PLACES = ("side", "branch", "nerve", "site", "location", "electrode")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventNames:
    """What the JSON sidecars say of the columns of events.tsv."""

    columns: Mapping[str, Any]  # of events.json
    parameters: str  # `ElectricalStimulationParameters` of emg.json

    def level(self, column: str, value: str) -> str:
        """What `Levels` says of a value; empty where it says nothing."""
        said = self._said(column, "Levels")
        meant = said.get(value) if isinstance(said, dict) else None
        if isinstance(meant, dict):  # of a term that is defined elsewhere
            meant = meant.get("Description")
        return meant if isinstance(meant, str) else ""

    def unit(self, column: str) -> str:
        """The unit of a column; empty where none is stated."""
        stated = self._said(column, "Units")
        if isinstance(stated, str):
            return stated.strip()
        ending = column.rpartition("_")[2].lower()
        return {"ma": "mA", "ms": "ms", "us": "us"}.get(ending, "")

    def _said(self, column: str, name: str) -> Any:
        described = self.columns.get(column)
        return described.get(name) if isinstance(described, dict) else None


def read_annotations(
    rows: Sequence[dict[str, str]], names: EventNames, path: Path, *, first_sample_s: float
) -> list[Annotation]:
    """Turn the rows of events.tsv into annotations.

    Parameters
    ----------
    rows : sequence of dict
        As `read_rows` gives them.
    names : EventNames
    path : Path
        Of the table, for complaints.
    first_sample_s : float
        When the first sample was taken, in seconds since the recording's start.

    Raises
    ------
    MalformedRecording
        An onset or a duration that is no number.
    """
    texts: dict[tuple[tuple[str, str], ...], str] = {}
    found: list[Annotation] = []
    stage = None
    for row in rows:
        time_s = first_sample_s + _number(row, "onset", path)
        duration_s = _number(row, "duration", path) if "duration" in row else None
        key = tuple((name, cell) for name, cell in row.items() if name in _TEXT_COLUMNS or _is_detail(name))
        if key not in texts:
            texts[key] = _text_of(dict(key), names)
        if row.get("stage", stage) != stage:
            stage = row["stage"]
            found.append(Annotation(time_s=time_s, duration_s=None, text=stage))
        if texts[key]:
            found.append(Annotation(time_s=time_s, duration_s=duration_s, text=texts[key]))
    return found


def _is_detail(column: str) -> bool:
    return column not in _OTHER_COLUMNS


def _number(row: dict[str, str], name: str, path: Path) -> float:
    stated = row.get(name, "")
    try:
        number = float(stated)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise MalformedRecording(
            f"{path}, line {line_of(row)}: {name} is {stated or 'missing'!r}; write seconds, like 61.5"
        )
    return number


def _text_of(row: Mapping[str, str], names: EventNames) -> str:
    stated = {column: row[column] for column in _TEXT_COLUMNS if column in row}
    meanings = [names.level(column, value) for column, value in stated.items()]
    candidates = [text for text in (*stated.values(), *meanings) if text]
    text = next(filter(_is_known, candidates), candidates[0] if candidates else "")
    if not reads_as_pulse(text):
        return text
    told = read_stimulus_text(text)
    more = StimulusText()
    for words in (_details(row, names), *meanings, names.parameters):
        more = fill_in(more, read_stimulus_text(words))
    return _with_details(text, told, more)


def _is_known(text: str) -> bool:
    return reads_as_pulse(text) or stage_of(text, DEFAULT_STAGES) is not None


def _details(row: Mapping[str, str], names: EventNames) -> str:
    """What the other columns of a row say of its stimulus, as words."""
    said = []
    for column, cell in row.items():
        if not _is_detail(column):
            continue
        unit = names.unit(column)
        if unit in ("mA", "uA", "\u00b5A", "\u03bcA") or (unit in ("ms", "us") and "width" in column.lower()):
            said.append(f"{cell} {unit}")
        elif any(place in column.lower() for place in _PLACES):
            said.append(names.level(column, cell) or cell)
    return " ".join(said)


def _with_details(text: str, told: StimulusText, more: StimulusText) -> str:
    """Add what a text leaves open."""
    added = [
        more.side.value if told.side is None and more.side else "",
        more.branch.value.replace("_", " ") if told.branch is None and more.branch else "",
        f"{more.pulse_width_ms:g} ms" if told.pulse_width_ms is None and more.pulse_width_ms else "",
        f"{more.intensity_ma:g} mA" if told.intensity_ma is None and more.intensity_ma is not None else "",
    ]
    return " ".join([text, *filter(None, added)])
