"""One task of the reading benchmark by one reader, in a process of its own; prints seconds and memory.

Conventions
-----------
Imports are not timed. Memory is the peak of the process over what it held before the task, in MB; None where
the platform does not tell.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# What a task imports late belongs to starting a program, not to reading a file.
MODULES = {
    "lsr": ("lsr.io.registry", "concurrent.futures.thread"),
    "analyze": ("lsr.io.registry", "lsr.pipeline", "lsr.report.report", "scipy.signal", "scipy.stats"),
    "mne": ("mne.io.edf.edf",),
    "edfio": ("edfio",),
    "pyedflib": ("pyedflib",),
    "raw": (),
}
BEFORE_S, AFTER_S = 0.05, 0.15
STEP_S = 10
CHUNK_BYTES = 1 << 20


def lsr_open(path: str) -> Any:
    import lsr

    recording = lsr.read_recording(path)
    return recording, [annotation.time_s for annotation in recording.annotations]


def lsr_windows(path: str) -> None:
    recording, times = lsr_open(path)
    for batch in recording.windows(times, BEFORE_S, AFTER_S):
        assert batch.samples.shape[2] == 4000


def lsr_stream(path: str) -> None:
    for block in lsr_open(path)[0].stream(seconds=STEP_S):
        assert block.samples.dtype == np.float32


def lsr_trigger(path: str) -> None:
    for block in lsr_open(path)[0].stream([0], seconds=STEP_S):
        assert len(block.samples) == 1


def lsr_analyze(path: str) -> None:
    import lsr

    assert lsr.analyze(path).pairs


def mne_open(path: str) -> Any:
    import mne

    read = mne.io.read_raw_bdf if path.endswith(".bdf") else mne.io.read_raw_edf
    raw = read(path, preload=False, verbose="ERROR")
    return raw, list(raw.annotations.onset)


def mne_windows(path: str) -> None:
    raw, times = mne_open(path)
    for time_s in times:
        first = round((time_s - BEFORE_S) * 20_000)
        raw[:, first : first + 4000]


def mne_stream(path: str) -> None:
    raw, _ = mne_open(path)
    for first in range(0, raw.n_times, STEP_S * 20_000):
        raw[:, first : first + STEP_S * 20_000][0].astype(np.float32)


def edfio_open(path: str) -> Any:
    import edfio

    edf = (edfio.read_bdf if path.endswith(".bdf") else edfio.read_edf)(path)
    return edf, [annotation.onset for annotation in edf.annotations]


def edfio_windows(path: str) -> None:
    edf, times = edfio_open(path)
    for signal in edf.signals:
        for time_s in times:
            signal.get_data_slice(time_s - BEFORE_S, time_s + AFTER_S)


def edfio_stream(path: str) -> None:
    for signal in edfio_open(path)[0].signals:
        signal.data.astype(np.float32)


def pyedflib_open(path: str) -> Any:
    import pyedflib

    reader = pyedflib.EdfReader(path)
    return reader, list(reader.readAnnotations()[0])


def pyedflib_windows(path: str) -> None:
    reader, times = pyedflib_open(path)
    for time_s in times:
        for channel in range(reader.signals_in_file):
            reader.readSignal(channel, round((time_s - BEFORE_S) * 20_000), 4000)


def pyedflib_stream(path: str) -> None:
    reader, _ = pyedflib_open(path)
    for channel in range(reader.signals_in_file):
        reader.readSignal(channel).astype(np.float32)


def raw_stream(path: str) -> None:
    buffer = bytearray(CHUNK_BYTES)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def peak_mb() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def main(name: str, path: str) -> None:
    library, task = name.split("_")
    for module in MODULES[task if task == "analyze" else library]:
        importlib.import_module(module)
    run: Callable[[str], Any] = globals()[name]
    before = peak_mb()
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run(path)
    seconds = time.perf_counter() - started
    after = peak_mb()
    print(json.dumps({"seconds": seconds, "mb": None if after is None or before is None else after - before}))
    del result


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main(sys.argv[1], sys.argv[2])
