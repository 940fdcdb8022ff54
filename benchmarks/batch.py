"""How much does a run over many recordings cost beside the analyses, and how well do processes share it?

Run by `make benchmark`; by hand: `python benchmarks/batch.py --quick` (100 recordings instead of 1000). One
in twenty is broken, in five ways. The recordings are short (12 stimuli, two channels), so that what the run
itself costs shows as much as it can. Pages are left out: each takes longer than such an analysis.

Conventions
-----------
"loop" is a script that analyses and renders everything in one process, one by one, and writes nothing:
what no run can do without. Overhead is what `lsr batch --jobs 1` takes more, per file: processes, writing,
tables, summary. Both run at the same time, each with a core of its own, so that whatever else the machine
does slows both; one after the other, they differ by more than what is measured.
Efficiency is the time of one process, shared by N, over the time that N processes take.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lsr.batch.engines import available_cores
from lsr.synthetic.edf_writer import EdfText, quantise, write_continuous

LEAST_EFFICIENCY = 0.85
MOST_OVERHEAD_MS = 5.0
N_DRAWN = 20  # the others differ from one of these in a field of the header only
BROKEN_EVERY = 20
RATE_HZ = 4000.0

LOOP = """
import sys
import lsr
from lsr.report.as_json import as_json
for path in sys.stdin.read().splitlines():
    try:
        as_json(lsr.analyze(path), indent=2)
    except lsr.LsrError:
        pass
"""


def draw(path: Path, seed: int) -> None:
    """Write a short recording whose mentalis answers 10 ms after each stimulus."""
    rng = np.random.default_rng(seed)
    times_s = 1.0 + 0.3 * np.arange(12)
    n_samples = int(5.0 * RATE_HZ)
    after_ms = (np.arange(n_samples) / RATE_HZ - times_s[:, np.newaxis]) * 1000
    channels = []
    for label, peak_ms, amplitude_uv in (("R O.Oculi", 5.0, 1500.0), ("R Mentalis", 11.0, 200.0)):
        late_ms = after_ms - peak_ms
        evoked = np.exp(-((late_ms / 1.0) ** 2)) * np.sin(late_ms * np.pi / 2)
        emg_uv = rng.normal(0.0, 4.0, n_samples) + amplitude_uv * evoked.sum(axis=0)
        channels.append(quantise(emg_uv, label=label, unit="uV", step_uv=0.1))
    texts = [EdfText(time_s=float(one), text="Stimulus right zygomatic 12 mA") for one in times_s]
    write_continuous(path, channels, rate_hz=RATE_HZ, texts=texts)


def broken(whole: bytes, kind: int) -> bytes:
    """Break a recording in one of five ways."""
    return [
        whole[:300],  # ends within the header
        whole[:184] + b"99999999" + whole[192:],  # a header of impossible length
        whole[:252] + b"none" + whole[256:],  # no number of signals
        b"",
        whole[:256] + b"?" * 512 + whole[768:],  # labels that no muscle can be told from
    ][kind % 5]


def write_recordings(folder: Path, n: int) -> list[Path]:
    """Write the recordings, in a folder for each hundred."""
    drawn = []
    for seed in range(N_DRAWN):
        draw(folder / "drawn.edf", seed)
        drawn.append((folder / "drawn.edf").read_bytes())
    (folder / "drawn.edf").unlink()
    paths = []
    for number in range(n):
        content = drawn[number % N_DRAWN]
        content = content[:8] + f"X X X case_{number}".encode().ljust(80) + content[88:]
        if number % BROKEN_EVERY == 0:
            content = broken(content, number // BROKEN_EVERY)
        path = folder / f"{number // 100:02d}" / f"case_{number:04d}.edf"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        paths.append(path)
    return paths


def loop_s(paths: list[Path]) -> float:
    """Seconds of the loop, from its start to its end."""
    environment = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}}
    began = time.perf_counter()
    listed = "\n".join(map(str, paths))
    subprocess.run([sys.executable, "-c", LOOP], input=listed, text=True, check=True, env=environment)
    return time.perf_counter() - began


def batch_s(folder: Path, out: Path, *options: str) -> float:
    """Seconds of a run, from its start to its end."""
    command = [
        sys.executable,
        "-m",
        "lsr_cli",
        "batch",
        folder,
        "--out",
        out,
        "--no-html",
        "--quiet",
        *options,
    ]
    began = time.perf_counter()
    status = subprocess.run(command).returncode
    if status != 1:
        raise RuntimeError(f"lsr batch ended with status {status}; 1 says that some recordings are broken")
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="100 recordings")
    n = 100 if parser.parse_args().quick else 1000
    n_jobs = [1, *(jobs for jobs in (2, 4, 8, 16, 32, 64) if jobs <= available_cores())]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        paths = write_recordings(folder, n)
        with ThreadPoolExecutor(2) as pool:
            loop = pool.submit(loop_s, paths)
            kept = {1: batch_s(folder, Path(name) / "out1", "--jobs", "1")}
            alone_s = loop.result()
        kept |= {jobs: batch_s(folder, Path(name) / f"out{jobs}", "--jobs", str(jobs)) for jobs in n_jobs[1:]}
        print(f"{n} recordings, {n // BROKEN_EVERY} of them broken, {available_cores()} cores")
        print(f"{'':>14} {'seconds':>8} {'files/s':>8} {'efficiency':>11} {'overhead':>12}")
        print(f"{'loop':>14} {alone_s:8.1f} {n / alone_s:8.1f}")
        for jobs in n_jobs:
            efficiency = kept[1] / jobs / kept[jobs]
            overhead_ms = (kept[jobs] * jobs - alone_s) / n * 1000
            told = "" if jobs == 1 or efficiency >= LEAST_EFFICIENCY else f"  < {LEAST_EFFICIENCY}"
            told += f"  > {MOST_OVERHEAD_MS:g} ms" if jobs == 1 and overhead_ms > MOST_OVERHEAD_MS else ""
            rate = n / kept[jobs]
            print(
                f"{f'--jobs {jobs}':>14} {kept[jobs]:8.1f} {rate:8.1f} {efficiency:11.2f} "
                f"{overhead_ms:9.1f} ms{told}"
            )
        last = Path(name) / f"out{n_jobs[-1]}"
        resumed_s = batch_s(folder, last, "--jobs", str(n_jobs[-1]), "--resume")
        print(f"{'--resume':>14} {resumed_s:8.1f} {n / resumed_s:8.1f}")


if __name__ == "__main__":
    main()
