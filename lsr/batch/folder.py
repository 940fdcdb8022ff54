"""How is the output folder kept whole, whatever happens to the run that writes to it?

While a run is under way, `.lsr/` in the output folder holds a lock, a journal of the recordings that are
done, and what is not in place yet. An output is put in place in one step, when all of it is on the disk; then
the journal says so. At the end the manifest says what the journal said, and `.lsr/` is gone: a folder with a
manifest is whole.

Conventions
-----------
Paths are below the output folder, parts joined by "/". The lock is the operating system's, so it ends with
the process that holds it, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import file_digest
from io import FileIO
from pathlib import Path
from types import TracebackType

from lsr.batch.work import Left
from lsr.errors import BatchError

MANIFEST = "manifest.json"
_INNER = ".lsr"
_LOCK = "lock"
_JOURNAL = "journal.jsonl"
_PREVIOUS = "previous.json"
_STAGING = "staging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A recording that is done: what it was, what it was analysed with, and what it left."""

    name: str
    content_sha256: str
    settings_sha256: str
    lsr_version: str
    outputs: dict[str, str]  # path: digest


class OutputFolder:
    """An output folder that this process alone writes to; to be used in a ``with`` statement.

    Parameters
    ----------
    path : Path
        Made where it is not there.
    resume : bool
        Go on with what an earlier run left there.

    Raises
    ------
    BatchError
        Another run writes there; or an earlier run is there, and `resume` is False; or it cannot be written.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path = path
        self._inner = path / _INNER
        try:
            self._lock = _lock(self._inner / _LOCK, path)
        except OSError as error:
            raise BatchError(f"{path}: cannot be written ({error.strerror}); name another folder") from None
        try:
            self.earlier = self._open(resume=resume)
        except BaseException:
            self._unlock()
            raise
        self._journal = (self._inner / _JOURNAL).open("ab")

    def _open(self, *, resume: bool) -> dict[str, Entry]:
        manifest, previous = self.path / MANIFEST, self._inner / _PREVIOUS
        is_there = manifest.exists() or previous.exists() or (self._inner / _JOURNAL).exists()
        if is_there and not resume:
            raise BatchError(
                f"{self.path}: holds an earlier run; go on with it by --resume, or name another folder"
            )
        if manifest.exists():
            os.replace(manifest, previous)  # from here on the folder is not whole
        shutil.rmtree(self.staging, ignore_errors=True)
        self.staging.mkdir()
        entries = [*_read_manifest(previous), *_read_journal(self._inner / _JOURNAL)]
        return {entry.name: entry for entry in entries}

    @property
    def staging(self) -> Path:
        """Where workers leave outputs."""
        return self._inner / _STAGING

    def has(self, outputs: dict[str, str]) -> bool:
        """Tell whether outputs are there, and as they were left."""
        try:
            for path, digest in outputs.items():
                with (self.path / path).open("rb") as file:
                    if file_digest(file, "sha256").hexdigest() != digest:
                        return False
        except OSError:
            return False
        return True

    def remove(self, paths: Iterable[str]) -> None:
        """Remove outputs that no recording leaves any more, and folders that this empties."""
        for path in paths:
            place = self.path / path
            place.unlink(missing_ok=True)
            for folder in list(place.parents)[: len(Path(path).parts) - 1]:
                try:
                    folder.rmdir()
                except OSError:
                    break  # not empty, or not there

    def commit(self, entries: Sequence[tuple[Entry, Sequence[Left]]]) -> None:
        """Put outputs in place, then note that their recordings are done.

        Raises
        ------
        BatchError
            What a worker left is not here, or cannot be put in place.
        """
        try:
            for _, outputs in entries:
                for left in outputs:
                    self._place(self.staging / left.staged, left.path)
            lines = [json.dumps(asdict(entry)) + "\n" for entry, _ in entries]
            self._journal.write("".join(lines).encode())
            self._journal.flush()
            os.fsync(self._journal.fileno())
        except FileNotFoundError:
            raise BatchError(
                f"{self.path}: a worker's output is not here; every worker has to see this folder, under the "
                "same path"
            ) from None
        except OSError as error:
            raise self._full(error) from None

    def write(self, path: str, content: bytes) -> None:
        """Write a file in one step.

        Raises
        ------
        BatchError
            It cannot be written.
        """
        staged = self.staging / "table"
        try:
            staged.write_bytes(content)
            self._place(staged, path)
        except OSError as error:
            raise self._full(error) from None

    def _place(self, staged: Path, path: str) -> None:
        descriptor = os.open(staged, os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged, place)

    def _full(self, error: OSError) -> BatchError:
        return BatchError(
            f"{self.path}: cannot be written ({error.strerror}); make room there, then go on with --resume"
        )

    def finish(self, manifest: bytes) -> None:
        """Write the manifest: from now on the folder is whole, and nothing else is in it."""
        self.write(MANIFEST, manifest)
        _sync_folder(self.path)
        self._journal.close()
        for leftover in (_JOURNAL, _PREVIOUS):
            (self._inner / leftover).unlink(missing_ok=True)

    def __enter__(self) -> OutputFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()
        if (self._inner / _JOURNAL).exists() and not (self._inner / _JOURNAL).stat().st_size:
            (self._inner / _JOURNAL).unlink()
        self._unlock()

    def _unlock(self) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)
        _remove_and_let_go(self._inner / _LOCK, self._lock)
        with contextlib.suppress(OSError):  # the journal of an unfinished run is in it
            self._inner.rmdir()


def _read_manifest(path: Path) -> list[Entry]:
    try:
        told = json.loads(path.read_bytes())
        return [Entry(lsr_version=told["lsr_version"], **one) for one in told["recordings"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []  # not one of ours, or of another version: everything is done again


def _read_journal(path: Path) -> list[Entry]:
    """Read what is noted; the last line may have been cut off."""
    entries = []
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            entries.append(Entry(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return entries


def _lock(path: Path, folder: Path) -> FileIO:
    """Hold the lock of a folder; it is let go of when this process ends.

    Whoever held it last removed the file, so a lock counts only if its file is still the one of that name.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = FileIO(path, "a+")
        except FileNotFoundError:
            continue  # another run has just ended, and removed the folder
        try:
            _hold(file)
        except OSError:
            file.seek(0)
            holder = file.read(200).decode("ascii", "replace").strip()
            file.close()
            raise BatchError(
                f"{folder}: another run ({holder or 'just begun'}) writes there; wait for it, or name "
                "another folder"
            ) from None
        try:
            is_that = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except FileNotFoundError:
            is_that = False
        if is_that:
            file.truncate(0)
            file.write(f"process {os.getpid()}\n".encode())
            return file
        file.close()


if sys.platform == "win32":  # pragma: no cover

    def _hold(file: FileIO) -> None:
        import msvcrt

        file.seek(1 << 20)  # beyond what says who holds it, which stays readable
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

    def _remove_and_let_go(path: Path, file: FileIO) -> None:
        file.close()  # what is open cannot be removed there
        with contextlib.suppress(OSError):
            path.unlink()

    def _sync_folder(path: Path) -> None:
        """Nothing: folders cannot be synchronised there."""

else:

    def _hold(file: FileIO) -> None:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _remove_and_let_go(path: Path, file: FileIO) -> None:
        path.unlink(missing_ok=True)  # while it is held: nobody can take it for theirs
        file.close()

    def _sync_folder(path: Path) -> None:
        """Have the names in a folder on the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
