"""Which tasks does an EMG-BIDS data set make, and what else belongs to the derivatives?

Conventions
-----------
BIDS 1.11. Reports lie where their recordings do in the data set, under their entities and "desc-lsr".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path

from lsr.batch.planning import Plan
from lsr.batch.refusing import refusal_of
from lsr.batch.tasks import Kind, Output, Refusal, Task
from lsr.errors import BatchError, LsrError
from lsr.io.bids_files import read_json
from lsr.io.bids_names import BidsRecording, all_sidecars, find_recordings
from lsr.settings import Settings
from lsr.whole_files import written_whole

_NAMES = {Kind.JSON: "report.json", Kind.HTML: "report.html", Kind.TSV: "pairs.tsv"}


def plan_dataset(
    root: Path, settings_of: Callable[[Path], Settings], subjects: Sequence[str] = (), *, html: bool = True
) -> Plan:
    """Plan the derivatives of a data set.

    Parameters
    ----------
    root : Path
        The data set's folder.
    settings_of : Callable[[Path], Settings]
        What each recording is analysed with; an `LsrError` of it refuses that recording.
    subjects : sequence of str
        Labels of participants, with "sub-" or without; all when empty.
    html : bool
        Also plan a page of each recording.

    Raises
    ------
    BatchError
        The folder is no data set, has no recording, or none of a participant who is named.
    """
    root = root.absolute()
    if not (root / "dataset_description.json").is_file():
        raise BatchError(f"{root}: no BIDS data set, it has no dataset_description.json; name its folder")
    recordings = find_recordings(root)
    known = sorted({one.subject for one in recordings})
    if not known:
        raise BatchError(f"{root}: no recording in sub-*/emg or sub-*/ses-*/emg; check the data set")
    wanted = {label.removeprefix("sub-") for label in subjects} or set(known)
    for label in sorted(wanted - set(known)):
        near = get_close_matches(label, known, n=1, cutoff=0.0)[0]
        raise BatchError(
            f"{root}: no recording of participant {label!r}; did you mean {near!r}? There are {len(known)}"
        )
    kinds = (Kind.JSON, Kind.HTML, Kind.TSV) if html else (Kind.JSON, Kind.TSV)
    tasks: list[Task] = []
    refused: list[Refusal] = []
    for one in recordings:
        if one.subject not in wanted:
            continue
        name = (one.folder / one.path.name).as_posix()
        try:
            tasks.append(_task(one, name, settings_of(one.path), kinds))
        except LsrError as error:
            refused.append(refusal_of(error, one.path, name))
    return Plan(tasks=tuple(tasks), refused=tuple(refused))


def _task(one: BidsRecording, name: str, settings: Settings, kinds: Sequence[Kind]) -> Task:
    stem = f"{one.folder.as_posix()}/{one.entities}_desc-lsr"
    return Task(
        name=name,
        recording=one.path,  # not what a link leads to: the name tells what the sidecars are called
        settings=settings,
        outputs=tuple(Output(path=f"{stem}_{_NAMES[kind]}", kind=kind) for kind in kinds),
        inputs=(one.path, *all_sidecars(one)),
    )


def write_dataset_files(root: Path, out: Path) -> None:
    """Write what makes the derivatives of a data set a data set of their own.

    Raises
    ------
    BatchError
        The folder holds another data set, or somebody's README, or cannot be written to.
    """
    _check_is_ours(out)
    from lsr.report.as_bids import BIDSIGNORE, COLUMNS_FILE, columns_description, dataset_description, readme

    stated = read_json([root / "dataset_description.json"]).get("Name")
    name = stated if isinstance(stated, str) and stated else root.absolute().name
    texts = {
        "dataset_description.json": dataset_description(name),
        "README.md": readme(name),
        ".bidsignore": "".join(f"{pattern}\n" for pattern in BIDSIGNORE),
        COLUMNS_FILE: columns_description(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            with written_whole(out / file) as staged:
                staged.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BatchError(f"{out}: cannot be written ({error.strerror}); name another folder") from None


def _check_is_ours(out: Path) -> None:
    """Make sure that nothing is written over what describes a folder of others."""
    description, readme = out / "dataset_description.json", out / "README.md"
    if not description.exists():
        if readme.exists():
            raise BatchError(f"{readme}: is there already, and lsr writes its own; name another folder")
        return
    makers = read_json([description]).get("GeneratedBy")
    names = [one.get("Name") for one in makers if isinstance(one, dict)] if isinstance(makers, list) else []
    if "lsr" not in names:
        raise BatchError(f"{description}: describes a data set that is not of lsr; name another folder")
