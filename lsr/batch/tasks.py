"""What is one piece of work: a recording, how it is analysed, and where its outputs go."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lsr.settings import Settings


class Kind(StrEnum):
    """What an output is; how each is rendered stands in `lsr.batch.work`."""

    JSON = "json"
    HTML = "html"
    TSV = "tsv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One file that a recording leaves."""

    path: str  # below the output folder, parts joined by "/"
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One recording and its outputs; picklable.

    `inputs` are all files that are read (the recording, what lies beside it, events): a task is done only as
    long as none of them changes.
    """

    name: str  # the recording below the given folder, parts joined by "/"; unique within a run
    recording: Path
    settings: Settings
    outputs: tuple[Output, ...]  # with one JSON at least: tables and summary are made from it
    inputs: tuple[Path, ...]
    events: Path | None = None

    @property
    def json_path(self) -> str:
        """Where its report lies, below the output folder."""
        return next(output.path for output in self.outputs if output.kind is Kind.JSON)

    def settings_sha256(self) -> str:
        """Digest the settings."""
        text = json.dumps(self.settings.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A recording that has no report, and why; never with a patient's name or a path of the machine."""

    name: str
    kind: str  # the name of the error
    message: str


def tellable(text: str) -> str:
    r"""Write what is no text in the name of a file as its code, so that every output takes it.

    Examples
    --------
    >>> tellable("caf\udce9.edf")
    'caf\\udce9.edf'
    """
    return text.encode(errors="backslashreplace").decode()


def content_sha256(inputs: tuple[Path, ...], known: dict[Path, str] | None = None) -> str:
    """Digest the files of a task: their names and their bytes.

    Parameters
    ----------
    inputs : tuple of Path
        As `Task.inputs`; a folder stands for all files in it.
    known : dict of Path to str | None
        Digests that need not be computed again.

    Raises
    ------
    OSError
        One of them cannot be read.
    """
    digests = []
    for given in inputs:
        files = sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else [given]
        for path in files:
            digest = (known or {}).get(path)
            if digest is None:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            digests.append(f"{digest} {path.relative_to(given.parent).as_posix()!r}\n")
    return hashlib.sha256("".join(digests).encode()).hexdigest()
