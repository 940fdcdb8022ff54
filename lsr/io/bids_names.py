"""Where do the files of a BIDS data set lie, and which sidecars speak of a recording?

Conventions
-----------
BIDS 1.11, https://bids-specification.readthedocs.io/en/v1.11.0/. Names are entities and a suffix
("sub-01_task-lsr_emg.edf"). By the inheritance principle a sidecar speaks of every recording below its folder
whose entities include its own; nearer sidecars stand above farther ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ENTITIES = re.compile(r"[a-z]+-[0-9A-Za-z+]+(?:_[a-z]+-[0-9A-Za-z+]+)*")
_RECORDING = re.compile(r"(sub-[0-9A-Za-z+]+(?:_[a-z]+-[0-9A-Za-z+]+)*)_emg\.(?:edf|bdf)", re.I)
_SUBJECT = "sub-"


@dataclass(frozen=True, slots=True, kw_only=True)
class BidsRecording:
    """A recording of a BIDS data set."""

    path: Path
    root: Path  # the data set's folder
    entities: str  # "sub-01_task-lsr"

    @property
    def subject(self) -> str:
        """The participant's label, without "sub-"."""
        return self.entities.split("_")[0].removeprefix(_SUBJECT)

    @property
    def folder(self) -> Path:
        """Where it lies in the data set: "sub-01/emg"."""
        return self.path.absolute().parent.relative_to(self.root)


def find_bids_name(path: Path) -> BidsRecording | None:
    """Tell where a path lies in a BIDS data set; None where its name or folders are no recording's.

    Examples
    --------
    >>> found = find_bids_name(Path("/data/sub-01/ses-2/emg/sub-01_ses-2_task-lsr_emg.edf"))
    >>> found.subject, found.root.name, found.folder.as_posix()
    ('01', 'data', 'sub-01/ses-2/emg')
    >>> find_bids_name(Path("/data/emg/case_emg.edf")) is None
    True
    """
    named = _RECORDING.fullmatch(path.name)
    folders = path.absolute().parents
    if named is None or folders[0].name != "emg":
        return None
    subject = named[1].split("_")[0]
    for depth in (1, 2):  # below the subject, or below a session of it
        if len(folders) > depth + 1 and folders[depth].name == subject:
            return BidsRecording(path=path, root=folders[depth + 1], entities=named[1])
    return None


def find_recordings(root: Path, subjects: Sequence[str] = ()) -> tuple[BidsRecording, ...]:
    """Find the EMG recordings of a data set, in the order of names; of all subjects when none is named."""
    wanted = {label.removeprefix(_SUBJECT) for label in subjects}
    paths = sorted({*root.glob("sub-*/emg/*_emg.*"), *root.glob("sub-*/ses-*/emg/*_emg.*")})
    found = [one for path in paths if (one := find_bids_name(path)) is not None]
    return tuple(one for one in found if not wanted or one.subject in wanted)


def find_sidecars(recording: BidsRecording, suffix: str, extension: str) -> tuple[Path, ...]:
    """Find the sidecars of a recording, as "channels" in ".tsv": the farthest first, the nearest last."""
    folder = recording.path.absolute().parent
    levels = [level for level in (*reversed(folder.parents), folder) if level.is_relative_to(recording.root)]
    own = set(recording.entities.split("_"))
    found: list[Path] = []
    for level in levels:
        here = [
            (len(entities), path)
            for path in level.glob(f"*{suffix}{extension}")
            if (entities := _entities_of(path, suffix, extension)) is not None and entities <= own
        ]
        found += [path for _, path in sorted(here)]
    return tuple(found)


def all_sidecars(recording: BidsRecording) -> tuple[Path, ...]:
    """Find every file that is read beside a recording; where one changes, the answer may."""
    kinds = (("channels", ".tsv"), ("events", ".tsv"), ("events", ".json"), ("emg", ".json"))
    return tuple(path for suffix, ending in kinds for path in find_sidecars(recording, suffix, ending))


def _entities_of(path: Path, suffix: str, extension: str) -> set[str] | None:
    stem = path.name.removesuffix(extension)
    if stem == suffix:
        return set()
    entities, _, last = stem.rpartition("_")
    if last != suffix or _ENTITIES.fullmatch(entities) is None:
        return None
    return set(entities.split("_"))
