"""How fast, and in how much memory, are recordings read, compared with other readers and with the disk?

Run by `make benchmark`; by hand: `python benchmarks/reading.py --quick` (small files, once each). Each reader
runs in a fresh process; numbers are medians of five on warm files, written to a temporary folder and
deleted. A ratio is lsr's seconds to the other's; the limits are what this reader promises.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from _reading_files import File, write

TASKS = Path(__file__).with_name("_reading_tasks.py")
READERS = ("lsr", "mne", "edfio", "pyedflib", "raw")

SMALL = File("10min.edf", seconds=600)
LARGE = File("60min.edf", seconds=3600)
LONG_RECORDS = File("60min_60s_records.edf", seconds=3600, record_s=60)
BDF = File("10min.bdf", seconds=600)
MANY_NOTES = File("50000_annotations.edf", seconds=600, n_stimuli=50_000, n_channels=1)
SPARSE = File("sparse_10GB.edf", seconds=31_250, sparse=True)


@dataclass(frozen=True)
class Measure:
    """A row of the table: a task on a file, and what is promised of it."""

    file: File
    task: str
    readers: tuple[str, ...] = READERS
    limits: tuple[tuple[str, float], ...] = ()  # reader, largest ratio to its seconds
    most_s: float | None = None
    most_mb: float | None = None


MEASURES = (
    Measure(SMALL, "open", limits=(("mne", 0.10),)),
    Measure(SMALL, "windows", limits=(("mne", 0.20),)),
    Measure(SMALL, "stream", limits=(("raw", 3.0),), most_mb=32),
    Measure(LARGE, "open", limits=(("mne", 0.10),)),
    Measure(LARGE, "windows", limits=(("mne", 0.20), ("raw", 1.0)), most_mb=24),
    Measure(LARGE, "stream", limits=(("raw", 3.0),), most_mb=32),
    Measure(LARGE, "trigger", readers=("lsr", "raw"), most_mb=20),
    Measure(LARGE, "analyze", readers=("lsr",), most_s=3.0, most_mb=300),
    Measure(LONG_RECORDS, "windows", limits=(("mne", 0.05),), most_mb=24),
    Measure(replace(BDF, bdf=True), "windows", limits=(("mne", 0.5),), most_mb=24),
    Measure(replace(BDF, bdf=True), "stream", readers=("lsr", "mne", "raw"), limits=(("mne", 0.5),)),
    Measure(MANY_NOTES, "open", limits=(("mne", 0.10),)),
    Measure(SPARSE, "open", readers=("lsr",), most_s=0.1, most_mb=16),
)
# The time of an analysis grows with the stimuli, not with the length.
CURVE = tuple(
    Measure(replace(file, name=f"{n}_{file.name}", n_stimuli=n), "analyze", readers=("lsr",))
    for file in (SMALL, LARGE)
    for n in (250, 500, 1000, 2000)
)


def run(reader: str, task: str, path: Path, repeats: int) -> tuple[float, float | None] | None:
    """Median seconds and megabytes of a task; None where the reader is not installed or fails."""
    task = "stream" if reader == "raw" else task
    if reader != "raw" and importlib.util.find_spec(reader) is None:
        return None
    found = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, str(TASKS), f"{reader}_{task}", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            print(
                f"  {reader} {task} on {path.name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr
            )
            return None
        found.append(json.loads(done.stdout))
    memory = [one["mb"] for one in found if one["mb"] is not None]
    return statistics.median(one["seconds"] for one in found), statistics.median(memory) if memory else None


def table_row(measure: Measure, path: Path, repeats: int) -> tuple[list[str], bool]:
    """One row of the table, and whether all that is promised holds."""
    found = {reader: run(reader, measure.task, path, repeats) for reader in measure.readers}
    seconds = {reader: result[0] for reader, result in found.items() if result}
    ours = found["lsr"]
    if ours is None:
        return [measure.file.name, measure.task, "fails"], False
    promised, kept = [], True
    for reader, limit in measure.limits:
        if reader in seconds:
            ratio = seconds["lsr"] / seconds[reader]
            kept &= ratio <= limit
            promised.append(f"{ratio:.3f} x {reader} (<= {limit:g})")
    if measure.most_s is not None:
        kept &= ours[0] <= measure.most_s
        promised.append(f"<= {measure.most_s:g} s")
    if measure.most_mb is not None and ours[1] is not None:
        kept &= ours[1] <= measure.most_mb
        promised.append(f"{ours[1]:.0f} MB (<= {measure.most_mb:g})")
    cells = [f"{seconds[reader]:.3f}" if reader in seconds else "-" for reader in READERS]
    memory = "-" if ours[1] is None else f"{ours[1]:.1f}"
    row = [measure.file.name, measure.task, *cells, memory, ", ".join(promised) or "-"]
    return [*row, "kept" if kept else "MISSED"], kept


def main() -> int:
    """Write each file, measure all that is asked of it, delete it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small files, once each")
    parser.add_argument(
        "--curve", action="store_true", help="also the time of analyses by stimuli and length"
    )
    options = parser.parse_args()
    large = (LARGE, LONG_RECORDS)
    measures = [m for m in MEASURES if not (options.quick and m.file in large)]
    measures += CURVE if options.curve else ()
    repeats = 1 if options.quick else 5
    rows = [["file", "task", *(f"{reader} s" for reader in READERS), "lsr MB", "promised", ""]]
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        for file in dict.fromkeys(measure.file for measure in measures):
            path = write(file, Path(folder))
            for measure in measures:
                if measure.file == file:
                    row, good = table_row(measure, path, repeats)
                    print("  ".join(row), file=sys.stderr)
                    rows.append(row)
                    kept &= good
            path.unlink()
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip())
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
