"""Which recordings are in these folders? All folders below are looked through, by content.

Conventions
-----------
Names that begin with a dot are passed over (systems keep their own there), and so are the folder that outputs
go to and, in a BIDS data set, what its recordings were made from or into (`sourcedata`, `derivatives`). A
folder that is reached twice, by a link, is looked through once. The order is that of the names, so it is the
same on every machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsr.batch.tasks import Refusal, tellable
from lsr.errors import RecordingNotFound
from lsr.io.registry import check_is_there
from lsr.io.signatures import is_recording

_OF_A_DATA_SET = "dataset_description.json"
_BESIDE_ITS_RECORDINGS = ("derivatives", "sourcedata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A recording, and its name below the given folder."""

    path: Path
    name: str


def find_recordings(given: Sequence[Path], *, but_not: Path | None = None) -> list[Found | Refusal]:
    """Find the recordings of folders, each with a name of its own.

    Parameters
    ----------
    given : sequence of Path
        Folders to look through, or recordings themselves.
    but_not : Path | None
        A folder to pass over.

    Returns
    -------
    list of Found or Refusal
        In the order of their names: those of a single folder are the paths below it; where there are several
        folders, each name begins with that of its folder, numbered where two are called alike. A folder that
        cannot be looked through is a refusal; so is a given path that is not there, where others are.

    Raises
    ------
    RecordingNotFound
        None of the given paths is there, or can be reached.
    """
    missing = {path: error for path in given if (error := _missing(path)) is not None}
    if given and len(missing) == len(set(given)):
        raise missing[given[0]]
    if len(given) == 1 and given[0].is_dir() and not is_recording(given[0]):
        return sorted(_in_folder(given[0], "", but_not), key=lambda one: one.name)
    found: dict[Path, Found | Refusal] = {}
    for path, label in zip(given, _labels(given), strict=True):
        if path in missing:
            message = str(missing[path]).replace(str(path), label, 1)
            refusal = Refusal(name=label, kind=RecordingNotFound.__name__, message=message)
            found.setdefault(path.absolute(), refusal)
        elif path.is_dir() and not is_recording(path):
            for one in _in_folder(path, f"{label}/", but_not):
                found.setdefault(one.path.resolve() if isinstance(one, Found) else path / one.name, one)
        else:
            found.setdefault(path.resolve(), Found(path=path, name=label))
    return sorted(found.values(), key=lambda one: one.name)


def _missing(path: Path) -> RecordingNotFound | None:
    try:
        check_is_there(path)
    except RecordingNotFound as error:
        return error
    return None


def _labels(given: Sequence[Path]) -> list[str]:
    """Name folders by their last part; those called alike, whatever the case, are numbered."""
    labels: list[str] = []
    taken: set[str] = set()
    for path in given:
        name = tellable((path if _missing(path) else path.resolve()).name) or "recordings"
        label, number = name, 1
        while label.casefold() in taken:
            number += 1
            label = f"{name}-{number}"
        taken.add(label.casefold())
        labels.append(label)
    return labels


def _in_folder(folder: Path, prefix: str, but_not: Path | None) -> Iterator[Found | Refusal]:
    seen = {_identity(but_not)} if but_not is not None and but_not.is_dir() else set()
    waiting = [(folder, prefix)]
    while waiting:
        place, below = waiting.pop()
        try:
            identity = _identity(place)
            names = sorted(os.listdir(place))
        except OSError as error:
            name = below.rstrip("/") or tellable(place.resolve().name)
            yield Refusal(
                name=name,
                kind=RecordingNotFound.__name__,
                message=f"{name}: the folder cannot be read ({error.strerror}); check the right to read it",
            )
            continue
        if identity in seen:
            continue
        seen.add(identity)
        others = _BESIDE_ITS_RECORDINGS if _OF_A_DATA_SET in names else ()
        for name in names:
            path = place / name
            if name.startswith(".") or name in others:
                continue
            if is_recording(path):
                yield Found(path=path, name=below + tellable(name))
            elif path.is_dir():
                waiting.append((path, f"{below}{tellable(name)}/"))


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(os.path.join(folder, "."))  # by its dot: names alone may be listed, and not read
    return status.st_dev, status.st_ino
