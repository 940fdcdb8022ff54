"""Files for the reading benchmark: as large as an operation, and quick to write.

Conventions
-----------
Eight channels at 20 kHz of noise that repeats from record to record; stimuli evenly spaced, one annotation
each.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LABELS = ("R Frontalis", "R OOc", "R Nasalis", "R OOr", "R Mentalis", "R Platysma", "L OOc", "L Mentalis")
RATE_HZ = 20_000
SEED = 20240501


@dataclass(frozen=True)
class File:
    """What to write."""

    name: str
    seconds: int
    record_s: int = 1
    n_stimuli: int = 2000
    n_channels: int = 8
    bdf: bool = False
    sparse: bool = False  # all but the header is a hole


def write(file: File, folder: Path) -> Path:
    """Write the file and give its path."""
    path = folder / file.name
    n_records, n_samples = file.seconds // file.record_s, RATE_HZ * file.record_s
    size = 3 if file.bdf else 2
    notes = [] if file.sparse else _notes(file, n_records)
    width = -(-max(map(len, notes)) // size) * size if notes else 0
    with path.open("wb") as out:
        out.write(_header(file, n_records, n_samples, width // size))
        if file.sparse:
            os.truncate(path, out.tell() + n_records * file.n_channels * n_samples * size)
            return path
        samples = _samples(file.n_channels, n_samples, size)
        for note in notes:
            out.write(samples)
            out.write(note.ljust(width, b"\0"))
    return path


def stimulus_times_s(file: File) -> np.ndarray:
    """When the stimuli of a file were given: the tenth of a second keeps windows off its ends."""
    return np.round(0.1 + np.arange(file.n_stimuli) * (file.seconds - 0.4) / file.n_stimuli, 6)


def _notes(file: File, n_records: int) -> list[bytes]:
    notes = [f"+{number * file.record_s}\x14\x14\0" for number in range(n_records)]
    for time_s in stimulus_times_s(file):
        notes[int(time_s // file.record_s)] += f"+{time_s:.6f}\x14Stimulus right zygomatic 12 mA\x14\0"
    return [note.encode() for note in notes]


def _samples(n_channels: int, n_samples: int, size: int) -> bytes:
    noise = np.random.default_rng(SEED).normal(0, 80, (n_channels, n_samples)).astype("<i4")
    return noise[..., np.newaxis].view(np.uint8)[..., :size].tobytes()


def _header(file: File, n_records: int, n_samples: int, note_samples: int) -> bytes:
    top = 2 ** (23 if file.bdf else 15)
    kind = "BDF" if file.bdf else "EDF"
    plus = note_samples > 0
    labels = [*LABELS[: file.n_channels], *[f"{kind} Annotations"] * plus]
    count = len(labels)
    fixed = [
        (b"\xffBIOSEMI" if file.bdf else b"0", 8),
        (b"X X X X", 80),
        (b"Startdate 01-MAY-2024 X X X", 80),
        (b"01.05.24", 8),
        (b"10.00.00", 8),
        (str(256 * (count + 1)).encode(), 8),
        (f"{kind}+C".encode() if plus else b"", 44),
        (str(n_records).encode(), 8),
        (str(file.record_s).encode(), 8),
        (str(count).encode(), 4),
    ]
    signals = [
        (labels, 16),
        ([""] * count, 80),
        (["uV"] * file.n_channels + [""] * plus, 8),
        ([str(-top // 10)] * count, 8),
        ([str(top // 10)] * count, 8),
        ([str(-top)] * count, 8),
        ([str(top - 1)] * count, 8),
        ([""] * count, 80),
        ([str(n_samples)] * file.n_channels + [str(note_samples)] * plus, 8),
        ([""] * count, 32),
    ]
    head = b"".join(value.ljust(width) for value, width in fixed)
    return head + b"".join(value.encode().ljust(width) for values, width in signals for value in values)
