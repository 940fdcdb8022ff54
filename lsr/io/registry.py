"""Which adapter reads a file? The first bytes decide, then the other formats that mne knows.

Conventions
-----------
An adapter takes a path and gives a `Recording`; its errors name the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from lsr.errors import LsrError, RecordingNotFound, UnknownFormat
from lsr.io.ascii_sweeps import find_description, read_ascii_sweeps
from lsr.io.bids_names import find_bids_name
from lsr.io.edf import read_edf
from lsr.io.edf_header import without_words
from lsr.io.signatures import begins_edf, check_is_no_pipe, claims_edf
from lsr.recording import Recording


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """Open a recording; samples are read when asked for.

    Parameters
    ----------
    path : str | os.PathLike[str]
        An EDF, EDF+ or BDF file, whatever it is called, with its sidecars where it lies in a BIDS data set;
        sweeps in text files, by the TOML file that describes them; or a file of another format that mne
        reads.

    Raises
    ------
    RecordingNotFound
        No such file, or no right to read it.
    UnknownFormat
        No adapter knows the file.
    MalformedRecording
        The file breaks its format beyond safe repair.

    Examples
    --------
    >>> read_recording("no such file.edf")
    Traceback (most recent call last):
    ...
    lsr.errors.RecordingNotFound: no such file.edf: no such file or folder; check the path
    """
    found = Path(path)
    check_is_there(found)
    in_bids = find_bids_name(found)
    adapter = _adapter_for(found)
    if in_bids is None or adapter is not read_edf:
        return adapter(found)
    from lsr.io.bids import add_sidecars, stated_units

    recording = read_edf(found, stated_units(in_bids))
    try:
        return add_sidecars(recording, in_bids)
    except LsrError:
        recording.close()
        raise


def check_is_there(path: Path) -> None:
    """Make sure that there is something at a path.

    Raises
    ------
    RecordingNotFound
        Nothing is there, or a folder on the way may not be entered.
    """
    try:
        path.stat()
    except PermissionError as error:
        raise RecordingNotFound(
            f"{path}: {error.strerror}; check the right to read it, and to enter its folder"
        ) from None
    except (OSError, ValueError):  # no such name, or none that can be
        raise RecordingNotFound(f"{path}: no such file or folder; check the path") from None


def _adapter_for(path: Path) -> Callable[[Path], Recording]:
    check_is_no_pipe(path)
    is_folder = path.is_dir()
    head = _first_bytes(path)
    if begins_edf(head):
        return read_edf
    if find_description(path) is not None:
        return read_ascii_sweeps
    if not is_folder and not head:
        raise UnknownFormat(f"{path.name}: the file is empty; copy it again from the monitor")
    if not is_folder and claims_edf(path):
        raise UnknownFormat(
            f"{path.name}: version (byte 0) holds {without_words(head)!r}, and is '0' and seven spaces in "
            "EDF or 0xff and 'BIOSEMI' in BDF; it is no such file, or a damaged one: export it again"
        )
    from lsr.io.other_formats import read_with_mne

    return read_with_mne


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise RecordingNotFound(f"{path}: {error.strerror or error}; check the right to read it") from error
