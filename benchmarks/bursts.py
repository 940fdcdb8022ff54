"""How often is a spasm burst missed or invented between the stimuli of a recording?

Run by `make benchmark`; by hand: `python benchmarks/bursts.py --recordings 40`. Each recording lasts a
minute: a direct muscle, one with an LSR, and one at rest; stimuli with artifacts, some without a marker,
ECG, hum and drift; noise of four kinds. Bursts last 15 to 250 ms. A planted burst counts where at least 15
ms of it lie outside what no method could look at, from 3 ms before a stimulus to 100 ms after it. One that
is found is invented where it meets no planted one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pandas as pd

from lsr import Settings
from lsr.anatomy import Branch, Muscle, Side
from lsr.findings.pairs import find_sites
from lsr.recording import Annotation, Recording
from lsr.spontaneous.watch import watch_muscles
from lsr.stimuli import find_stimuli
from lsr.synthetic.nuisances import draw_burst_times
from lsr.synthetic.recording import (
    ChannelPlan,
    RecordingPlan,
    ResponsePlan,
    StimulationPlan,
    draw_recording,
)
from lsr.synthetic.streams import stream
from lsr.threads import use_one_thread

TIMES_BACKGROUND = (2.0, 3.0, 5.0)
SECONDS = 60.0
_RATE_HZ = 5000.0
_N_BURSTS = 40
_HIDDEN_S = (0.003, 0.100)
_LEAST_SEEN_S = 0.015
_LABELS = {
    "R O.Oculi": Muscle.ORBICULARIS_OCULI,
    "R Mentalis": Muscle.MENTALIS,
    "R Platysma": Muscle.PLATYSMA,
}
_AT_REST = "R Platysma"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What was planted and found in one muscle."""

    times_background: float
    n_planted: int
    n_missed: int
    n_found: int
    n_invented: int
    observed_s: float


def plan(number: int, times_background: float) -> RecordingPlan:
    """Draw what recording `number` holds."""
    rng = stream(number, "bursts benchmark")
    n_stimuli = int(rng.integers(20, 50))
    times_s = np.round(np.cumsum(rng.uniform(0.9, 1.1, n_stimuli)) + 1.0, 6)
    channels = []
    for label, muscle in _LABELS.items():
        noise_uv = float(rng.uniform(2.0, 10.0))
        channels.append(
            ChannelPlan(
                label=label,
                muscle=muscle,
                side=Side.RIGHT,
                noise_uv=noise_uv,
                spike_uv=float(rng.uniform(500.0, 2500.0)),
                tail_uv=float(rng.uniform(10.0, 80.0)),
                hum_uv=float(rng.uniform(0.0, 8.0)),
                ecg_uv=float(rng.uniform(0.0, 80.0)),
                drift_uv=float(rng.uniform(0.0, 40.0)),
                burst_uv=0.0 if label == _AT_REST else times_background * noise_uv,
            )
        )
    missed = tuple(int(one) for one in rng.choice(np.arange(2, n_stimuli), 2, replace=False))
    stimulation = StimulationPlan(
        side=Side.RIGHT, branch=Branch.ZYGOMATIC, times_s=times_s, text="Stim R zygomatic", missed=missed
    )
    return RecordingPlan(
        scenario="bursts",
        description="",
        rate_hz=_RATE_HZ,
        stretches_s=np.array([[0.0, SECONDS]]),
        channels=tuple(channels),
        stimulation=(stimulation,),
        responses=(
            ResponsePlan(stimulation=0, channel=0, m_wave_uv=float(rng.uniform(700.0, 2200.0))),
            ResponsePlan(stimulation=0, channel=1, lsr_uv=150.0, crosstalk_uv=30.0, late_uv=60.0),
            ResponsePlan(stimulation=0, channel=2, crosstalk_uv=20.0),
        ),
        family="any",
        mains_hz=float(rng.choice([50.0, 60.0])),
        n_bursts=_N_BURSTS,
    )


def planted_s(number: int, times_s: np.ndarray) -> np.ndarray:
    """Start and stop of every burst that could be seen, those that overlap as one, shape (n, 2)."""
    at_s = draw_burst_times(stream(number, "bursts"), 0.0, 1.0, _N_BURSTS)
    n = round(SECONDS * _RATE_HZ)
    begins = (at_s[:, 0] * (n - 1)).astype(int) / _RATE_HZ
    joined: list[list[float]] = []
    for begin, end in zip(begins, begins + at_s[:, 1], strict=True):
        if joined and begin <= joined[-1][1] + 0.025:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([begin, min(end, SECONDS)])
    return np.array([one for one in joined if _seen_s(one, times_s) >= _LEAST_SEEN_S])


def _seen_s(burst_s: Sequence[float], times_s: np.ndarray) -> float:
    """How much of a burst lies outside what is hidden around the stimuli."""
    at = np.arange(burst_s[0], burst_s[1], 1 / _RATE_HZ)
    since = at[:, None] - times_s
    return float(np.count_nonzero(~((since > -_HIDDEN_S[0]) & (since < _HIDDEN_S[1])).any(axis=1)) / _RATE_HZ)


def judge(asked: tuple[int, float]) -> list[Count]:
    """Draw one recording and count what is missed and invented."""
    number, times_background = asked
    planned = plan(number, times_background)
    drawn = draw_recording(planned, seed=number)
    stimulation = planned.stimulation[0]
    marked = np.delete(stimulation.times_s, stimulation.missed)
    recording = Recording.from_arrays(
        list(drawn.emg_uv.astype(np.float32)),
        rates_hz=_RATE_HZ,
        labels=list(_LABELS),
        annotations=[Annotation(time_s=float(t), duration_s=None, text="Stim R zygomatic") for t in marked],
        name=f"bursts {number}",
    )
    settings = Settings()
    watched = watch_muscles(recording, find_sites(recording, settings), find_stimuli(recording, settings))
    counts = []
    for one in watched:
        rests = one.site.label == _AT_REST
        planted = np.empty((0, 2)) if rests else planted_s(number, stimulation.times_s)
        every = np.empty((0, 2)) if rests else planted_s(number, np.empty(0))
        found = one.bursts
        counts.append(
            Count(
                times_background=0.0 if rests else times_background,
                n_planted=len(planted),
                n_missed=int((~_meets(planted, found)).sum()),
                n_found=len(found),
                n_invented=int((~_meets(found, every)).sum()),
                observed_s=float(one.seen_s.sum()),
            )
        )
    return counts


def _meets(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which rows (start, stop, ...) overlap any of the others."""
    met: np.ndarray = ((rows[:, :1] < others[:, 1]) & (rows[:, 1:2] > others[:, 0])).any(axis=1)
    return met


def table(counts: Sequence[Count]) -> pd.DataFrame:
    """Shares by how much a burst exceeds the background; 0: the muscle at rest."""
    frame = pd.DataFrame([{name: getattr(one, name) for name in Count.__slots__} for one in counts])
    summed = frame.groupby("times_background").sum(numeric_only=True)
    summed["missed, %"] = 100 * summed.n_missed / summed.n_planted
    summed["invented, %"] = 100 * summed.n_invented / summed.n_found
    summed["invented a minute"] = 60 * summed.n_invented / summed.observed_s
    return summed.drop(columns="observed_s").round(2)


def main() -> None:
    """Draw, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recordings", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="number of the first recording: another draw")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    started = time.perf_counter()
    numbers = range(asked.first, asked.first + asked.recordings)
    cases = [(number, times) for times in TIMES_BACKGROUND for number in numbers]
    use_one_thread()  # the processes import numpy anew
    with ProcessPoolExecutor(asked.processes, mp_context=get_context("spawn")) as pool:
        counts = [one for some in pool.map(judge, cases, chunksize=4) for one in some]
    print(f"{asked.recordings} recordings of {SECONDS:.0f} s at each level\n")
    print(table(counts).to_string())
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
