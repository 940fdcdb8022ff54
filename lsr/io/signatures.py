"""Is this a recording? What is in the file tells; its name only where that is damaged or tells too little.

Conventions
-----------
Only the first bytes are read. A file that claims by its name to be a recording and is none counts as one: it
is better refused, with the reason, than passed over.
"""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

from lsr.errors import UnknownFormat
from lsr.io.ascii_sweeps import FOLDER_FILE, find_description
from lsr.io.bids_names import all_sidecars, find_bids_name

_EDF_SUFFIXES = (".edf", ".bdf", ".rec")
_HEADER_BYTES = 256
_FOLDER_SUFFIXES = (".mff",)
# How files of other formats begin; of these names only the first cannot mean anything else.
_SURE_SUFFIXES = (".vhdr", ".fif", ".fif.gz", ".gdf", ".egi", ".nxe")
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    ".set": (b"MATLAB", b"\x89HDF"),
    ".cnt": (b"Version 3.0", b"RIFF", b"RF64"),
    ".lay": (b"[FileInfo]", b"[fileinfo]"),
    ".nsx": (b"NEURALSG", b"NEURALCD", b"BRSMPGRP"),
}


def begins_edf(head: bytes) -> bool:
    """Tell whether a file that begins like this is read as EDF or BDF: by its version alone.

    Parameters
    ----------
    head : bytes
        The first eight bytes, or more.

    Examples
    --------
    >>> begins_edf(b"0       "), begins_edf(b"\\xffBIOSEMI"), begins_edf(b"0.1 0.2 ")
    (True, True, False)
    """
    version = head[:8]
    return version == b"\xffBIOSEMI" or (len(version) == 8 and version.rstrip(b" \0") == b"0")


def claims_edf(path: Path) -> bool:
    """Tell whether a file says by its name that it is EDF or BDF."""
    return path.name.lower().endswith(_EDF_SUFFIXES)


def check_is_no_pipe(path: Path) -> None:
    """Make sure that a path, where something is there, can be opened without waiting for a writer.

    Raises
    ------
    UnknownFormat
        A pipe or a device; reading goes back and forth, and neither can.
    """
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise UnknownFormat(f"{path}: a pipe or a device, no file; write the recording to a file first")


def is_recording(path: Path) -> bool:
    """Tell whether a file, or a folder, is a recording (or claims to be one).

    Parameters
    ----------
    path : Path
        A file of any kind, or a folder.

    Returns
    -------
    bool
        False also for what is neither file nor folder, and for text that its folder's description tells of.
    """
    if path.is_dir():
        if path.suffix.lower() in _FOLDER_SUFFIXES:
            return True
        # Not there also where the folder may not be entered; a broken link is there.
        return os.path.lexists(path / FOLDER_FILE) and _describes_sweeps(path / FOLDER_FILE)
    name = path.name.lower()
    if claims_edf(path):
        return _is_file(path)
    if not _is_file(path):
        return False
    if path.name == FOLDER_FILE:
        return False  # its folder is the recording
    if name.endswith(".toml"):
        return _describes_sweeps(path)
    head = _head(path)
    if _is_edf_beyond_doubt(head):
        return True
    if name.endswith(_SURE_SUFFIXES):
        return not _is_later_part(path)
    return head.startswith(_BEGINNINGS.get(path.suffix.lower(), ()))


def files_of(path: Path) -> tuple[Path, ...]:
    """Name every file that reading a recording may read: itself, and what lies beside it.

    Parameters
    ----------
    path : Path
        What `is_recording` takes for one.
    """
    if path.is_dir():
        return (path,)
    if begins_edf(_head(path)) or claims_edf(path):
        in_bids = find_bids_name(path)
        return (path, *(all_sidecars(in_bids) if in_bids is not None else ()))
    description = find_description(path)
    if description is not None:
        return (path, *_described(description))
    stem = path.name.split(".")[0]
    beside = sorted(one for one in path.parent.glob(f"{_literal(stem)}*") if one != path and one.is_file())
    return (path, *beside)


def _literal(text: str) -> str:
    """Write a text so that no shell pattern is in it."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)


def _described(description: Path) -> list[Path]:
    """Find the text files that a description names; all of its own name where it is broken."""
    try:
        table = tomllib.loads(description.read_text(encoding="utf-8-sig"))
        patterns = [table["sweeps"].get("files"), *(one.get("file") for one in table.get("channels", ()))]
    except (OSError, ValueError, AttributeError, TypeError):
        patterns = []
    named = [pattern for pattern in patterns if isinstance(pattern, str) and pattern]
    found = {one for pattern in named for one in description.parent.glob(pattern)}
    found |= set(description.parent.glob(f"{_literal(description.stem)}.*"))
    return sorted(one for one in found if one != description and one.is_file()) if found else []


def _describes_sweeps(path: Path) -> bool:
    """Tell whether a TOML file describes sweeps; settings do not."""
    if not _is_file(path):
        return False
    try:
        return (
            "sweeps" in (table := tomllib.loads(path.read_text(encoding="utf-8-sig"))) and "channels" in table
        )
    except (OSError, ValueError):
        return path.name == FOLDER_FILE  # broken, and to be told so


def _is_file(path: Path) -> bool:
    """Tell whether it is a file, or was one: a pipe would be waited for, a broken link is told about."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return path.is_symlink()
    except OSError:
        return True  # not to be looked at: told when it is read


def _head(path: Path) -> bytes:
    if not _is_file(path):
        return b""
    try:
        with path.open("rb") as file:
            return file.read(_HEADER_BYTES)
    except OSError:
        return b""


def _is_edf_beyond_doubt(head: bytes) -> bool:
    """Tell by more than the version, with which a text may begin too: the header says how long it is."""
    return begins_edf(head) and len(head) == _HEADER_BYTES and head[184:192].strip(b" \0").isdigit()


def _is_later_part(path: Path) -> bool:
    """Tell whether it goes on with a recording in parts, as x-1.fif does with x.fif."""
    stem, _, number = path.name.partition(".")[0].rpartition("-")
    return (
        number.isdigit() and bool(stem) and path.with_name(path.name.replace(f"-{number}.", ".", 1)).exists()
    )
